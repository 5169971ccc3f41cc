package store_test

import (
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// fromHost returns a ping of a host as the store gets it.
func (w *fixture) fromHost(h monitor.Heartbeat, host string, kind monitor.PingKind, d time.Duration) store.ReceivedPing {
	p := w.received(h, kind, d)
	p.Ping.Host = host
	return p
}

// The host of the newest run is part of the state, so that an incident that opens without a ping,
// perhaps after a restart and on another node, has it too.
func TestSave_AnIncidentHasTheHostOfTheFailedRunOrTheNewestRun(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for _, c := range []struct {
			name string
			do   func(h monitor.Heartbeat)
			want string
		}{
			{"missed after a named host", func(h monitor.Heartbeat) {
				w.applyAll(w.fromHost(h, "web1", monitor.PingSuccess, 0))
			}, "web1"},
			{"missed after a ping without a name", func(h monitor.Heartbeat) {
				w.applyAll(w.fromHost(h, "web1", monitor.PingSuccess, 0))
				w.applyAll(w.received(h, monitor.PingSuccess, time.Second))
			}, "192.0.2.1"},
			{"failed", func(h monitor.Heartbeat) {
				w.applyAll(w.fromHost(h, "web1", monitor.PingSuccess, 0))
				w.applyAll(w.fromHost(h, "web2", monitor.PingFail, time.Second))
			}, "web2"},
			{"a log is no run", func(h monitor.Heartbeat) {
				w.applyAll(w.fromHost(h, "web1", monitor.PingSuccess, 0))
				w.applyAll(w.fromHost(h, "web2", monitor.PingLog, time.Second))
			}, "web1"},
			{"a ping stored out of order", func(h monitor.Heartbeat) {
				w.applyAll(w.fromHost(h, "web1", monitor.PingSuccess, time.Second))
				w.applyAll(w.fromHost(h, "web2", monitor.PingSuccess, 0))
			}, "web1"},
			{"a run that never ended", func(h monitor.Heartbeat) {
				w.applyAll(w.fromHost(h, "web1", monitor.PingSuccess, 0))
				w.applyAll(w.fromHost(h, "web2", monitor.PingStart, time.Second))
			}, "web2"},
		} {
			h := w.newSavedHeartbeat(c.name)
			c.do(h)
			if got := w.reload(h).LastHost; got != c.want {
				w.Errorf("%s: last host %q; want %q", c.name, got, c.want)
			}
			w.evaluate(time.Hour)
			if i := w.incident(h); i.Host != c.want {
				w.Errorf("%s: host %q of the incident; want %q", c.name, i.Host, c.want)
			}
		}
	})
}

func TestPings_TheHistoryHasTheHostsInTheTablesAndInTheBuffer(t *testing.T) {
	served, _ := serveSQLite(t)
	check := func(w *fixture, flush func()) {
		w.Helper()
		h := w.newSavedHeartbeat("hosts")
		for n, host := range []string{"web1", "", "web2"} {
			w.applyAll(w.fromHost(h, host, monitor.PingSuccess, time.Duration(n)*time.Second))
		}
		for range 2 {
			pings := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 10) })
			if len(pings) != 3 || pings[0].Host != "web2" || pings[1].Host != "" || pings[2].Host != "web1" {
				w.Errorf("pings %+v; want their hosts", pings)
			}
			one := view(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, 3) })
			if got := w.reload(h).LastHost; got != "web2" || one.Host != "web2" {
				w.Errorf("last host %q, and %q of the ping; want web2", got, one.Host)
			}
			flush()
		}
	}
	check(served, func() {
		if err := store.Flush(served.db); err != nil {
			t.Fatal(err)
		}
	})
	onEachDatabase(t, func(w *fixture) { check(w, func() {}) })
}
