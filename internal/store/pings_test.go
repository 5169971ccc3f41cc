package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// history lists the numbers of the pings kept, newest first.
func (w *world) history(h monitor.Heartbeat, before int64, limit int) []int64 {
	w.Helper()
	var numbers []int64
	for _, p := range seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, before, limit) }) {
		numbers = append(numbers, p.N)
	}
	return numbers
}

// hearMany keeps n pings, a minute apart, in batches.
func (w *world) hearMany(h monitor.Heartbeat, n int, from time.Duration) {
	w.Helper()
	for n > 0 {
		var batch []monitor.Ping
		for range min(n, 64) {
			batch = append(batch, w.ping(monitor.Log, from))
			from += time.Minute
		}
		n -= len(batch)
		w.hear(h, batch...)
	}
}

func TestEveryFieldOfAPingComesBackAsItWasSaved(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		for n, p := range []monitor.Ping{
			{Kind: monitor.Start, RunID: "6d0c7d9e", ExitCode: monitor.NoExitCode, Method: "HEAD", Source: "2001:db8::1", UserAgent: `"%_'\ é`},
			{Kind: monitor.Fail, ExitCode: 255, RunID: "6d0c7d9e", HasRun: true, RunTime: time.Minute, Method: "POST", Body: []byte{0, 255, '\n', 0}},
			{Kind: monitor.Success, ExitCode: 0, Method: "GET"},
			{Kind: monitor.Log, ExitCode: monitor.NoExitCode, Method: "POST", Body: []byte("hello"), Flags: monitor.BodyTruncated | monitor.Delayed},
		} {
			p.N, p.At, p.BodySize = int64(n+1), w.at(time.Duration(n)*time.Minute+time.Microsecond), int64(len(p.Body))
			w.hear(h, p)
			got := seen(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, p.N) })
			if p.Kind == monitor.Fail {
				p.RunTime = time.Minute // as the rules measured it
			}
			if diff := cmp.Diff(p, got); diff != "" {
				w.Errorf("ping %d (-want +got):\n%s", n, diff)
			}
			listed := seen(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1) })
			p.Body = nil
			if diff := cmp.Diff([]monitor.Ping{p}, listed); diff != "" {
				w.Errorf("ping %d in the list (-want +got):\n%s", n, diff)
			}
		}
	})
}

func TestARunOfNoTimeIsNotARunOfUnknownTime(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, w.ping(monitor.Start, 0), w.ping(monitor.Success, 0))
		p := seen(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, 2) })
		if h := w.now(h); !p.HasRun || p.RunTime != 0 || !h.HasRun || h.RunTime != 0 {
			w.Errorf("the ping has run: %t, the heartbeat: %t; want both to have run for no time", p.HasRun, h.HasRun)
		}
	})
}

func TestBytesThatAreNoTextDoNotSpoilTheBatch(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		odd := w.ping(monitor.Success, time.Minute)
		odd.UserAgent, odd.Source, odd.Method, odd.RunID = "a\xff\x00b", "\xc3\x28", "G\x00T", "\x00"
		w.hear(h, odd, w.ping(monitor.Success, 2*time.Minute))
		p := seen(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, 1) })
		if p.UserAgent != "a\uFFFD\uFFFDb" {
			w.Errorf("the user agent is kept as %q; want replacement characters where it was no text", p.UserAgent)
		}
		if w.now(h).Pings != 2 {
			w.Errorf("%d pings are kept; want both", w.now(h).Pings)
		}
	})
}

func TestAHistoryKeepsAThousandPingsAndAtMostAHundredMore(t *testing.T) {
	onEach(t, func(w *world) {
		h, other := w.heartbeat("backup"), w.heartbeat("other")
		w.hearMany(other, 3, 0)
		w.hearMany(h, 999, 0)
		for total := 999; total <= 1400; total += 57 {
			kept := w.history(h, 0, 2000)
			if len(kept) < min(total, 1000) || len(kept) > 1100 {
				w.Errorf("%d pings are kept of %d; want a thousand and at most a hundred more", len(kept), total)
			}
			if kept[0] != int64(total) || kept[len(kept)-1] != int64(total-len(kept)+1) {
				w.Errorf("pings %d to %d are kept of %d; want the newest without a gap", kept[len(kept)-1], kept[0], total)
			}
			w.hearMany(h, 57, time.Duration(total)*time.Minute)
		}
		if kept := w.history(other, 0, 10); len(kept) != 3 {
			w.Errorf("another heartbeat keeps %d pings; want its 3", len(kept))
		}
	})
}

func TestPingsAreListedNewestFirstPageByPage(t *testing.T) {
	onEach(t, func(w *world) {
		h, other := w.heartbeat("backup"), w.heartbeat("other")
		w.hearMany(h, 7, 0)
		w.hearMany(other, 9, 0)
		for _, page := range []struct {
			before int64
			want   []int64
		}{{0, []int64{7, 6, 5}}, {5, []int64{4, 3, 2}}, {2, []int64{1}}, {1, nil}} {
			if diff := cmp.Diff(page.want, w.history(h, page.before, 3)); diff != "" {
				w.Errorf("page before %d (-want +got):\n%s", page.before, diff)
			}
		}
	})
}

func TestAPingThatIsNotKeptIsMissing(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.wrong(w.db.View(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Ping(h.Key, 1)
			return err
		}), monitor.Missing)
	})
}

func TestForgetDropsPingsOlderThanNinetyDays(t *testing.T) {
	onEach(t, func(w *world) {
		day := 24 * time.Hour
		h, young := w.heartbeat("backup"), w.heartbeat("young")
		w.hear(h, w.ping(monitor.Success, 0), w.ping(monitor.Success, day), w.ping(monitor.Success, 2*day))
		w.hear(young, w.ping(monitor.Success, 2*day))
		forget := func(d time.Duration) int {
			return made(w, func(tx *store.Tx) (int, error) { return tx.Forget(w.at(d), 10) })
		}
		for _, step := range []struct {
			at     time.Duration
			forgot int
			kept   []int64
		}{
			{90 * day, 0, []int64{3, 2, 1}},
			{90*day + time.Microsecond, 1, []int64{3, 2}},
			{90*day + time.Microsecond, 0, []int64{3, 2}},
			{91*day + time.Hour, 1, []int64{3}},
		} {
			if n := forget(step.at); n != step.forgot {
				w.Errorf("after %s pings of %d heartbeats were forgotten; want %d", step.at, n, step.forgot)
			}
			if diff := cmp.Diff(step.kept, w.history(h, 0, 10)); diff != "" {
				w.Errorf("kept after %s (-want +got):\n%s", step.at, diff)
			}
		}
		if kept := w.history(young, 0, 10); len(kept) != 1 {
			w.Errorf("the young heartbeat keeps %d pings; want its only one", len(kept))
		}
	})
}

func TestForgetDropsAllPingsOfAHeartbeatDeletedAWeekAgo(t *testing.T) {
	onEach(t, func(w *world) {
		week := 7 * 24 * time.Hour
		h, living := w.heartbeat("backup"), w.heartbeat("living")
		w.hearMany(h, 5, 0)
		w.hearMany(living, 5, 0)
		h.Deleted = w.at(time.Hour)
		w.update(func(tx *store.Tx) error { return tx.SaveSettings(h) })
		for d, want := range map[time.Duration]int{0: 5, time.Microsecond: 0} {
			w.undo(func(tx *store.Tx) error {
				if _, err := tx.Forget(w.at(time.Hour+week+d), 10); err != nil {
					return err
				}
				left, err := tx.Pings(h.Key, 0, 10)
				if len(left) != want {
					w.Errorf("a week and %s after its deletion it keeps %d pings; want %d", d, len(left), want)
				}
				return err
			})
		}
		w.update(func(tx *store.Tx) error { _, err := tx.Forget(w.at(2*week), 10); return err })
		if kept := w.history(living, 0, 10); len(kept) != 5 {
			w.Errorf("the living heartbeat keeps %d pings; want 5", len(kept))
		}
	})
}

func TestForgetTakesOnlySoManyHeartbeatsAtATime(t *testing.T) {
	onEach(t, func(w *world) {
		for n := range 5 {
			w.hear(w.heartbeat(fmt.Sprint("job-", n)), w.ping(monitor.Success, 0))
		}
		for _, want := range []int{2, 2, 1, 0} {
			n := made(w, func(tx *store.Tx) (int, error) { return tx.Forget(w.at(100*24*time.Hour), 2) })
			if n != want {
				w.Errorf("pings of %d heartbeats were forgotten; want %d", n, want)
			}
		}
		if n := w.counted("SELECT COUNT(*) FROM pings"); n != "0" {
			w.Errorf("%s pings are kept; want none", n)
		}
	})
}
