package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// pingNumbers returns the numbers of the stored pings, newest first.
func (w *fixture) pingNumbers(h monitor.Heartbeat, before int64, limit int) []int64 {
	w.Helper()
	var numbers []int64
	for _, p := range view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, before, limit) }) {
		numbers = append(numbers, p.Number)
	}
	return numbers
}

// applyManyPings applies n pings, a minute apart, in batches.
func (w *fixture) applyManyPings(h monitor.Heartbeat, n int, from time.Duration) {
	w.Helper()
	for n > 0 {
		var batch []monitor.Ping
		for range min(n, 64) {
			batch = append(batch, w.ping(monitor.PingLog, from))
			from += time.Minute
		}
		n -= len(batch)
		w.applyPings(h, batch...)
	}
}

func TestSave_EveryFieldOfAPingIsReadBack(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		for n, p := range []monitor.Ping{
			{Kind: monitor.PingStart, RunID: "6d0c7d9e", ExitCode: monitor.NoExitCode, Method: "HEAD", Source: "2001:db8::1", UserAgent: `"%_'\ é`},
			{Kind: monitor.PingFail, ExitCode: 255, RunID: "6d0c7d9e", HasRunTime: true, RunTime: time.Minute, Method: "POST", Body: []byte{0, 255, '\n', 0}},
			{Kind: monitor.PingSuccess, ExitCode: 0, Method: "GET"},
			{Kind: monitor.PingLog, ExitCode: monitor.NoExitCode, Method: "POST", Body: []byte("hello"), Flags: monitor.BodyTruncated | monitor.Delayed},
		} {
			p.Number, p.At, p.BodySize = int64(n+1), w.at(time.Duration(n)*time.Minute+time.Microsecond), int64(len(p.Body))
			w.applyPings(h, p)
			got := view(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, p.Number) })
			if p.Kind == monitor.PingFail {
				p.RunTime = time.Minute // as the rules measured it
			}
			if diff := cmp.Diff(p, got); diff != "" {
				w.Errorf("ping %d (-want +got):\n%s", n, diff)
			}
			listed := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 1) })
			p.Body = nil
			if diff := cmp.Diff([]monitor.Ping{p}, listed); diff != "" {
				w.Errorf("ping %d in the list (-want +got):\n%s", n, diff)
			}
		}
	})
}

func TestSave_AZeroRunTimeIsNotAnUnknownRunTime(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingStart, 0), w.ping(monitor.PingSuccess, 0))
		p := view(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, 2) })
		if h := w.reload(h); !p.HasRunTime || p.RunTime != 0 || !h.HasRunTime || h.LastRunTime != 0 {
			w.Errorf("run time known for the ping: %t, for the heartbeat: %t; want both", p.HasRunTime, h.HasRunTime)
		}
	})
}

func TestSave_AcceptsInvalidUTF8InPings(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		odd := w.ping(monitor.PingSuccess, time.Minute)
		odd.UserAgent, odd.Source, odd.Method, odd.RunID = "a\xff\x00b", "\xc3\x28", "G\x00T", "\x00"
		w.applyPings(h, odd, w.ping(monitor.PingSuccess, 2*time.Minute))
		p := view(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, 1) })
		if p.UserAgent != "a\uFFFD\uFFFDb" {
			w.Errorf("the user agent is %q; want replacement characters for invalid bytes", p.UserAgent)
		}
		if w.reload(h).PingCount != 2 {
			w.Errorf("%d pings are stored; want both", w.reload(h).PingCount)
		}
	})
}

func TestSave_KeepsAThousandToElevenHundredPings(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
		w.applyManyPings(other, 3, 0)
		w.applyManyPings(h, 999, 0)
		for total := 999; total <= 1400; total += 57 {
			stored := w.pingNumbers(h, 0, 2000)
			if len(stored) < min(total, 1000) || len(stored) > 1100 {
				w.Errorf("%d of %d pings are stored; want 1000 to 1100", len(stored), total)
			}
			if stored[0] != int64(total) || stored[len(stored)-1] != int64(total-len(stored)+1) {
				w.Errorf("pings %d to %d of %d are stored; want the newest without a gap", stored[len(stored)-1], stored[0], total)
			}
			w.applyManyPings(h, 57, time.Duration(total)*time.Minute)
		}
		if stored := w.pingNumbers(other, 0, 10); len(stored) != 3 {
			w.Errorf("another heartbeat has %d pings; want its 3", len(stored))
		}
	})
}

func TestPings_ListsPagesNewestFirst(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("other")
		w.applyManyPings(h, 7, 0)
		w.applyManyPings(other, 9, 0)
		for _, page := range []struct {
			before int64
			want   []int64
		}{{0, []int64{7, 6, 5}}, {5, []int64{4, 3, 2}}, {2, []int64{1}}, {1, nil}} {
			if diff := cmp.Diff(page.want, w.pingNumbers(h, page.before, 3)); diff != "" {
				w.Errorf("page before %d (-want +got):\n%s", page.before, diff)
			}
		}
	})
}

func TestPing_ADeletedPingIsMissing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Ping(h.Key, 1)
			return err
		}), monitor.NotFound)
	})
}
