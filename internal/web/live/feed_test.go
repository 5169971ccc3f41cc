package live

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// viewOf returns a view of heartbeats whose snapshots are empty.
func viewOf(keys ...int64) *View {
	return &View{
		Keys: keys, Now: time.Now,
		Poll:     func(context.Context) (string, error) { return "", nil },
		Snapshot: func(context.Context, time.Time) (Snapshot, error) { return Snapshot{}, nil },
	}
}

func TestFeed_APersonWithFewPagesAlwaysGetsOne(t *testing.T) {
	for name, f := range map[string]*Feed{"of the node": {MaxPages: 60}, "of an address": {}} {
		all := map[*subscription]bool{}
		for person := range 5 {
			for range MaxPagesPerPerson {
				if s, err := f.subscribe(Subscriber{fmt.Sprint("viewer", person), "192.0.2.0/32"}, viewOf()); err == nil {
					all[s] = true
				}
			}
		}
		mine, err := f.subscribe(Subscriber{"owner", "192.0.2.0/32"}, viewOf(1))
		if err != nil {
			t.Errorf("limit %s: the owner was rejected: %v", name, err)
			continue
		}
		for person := range 5 { // evicted pages connect again, and more
			for range 100 {
				if s, err := f.subscribe(Subscriber{fmt.Sprint("viewer", person), "192.0.2.0/32"}, viewOf()); err == nil {
					all[s] = true
				}
			}
		}
		select {
		case <-mine.done:
			t.Errorf("limit %s: the owner's only live page was evicted", name)
		default:
		}
		if n := len(f.subscriptions); n > 60 {
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
		if _, err := f.subscribe(Subscriber{Person: fmt.Sprint(n)}, viewOf()); err != nil {
			t.Fatalf("live page %d: %v", n, err)
		}
	}
	for n := range MaxPagesPerAddress {
		if _, err := f.subscribe(Subscriber{fmt.Sprint("p", n), "192.0.2.0/32"}, viewOf()); err != nil {
			t.Fatalf("live page %d of an address: %v", n, err)
		}
	}
	_, err := f.subscribe(Subscriber{"one more", "192.0.2.0/32"}, viewOf())
	if err == nil || !strings.Contains(err.Error(), "50 live pages open at your address") {
		t.Errorf("one too many of an address: %v", err)
	}
}
