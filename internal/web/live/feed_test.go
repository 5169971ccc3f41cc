package live

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFeed_ChangedNeverBlocks(t *testing.T) {
	f := &Feed{}
	var all []*subscription
	for n := range MaxPages {
		s, err := f.subscribe(Subscriber{Person: fmt.Sprint(n)}, []int64{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if _, err := f.subscribe(Subscriber{Person: "one more"}, nil); err == nil {
		t.Error("a stream above the limit was accepted")
	}
	for range 100 {
		f.Changed([]int64{2, 1, 3}) // no stream reads its signal
	}
	for _, s := range all {
		select {
		case <-s.wake:
		default:
			t.Fatal("a stream was not woken")
		}
		select {
		case <-s.wake:
			t.Fatal("a stream was woken twice")
		default:
		}
		f.unsubscribe(s)
	}
	if len(f.subscriptions) != 0 {
		t.Errorf("the feed still has %d streams under %d keys", len(f.subscriptions[allSubscriptions]), len(f.subscriptions))
	}
	f.Changed([]int64{1})
	f.Close()
	f.Close()
}

func TestFeed_APersonWithFewPagesAlwaysGetsOne(t *testing.T) {
	for name, f := range map[string]*Feed{"of the node": {MaxPages: 60}, "of an address": {}} {
		all := map[*subscription]bool{}
		for person := range 5 {
			for range MaxPagesPerPerson {
				if s, err := f.subscribe(Subscriber{fmt.Sprint("viewer", person), "192.0.2.0/32"}, nil); err == nil {
					all[s] = true
				}
			}
		}
		mine, err := f.subscribe(Subscriber{"owner", "192.0.2.0/32"}, []int64{1})
		if err != nil {
			t.Errorf("limit %s: the owner was rejected: %v", name, err)
			continue
		}
		for person := range 5 { // evicted pages connect again, and more
			for range 100 {
				if s, err := f.subscribe(Subscriber{fmt.Sprint("viewer", person), "192.0.2.0/32"}, nil); err == nil {
					all[s] = true
				}
			}
		}
		select {
		case <-mine.done:
			t.Errorf("limit %s: the owner's only live page was evicted", name)
		default:
		}
		if n := len(f.subscriptions[allSubscriptions]); n > 60 {
			t.Errorf("limit %s: %d live pages are open", name, n)
		}
		f.Close()
		for s := range all {
			select {
			case <-s.done:
			case <-time.After(time.Second):
				t.Fatalf("limit %s: a live page is still open after Close", name)
			}
		}
	}
}

func TestFeed_LoopbackHasNoAddressLimit(t *testing.T) {
	f := &Feed{}
	for n := range 2 * MaxPagesPerAddress {
		if _, err := f.subscribe(Subscriber{Person: fmt.Sprint(n)}, nil); err != nil {
			t.Fatalf("live page %d: %v", n, err)
		}
	}
	for n := range MaxPagesPerAddress {
		if _, err := f.subscribe(Subscriber{fmt.Sprint("p", n), "192.0.2.0/32"}, nil); err != nil {
			t.Fatalf("live page %d of an address: %v", n, err)
		}
	}
	_, err := f.subscribe(Subscriber{"one more", "192.0.2.0/32"}, nil)
	if err == nil || !strings.Contains(err.Error(), "50 live pages open at your address") {
		t.Errorf("one too many of an address: %v", err)
	}
}
