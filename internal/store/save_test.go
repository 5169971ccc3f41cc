package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/dialect"
)

func TestSave_HeartbeatIncidentAlertsAndPingAreOneTransaction(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		before := w.reload(h)
		w.rollBack(func(tx *store.Tx) error {
			newAlerts, err := applyInTx(tx, h, w.ping(monitor.PingFail, time.Minute))
			if newAlerts != 1 {
				w.Errorf("%d new alerts; want 1", newAlerts)
			}
			return err
		})
		if diff := cmp.Diff(before, w.reload(h)); diff != "" {
			w.Errorf("the heartbeat changed, although its transaction was rolled back (-before +after):\n%s", diff)
		}
		for _, table := range []string{"ping_blocks", "incidents", "alerts"} {
			if n := w.queryNumber("SELECT COUNT(*) FROM " + table); n != "0" {
				w.Errorf("%s rows in %s after the rollback; want none", n, table)
			}
		}
	})
}

func TestSave_OneBatchCanOpenContinueAndResolveAnIncident(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		newAlerts := w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingFail, 2*time.Minute), w.ping(monitor.PingSuccess, 3*time.Minute))
		if newAlerts != 2 {
			w.Errorf("%d new alerts; want the opening and the resolution", newAlerts)
		}
		i := w.incident(h)
		want := monitor.Incident{
			ID: i.ID, Number: 1, Project: h.Project, Heartbeat: h.Key, Cause: monitor.CauseFailure, OpenedAt: w.at(time.Minute),
			DetectedAt: w.at(3 * time.Minute), LastPing: w.at(time.Minute), Reason: i.Reason, PingNumber: 1, Host: "192.0.2.1", ResolvedAt: w.at(3 * time.Minute),
			Resolution: monitor.ResolvedByPing, HeartbeatID: h.ID, HeartbeatRef: h.Ref, HeartbeatName: "backup", Severity: monitor.SeverityCritical,
		}
		if diff := cmp.Diff(want, i); diff != "" {
			w.Errorf("incident (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"opened", "failure", "recovered"}, w.timeline(i.ID)); diff != "" {
			w.Errorf("timeline (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"incident.opened ops pending", "incident.resolved ops pending"}, w.alerts(i.ID, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
		if h := w.reload(h); h.Status != monitor.Up || h.OpenIncident != "" || h.PingCount != 3 {
			w.Errorf("the heartbeat is %s with incident %q after %d pings; want it up with none after 3", h.Status, h.OpenIncident, h.PingCount)
		}
	})
}

func TestSave_OneBatchCanResolveAnIncidentAndOpenAnother(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		first := w.fail(h, time.Minute)
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute), w.ping(monitor.PingFail, 3*time.Minute),
			w.ping(monitor.PingSuccess, 4*time.Minute), w.ping(monitor.PingFail, 5*time.Minute))
		var got []string
		for _, i := range w.incidents(w.project.Key) {
			got = append(got, fmt.Sprintf("%d %s %s", i.Number, i.OpenedAt.Sub(w.start), i.State()))
		}
		if diff := cmp.Diff([]string{"1 1m0s resolved", "2 3m0s resolved", "3 5m0s open"}, got); diff != "" {
			w.Errorf("incidents (-want +got):\n%s", diff)
		}
		if i := w.reload(h).OpenIncident; i == first.ID || i != w.incident(h).ID {
			w.Errorf("the open incident of the heartbeat is %s; want %s", i, w.incident(h).ID)
		}
	})
}

func TestSave_APingAfterTheDeadlineOpensAndResolvesAnIncident(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		remind := w.newChannel("ops")
		remind.RemindEvery = time.Second
		ops := w.addChannel(remind)
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, 0))
		w.applyPings(h, w.ping(monitor.PingSuccess, time.Hour))
		i := w.incident(h)
		if i.State() != monitor.StateResolved || !i.OpenedAt.Equal(w.at(7*time.Minute)) || !i.Due.Equal(w.at(5*time.Minute)) || !i.DetectedAt.Equal(w.at(time.Hour)) {
			w.Errorf("incident %+v; want it resolved, opened at the deadline and detected with the ping", i)
		}
		if diff := cmp.Diff([]string{"due", "late", "opened", "recovered"}, w.timeline(i.ID)); diff != "" {
			w.Errorf("timeline (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"incident.opened ops pending", "incident.resolved ops pending"}, w.alerts(i.ID, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
	})
}

func TestSave_AFailureWhileDownAddsATimelineEntryOnly(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		if newAlerts := w.applyPings(h, w.ping(monitor.PingFail, 2*time.Minute)); newAlerts != 0 {
			w.Errorf("%d new alerts after a second failure; want none", newAlerts)
		}
		if diff := cmp.Diff([]string{"opened", "failure"}, w.timeline(i.ID)); diff != "" {
			w.Errorf("timeline (-want +got):\n%s", diff)
		}
		if n := len(w.incidents(w.project.Key)); n != 1 {
			w.Errorf("%d incidents; want 1", n)
		}
	})
}

func TestSave_UserActionsResolveTheOpenIncident(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		rule := monitor.Rule{Interval: 24 * time.Hour, Methods: monitor.AnyMethod}
		for how, do := range map[monitor.ResolutionReason]func(h monitor.Heartbeat, now, until time.Time) (monitor.Heartbeat, monitor.Change){
			monitor.ResolvedByPause:  monitor.Heartbeat.Pause,
			monitor.ResolvedByDelete: monitor.Heartbeat.Delete,
			monitor.ResolvedByEdit: func(h monitor.Heartbeat, now, until time.Time) (monitor.Heartbeat, monitor.Change) {
				return h.ChangeRule(rule, now, until)
			},
		} {
			h := w.newSavedHeartbeat(string(how))
			w.applyPings(h, w.ping(monitor.PingSuccess, 0))
			w.evaluate(time.Hour)
			w.update(func(tx *store.Tx) error {
				h, err := tx.HeartbeatForUpdate(h.Project, h.ID)
				if err != nil {
					return err
				}
				h, change := do(h, w.at(2*time.Hour), w.at(2*time.Hour))
				_, err = tx.Save(w.at(2*time.Hour), []store.Transition{{Heartbeat: h, Change: change}})
				return err
			})
			i := w.incident(h)
			if i.Resolution != how || !i.ResolvedAt.Equal(w.at(2*time.Hour)) {
				w.Errorf("resolved as %q at %s; want %q two hours in", i.Resolution, i.ResolvedAt, how)
			}
			if diff := cmp.Diff([]string{"due", "late", "opened", "resolved"}, w.timeline(i.ID)); diff != "" {
				w.Errorf("timeline of %s (-want +got):\n%s", how, diff)
			}
		}
		if n := view(w, (*store.Tx).CountOpenIncidents); n != 0 {
			w.Errorf("%d incidents are open; want none", n)
		}
	})
}

func TestSave_IncidentNumbersHaveNoGapsPerProject(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		main, other := w.project, w.addProject("other")
		var all []monitor.Heartbeat
		for n := range 12 {
			w.project = []monitor.Project{main, other}[n%2]
			all = append(all, w.newSavedHeartbeat(fmt.Sprintf("job-%d", n)))
		}
		fail := func(tx *store.Tx, some []monitor.Heartbeat) error {
			var transitions []store.Transition
			for _, h := range some {
				h, change := h.ApplyPing(w.ping(monitor.PingFail, time.Minute), w.at(time.Minute))
				transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
			}
			_, err := tx.Save(w.at(time.Minute), transitions)
			return err
		}
		w.update(func(tx *store.Tx) error { return fail(tx, all[:5]) })
		w.rollBack(func(tx *store.Tx) error { return fail(tx, all[5:9]) })
		w.update(func(tx *store.Tx) error { return fail(tx, all[5:6]) })
		w.update(func(tx *store.Tx) error { return fail(tx, all[6:]) })
		for _, p := range []monitor.Project{main, other} {
			var numbers []int64
			for _, i := range w.incidents(p.Key) {
				numbers = append(numbers, i.Number)
			}
			if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6}, numbers); diff != "" {
				w.Errorf("incident numbers of %s (-want +got):\n%s", p.Slug, diff)
			}
		}
	})
}

func TestSave_RejectsASecondOpenIncident(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.fail(h, time.Minute)
		before := w.reload(h)
		stale, change := h.ApplyPing(w.ping(monitor.PingFail, 2*time.Minute), w.at(2*time.Minute))
		stale.PingCount, change.Ping.Number = 2, 2 // so that only the incident is in the way
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Save(w.at(2*time.Minute), []store.Transition{{Heartbeat: stale, Change: change}})
			return err
		})
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("error %v; want ErrTaken", err)
		}
		if diff := cmp.Diff(before, w.reload(h)); diff != "" {
			w.Errorf("the heartbeat changed (-before +after):\n%s", diff)
		}
		for _, table := range []string{"ping_blocks", "incidents", "alerts"} {
			if n := w.queryNumber("SELECT COUNT(*) FROM " + table); n != "1" {
				w.Errorf("%s rows in %s; want only the row of the first incident", n, table)
			}
		}
	})
}

func TestSave_StoresAPingOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, time.Minute))
		again, change := h.ApplyPing(w.ping(monitor.PingSuccess, time.Minute), w.at(time.Minute))
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Save(w.at(time.Minute), []store.Transition{{Heartbeat: again, Change: change}})
			return err
		})
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("a second ping numbered 1: error %v; want ErrTaken", err)
		}
	})
}

func TestSave_NoTransitionsChangeNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if newAlerts := updateValue(w, func(tx *store.Tx) (int, error) { return tx.Save(w.start, nil) }); newAlerts != 0 {
			w.Errorf("%d new alerts without a transition", newAlerts)
		}
	})
}

func TestSave_ABatchOfManyHeartbeatsKeepsThemApart(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		var ids []string
		w.update(func(tx *store.Tx) error {
			ids = nil
			for n := range 200 {
				h, err := tx.AddHeartbeat(w.newHeartbeat(fmt.Sprintf("job-%03d", n)))
				if err != nil {
					return err
				}
				ids = append(ids, h.ID)
			}
			return nil
		})
		newAlerts := updateValue(w, func(tx *store.Tx) (int, error) {
			found, err := tx.HeartbeatsForPings(ids)
			if err != nil {
				return 0, err
			}
			var transitions []store.Transition
			for n, id := range ids {
				p := w.ping(monitor.PingSuccess, time.Duration(n)*time.Second)
				if n%4 == 0 {
					p.Kind, p.ExitCode, p.Body = monitor.PingFail, n%256, fmt.Appendf(nil, "body %d", n)
				}
				h, change := found[id].ApplyPing(p, p.At)
				transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
			}
			return tx.Save(w.at(time.Hour), transitions)
		})
		if newAlerts != 50 {
			w.Errorf("%d new alerts; want 50", newAlerts)
		}
		for n, id := range ids {
			h := view(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.Heartbeat(w.project.Key, id) })
			p := view(w, func(tx *store.Tx) (monitor.Ping, error) { return tx.Ping(h.Key, 1) })
			status, body := monitor.Up, ""
			if n%4 == 0 {
				status, body = monitor.Down, fmt.Sprintf("body %d", n)
			}
			if h.Status != status || !h.LastPing.Equal(w.at(time.Duration(n)*time.Second)) || string(p.Body) != body {
				w.Errorf("heartbeat %d is %s with last ping %s and body %q; want %s and %q", n, h.Status, h.LastPing, p.Body, status, body)
			}
			if status == monitor.Down && h.OpenIncident != w.incident(h).ID {
				w.Errorf("heartbeat %d has the incident of another one", n)
			}
		}
	})
}

func TestSave_TextsOfABatchArriveUnchanged(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		odd := []string{"", "NULL", `"`, `\`, `\"`, "a,b", "{}", "{1,2}", "'", " leading", "trailing ", "two\nlines", "\t", "é ✓ 😀", "a\u0000b", "\xff"}
		h := w.newSavedHeartbeat("backup")
		for i, text := range odd {
			p := w.ping(monitor.PingSuccess, time.Duration(i)*time.Second)
			p.UserAgent, p.RunID = text, text
			w.applyPings(h, p)
			h = w.reload(h)
		}
		pings := view(w, func(tx *store.Tx) ([]monitor.Ping, error) { return tx.Pings(h.Key, 0, 100) })
		for i, text := range odd {
			if want := dialect.ValidText(text); pings[len(odd)-1-i].UserAgent != want || pings[len(odd)-1-i].RunID != want {
				w.Errorf("user agent %q, run %q; want %q", pings[len(odd)-1-i].UserAgent, pings[len(odd)-1-i].RunID, want)
			}
		}
	})
}

func TestSave_ARejectedRowOfABatchRollsBackTheOthers(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		first, second := w.newSavedHeartbeat("first"), w.newSavedHeartbeat("second")
		w.fail(second, time.Minute)
		before := w.reload(first)
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			var all []store.Transition
			for _, h := range []monitor.Heartbeat{first, second} { // the state of the second is not the current one
				h, change := h.ApplyPing(w.ping(monitor.PingFail, 2*time.Minute), w.at(2*time.Minute))
				all = append(all, store.Transition{Heartbeat: h, Change: change})
			}
			_, err := tx.Save(w.at(2*time.Minute), all)
			return err
		})
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("error %v; want ErrTaken", err)
		}
		if diff := cmp.Diff(before, w.reload(first)); diff != "" {
			w.Errorf("the first heartbeat changed (-before +after):\n%s", diff)
		}
	})
}

func TestSave_ATransactionThatIsCanceledChangesNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		ctx, cancel := context.WithCancel(context.Background())
		err := w.db.Update(ctx, func(tx *store.Tx) error {
			cancel()
			_, err := applyInTx(tx, h, w.ping(monitor.PingFail, time.Minute))
			return err
		})
		if !errors.Is(err, context.Canceled) {
			w.Errorf("error %v; want that of the context", err)
		}
		if n := w.queryNumber("SELECT COUNT(*) FROM pings"); n != "0" {
			w.Errorf("%s pings; want none", n)
		}
	})
}
