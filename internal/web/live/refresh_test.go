package live

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// page counts what a view reads and renders. Its heartbeats are 1 to rows.
type page struct {
	rows      int
	snapshots atomic.Int64
	renders   atomic.Int64
	took      time.Duration // of a snapshot

	mu     sync.Mutex
	states map[int]int // by row
}

// change changes the state of a row.
func (p *page) change(row int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.states == nil {
		p.states = map[int]int{}
	}
	p.states[row]++
}

// view returns a view of the page.
func (p *page) view(key string) View {
	v := *viewOf()
	v.Key = key
	for row := range p.rows {
		v.Keys = append(v.Keys, int64(row+1))
	}
	v.Snapshot = func(context.Context, time.Time) (found Snapshot, err error) {
		p.snapshots.Add(1)
		time.Sleep(p.took)
		p.mu.Lock()
		defer p.mu.Unlock()
		for row := range p.rows {
			state := p.states[row]
			found.Fragments = append(found.Fragments, Fragment{Key: fmt.Sprint(row), State: state, Render: func(ui.Clock) templ.Component {
				p.renders.Add(1)
				return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
					_, err := fmt.Fprintf(w, "row %d state %d", row, state)
					return err
				})
			}})
		}
		return found, nil
	}
	return v
}

// browser is an open page. It counts the writes that it gets.
type browser struct {
	header  http.Header
	blocked chan struct{} // a write waits until it is closed; nil: none waits
	mu      sync.Mutex
	text    strings.Builder
	writes  int
}

func (b *browser) Header() http.Header { return b.header }
func (b *browser) WriteHeader(int)     {}
func (b *browser) Flush()              {}
func (b *browser) Write(text []byte) (int, error) {
	if b.blocked != nil && strings.Contains(string(text), "event:") {
		<-b.blocked
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if strings.Contains(string(text), "event:") {
		b.writes++
	}
	return b.text.Write(text)
}

// got returns the number of updates, and whether they contain a text.
func (b *browser) got(text string) (updates int, contains bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writes, strings.Contains(b.text.String(), text)
}

// open opens a page that shows state 0 of each row, and returns it with a function that closes it.
func (p *page) open(t *testing.T, f *Feed, key string) *browser {
	b := &browser{header: http.Header{}}
	p.serve(t, f, key, b)
	return b
}

func (p *page) serve(t *testing.T, f *Feed, key string, b *browser) {
	digests := map[string]string{}
	for row := range p.rows {
		digests[fmt.Sprint(row)] = Digest(0)
	}
	s := &Stream{
		Feed: f, View: p.view(key), Logger: slog.New(slog.DiscardHandler), Subscriber: Subscriber{Person: fmt.Sprintf("%p", b)},
		EndReason: func(context.Context) (string, error) { return "", nil },
	}
	go func() {
		_ = s.Serve(t.Context(), b, httptest.NewRequest(http.MethodGet, "/live/heartbeats", nil), digests)
	}()
}

// closeFeed ends the streams of a test, and waits for their end.
func closeFeed(f *Feed) {
	f.Close()
	synctest.Wait()
}

func TestFeed_AChangeIsReadAndRenderedOnceForAllViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := &Feed{}, &page{rows: 25}
		defer closeFeed(f)
		var open []*browser
		for range 200 {
			open = append(open, p.open(t, f, "list"))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		snapshots, renders := p.snapshots.Load(), p.renders.Load()
		if renders != 0 {
			t.Errorf("%d fragments were rendered that all pages show", renders)
		}
		p.change(7)
		f.Pinged([]int64{8})
		synctest.Wait()
		if n := p.snapshots.Load() - snapshots; n != 1 {
			t.Errorf("one change was read %d times for 200 viewers", n)
		}
		if n := p.renders.Load(); n != 1 {
			t.Errorf("one changed row was rendered %d times for 200 viewers", n)
		}
		for n, b := range open {
			if updates, shown := b.got("row 7 state 1"); updates != 1 || !shown {
				t.Fatalf("viewer %d got %d updates, the change: %t", n, updates, shown)
			}
		}
	})
}

func TestFeed_PingsCauseOneUpdatePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := &Feed{}, &page{rows: 25}
		defer closeFeed(f)
		b := p.open(t, f, "list")
		time.Sleep(10*time.Second + 500*time.Millisecond)
		p.change(0)
		f.Pinged([]int64{1})
		synctest.Wait()
		if updates, _ := b.got(""); updates != 1 {
			t.Fatalf("%d updates at once after a quiet second; want 1", updates)
		}
		snapshots := p.snapshots.Load()
		for range 10_000 { // ten seconds of pings
			time.Sleep(time.Millisecond)
			p.change(0)
			f.Pinged([]int64{1, 999})
		}
		if updates, _ := b.got(""); updates < 10 || updates > 11 {
			t.Errorf("%d updates in ten seconds of pings; want one per second", updates)
		}
		if n := p.snapshots.Load() - snapshots; n > 11 {
			t.Errorf("%d snapshots in ten seconds of pings; want one per second", n)
		}
		f.Pinged([]int64{999})
		time.Sleep(2 * time.Second)
		snapshots = p.snapshots.Load()
		f.Pinged([]int64{999})
		time.Sleep(time.Second)
		if n := p.snapshots.Load() - snapshots; n != 0 {
			t.Errorf("a ping of a heartbeat that the page does not show caused %d snapshots", n)
		}
	})
}

func TestFeed_PingsDelayNoOtherChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := &Feed{}, &page{rows: 1, took: 200 * time.Millisecond} // the server rests after such a snapshot
		defer closeFeed(f)
		b := p.open(t, f, "list")
		time.Sleep(10 * time.Second)
		p.change(0)
		f.Pinged([]int64{1})
		time.Sleep(300 * time.Millisecond)
		p.change(0)
		f.Pinged([]int64{1})
		p.change(0)
		f.Changed([]int64{1})
		time.Sleep(urgentInterval + p.took + time.Millisecond)
		if _, shown := b.got("row 0 state 3"); !shown {
			t.Error("an incident is not shown because of pings before it")
		}
	})
}

func TestFeed_ManyViewsUseALimitedShareOfTheProcessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const views = 100
		f, p := &Feed{}, &page{rows: 1, took: 5 * time.Millisecond}
		defer closeFeed(f)
		var open []*browser
		for n := range views {
			open = append(open, p.open(t, f, fmt.Sprint("list ", n)))
		}
		time.Sleep(20 * time.Second)
		snapshots := p.snapshots.Load()
		for range 60_000 {
			time.Sleep(time.Millisecond)
			p.change(0)
			f.Pinged([]int64{1})
		}
		n := p.snapshots.Load() - snapshots
		share := float64(n) * p.took.Seconds() / 60
		// All views get an update after the longest delay, whatever it costs.
		limit := max(quietShare*float64(runtime.GOMAXPROCS(0)), views*p.took.Seconds()/(quietInterval+maxQuietDelay).Seconds())
		if share > limit*1.25 {
			t.Errorf("pages use %.3f processors; want %.3f", share, limit)
		}
		for i, b := range open {
			if updates, _ := b.got(""); updates < 8 {
				t.Errorf("view %d got %d updates in a minute", i, updates)
			}
		}
	})
}

func TestFeed_ASlowViewerHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := &Feed{}, &page{rows: 1}
		defer closeFeed(f)
		slow := &browser{header: http.Header{}, blocked: make(chan struct{})}
		p.serve(t, f, "list", slow)
		fast := p.open(t, f, "list")
		time.Sleep(10 * time.Second)
		for range 8 {
			p.change(0)
			f.Pinged([]int64{1})
			time.Sleep(time.Second + time.Millisecond)
		}
		if updates, _ := fast.got(""); updates != 8 {
			t.Errorf("next to a slow viewer, another got %d of 8 updates", updates)
		}
		close(slow.blocked)
		time.Sleep(time.Second)
		// The one that was being written, and the newest: none is kept for it.
		if updates, shown := slow.got("row 0 state 8"); updates != 2 || !shown {
			t.Errorf("the slow viewer got %d updates, the newest: %t; want 2", updates, shown)
		}
	})
}

func TestFeed_PollsFindWhatOtherNodesChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var status, pings, queries atomic.Int64
		f, p := &Feed{PollInterval: SharedPollInterval}, &page{rows: 3}
		f.Fingerprints = func(_ context.Context, keys []int64) (map[int64]Fingerprint, error) {
			queries.Add(1)
			all := map[int64]Fingerprint{}
			for _, key := range keys {
				all[key] = Fingerprint{Other: "up"}
			}
			all[2] = Fingerprint{Pings: pings.Load(), Other: fmt.Sprint(status.Load())}
			return all, nil
		}
		defer closeFeed(f)
		var open []*browser
		for n := range 50 {
			open = append(open, p.open(t, f, fmt.Sprint("list ", n)))
		}
		time.Sleep(10 * time.Second)
		queries.Store(0)
		for change := range 10 {
			wait := SharedPollInterval + quietInterval/2
			if change%2 == 0 {
				pings.Add(1)
			} else { // a ping on this node just before does not delay it
				f.Pinged([]int64{2})
				synctest.Wait()
				status.Add(1)
				wait = SharedPollInterval + time.Millisecond
			}
			p.change(1)
			time.Sleep(wait)
			for n, b := range open {
				if _, shown := b.got(fmt.Sprint("row 1 state ", change+1)); !shown {
					t.Fatalf("page %d does not show change %d of another node", n, change+1)
				}
			}
		}
		if limit := 11 * int64((SharedPollInterval+quietInterval/2)/SharedPollInterval+1); queries.Load() > limit {
			t.Errorf("%d queries for 50 pages; want one per interval, about %d", queries.Load(), limit)
		}
	})
}

func TestFeed_APingAllocatesNothing(t *testing.T) {
	f := &Feed{}
	for n := range 200 {
		v := viewOf(1, 2, 3)
		v.Key = fmt.Sprint(n % 50)
		v.Snapshot = func(ctx context.Context, _ time.Time) (Snapshot, error) { <-ctx.Done(); return Snapshot{}, ctx.Err() }
		if _, err := f.subscribe(Subscriber{Person: fmt.Sprint(n)}, v); err != nil {
			t.Fatal(err)
		}
	}
	defer f.Close()
	keys := make([]int64, 256)
	for i := range keys {
		keys[i] = int64(i)
	}
	if n := testing.AllocsPerRun(100, func() { f.Pinged(keys) }); n != 0 {
		t.Errorf("a batch of %d pings with 200 viewers allocates %.0f times", len(keys), n)
	}
}

func TestFeed_TheLastViewerLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Feed{}
		var all []*subscription
		for n := range 100 {
			v := viewOf(1, 2, 2)
			v.Key = fmt.Sprint(n % 10)
			s, err := f.subscribe(Subscriber{Person: fmt.Sprint(n)}, v)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		time.Sleep(3 * time.Second)
		for _, s := range all {
			f.unsubscribe(s)
			f.unsubscribe(s)
		}
		synctest.Wait()
		if len(f.subscriptions)+len(f.open)+len(f.shared)+len(f.heartbeats) != 0 || f.wake != nil || f.watching.Load() {
			t.Errorf("left: %d viewers, %d views, %d shared, %d heartbeats; refreshing: %t", len(f.subscriptions), len(f.open), len(f.shared), len(f.heartbeats), f.wake != nil)
		}
		f.Changed([]int64{1}) // no view is left: nothing happens
		f.Close()
		f.Close()
	})
}
