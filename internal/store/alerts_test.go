package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// owing lists the names of the channels that are owed anything, and when.
func (w *world) owing(channels ...monitor.Channel) map[string]time.Duration {
	w.Helper()
	all := map[string]time.Duration{}
	for _, o := range seen(w, (*store.Tx).Owing) {
		i := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.ID == o.Channel })
		if i < 0 {
			w.Fatalf("an unexpected channel is owed something")
		}
		all[channels[i].Name] = o.Next.Sub(w.start)
	}
	return all
}

func TestAClaimedAlertIsNobodyElsesUntilItsLeaseEnds(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		h := w.heartbeat("backup")
		i := w.down(h, time.Minute)
		if early := w.claim(ops, "a", time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("claimed %v before it was owed", events(early))
		}
		want := []monitor.Alert{{
			ID: w.deliveries(i.ID)[0].ID, Project: h.Project, Channel: ops.ID, Event: monitor.IncidentOpened, Heartbeat: h.Key, Incident: i.ID,
			State: monitor.Owed, Attempts: 1, Created: w.at(time.Minute), Next: w.at(3 * time.Minute),
		}}
		if diff := cmp.Diff(want, w.claim(ops, "a", time.Minute, 3*time.Minute, 10)); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		for _, node := range []string{"a", "b"} {
			if again := w.claim(ops, node, 3*time.Minute-time.Microsecond, time.Hour, 10); again != nil {
				w.Errorf("node %s claimed %v during the lease", node, events(again))
			}
		}
		late := w.claim(ops, "b", 3*time.Minute, 5*time.Minute, 10)
		if len(late) != 1 || late[0].ID != want[0].ID || late[0].Attempts != 2 {
			w.Errorf("after the lease node b claimed %+v; want the same alert, its second attempt", late)
		}
	})
}

func TestAClaimTakesTheSoonestAndOnlySoMany(t *testing.T) {
	onEach(t, func(w *world) {
		ops, other := w.channel(w.newChannel("ops")), w.channel(w.newChannel("other"))
		for n := range 7 {
			w.down(w.heartbeat(fmt.Sprint("job-", n)), time.Duration(7-n)*time.Minute)
		}
		var names []string
		for _, size := range []int{3, 3, 1, 0} {
			claimed := w.claim(ops, "a", time.Hour, 2*time.Hour, 3)
			if len(claimed) != size {
				w.Errorf("claimed %d; want %d", len(claimed), size)
			}
			var some []string
			for _, a := range claimed {
				some = append(some, seen(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(a.Heartbeat) }).Name)
			}
			slices.Sort(some) // a claim is a set
			names = append(names, some...)
		}
		if diff := cmp.Diff([]string{"job-4", "job-5", "job-6", "job-1", "job-2", "job-3", "job-0"}, names); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		if claimed := w.claim(other, "a", time.Hour, 2*time.Hour, 10); len(claimed) != 7 {
			w.Errorf("the other channel is owed %d; want 7 of its own", len(claimed))
		}
	})
}

func TestTwoNodesThatClaimAtOnceNeverHaveTheSameAlert(t *testing.T) {
	onEachAwake(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		for n := range 10 {
			w.down(w.heartbeat(fmt.Sprint("job-", n)), time.Minute)
		}
		other := w.from(w.open())
		done := make(chan bool)
		var first, second []monitor.Alert
		w.update(func(tx *store.Tx) (err error) {
			first, err = tx.Claim(ops.ID, "a", w.at(time.Hour), w.at(2*time.Hour), 6)
			go other.beside(done, func(tx *store.Tx) (err error) {
				second, err = tx.Claim(ops.ID, "b", w.at(time.Hour), w.at(2*time.Hour), 10)
				return err
			})
			if !store.OnSQLite(w.db) {
				<-done // it must not wait for us
			}
			return err
		})
		<-done
		if len(first) != 6 || len(second) != 4 {
			w.Errorf("claimed %d and %d of 10; want 6 and 4", len(first), len(second))
		}
		for _, a := range first {
			if slices.ContainsFunc(second, func(b monitor.Alert) bool { return a.ID == b.ID }) {
				w.Errorf("both nodes have alert %s", a.ID)
			}
		}
	})
}

func TestResolvedIsToldOnlyAfterOpened(t *testing.T) {
	onEach(t, func(w *world) {
		ops, other := w.channel(w.newChannel("ops")), w.channel(w.newChannel("other"))
		h, second := w.heartbeat("backup"), w.heartbeat("second")
		w.hear(h, w.ping(monitor.Fail, time.Minute), w.ping(monitor.Success, time.Minute))
		opened := w.claim(ops, "a", time.Minute, 2*time.Minute, 10)
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentOpened}, events(opened)); diff != "" {
			w.Errorf("claimed first (-want +got):\n%s", diff)
		}
		if early := w.claim(ops, "b", time.Minute, time.Hour, 10); early != nil {
			w.Errorf("claimed %v while opened is being told", events(early))
		}
		w.down(second, time.Minute)
		if claimed := w.claim(ops, "b", time.Minute, time.Hour, 10); len(claimed) != 1 || claimed[0].Heartbeat != second.Key {
			w.Errorf("claimed %v of another incident; want its opening, which waits for nobody", events(claimed))
		}
		w.update(func(tx *store.Tx) error { _, err := tx.Sent(opened[0].ID); return err })
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, events(w.claim(ops, "a", time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed after opened was sent (-want +got):\n%s", diff)
		}
		if claimed := w.claim(other, "a", time.Minute, time.Hour, 10); len(claimed) != 2 {
			w.Errorf("the other channel is owed %v; want both openings, whatever the first channel was told", events(claimed))
		}
	})
}

func TestGivingUpOnOpenedFreesResolved(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		h := w.heartbeat("backup")
		w.hear(h, w.ping(monitor.Fail, time.Minute), w.ping(monitor.Success, time.Minute))
		opened := w.claim(ops, "a", time.Minute, time.Hour, 10)[0]
		if did := made(w, func(tx *store.Tx) (bool, error) { return tx.GiveUp(opened) }); !did {
			w.Error("giving up did nothing")
		}
		if diff := cmp.Diff([]string{"incident.opened ops failed", "incident.resolved ops pending"}, w.alerts(opened.Incident, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, events(w.claim(ops, "a", time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
	})
}

func TestAfterAnotherNodesClaimOnlySentHolds(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		i := w.down(w.heartbeat("backup"), time.Minute)
		mine := w.claim(ops, "a", time.Minute, 2*time.Minute, 1)[0]
		theirs := w.claim(ops, "b", 2*time.Minute, time.Hour, 1)[0]
		w.update(func(tx *store.Tx) error { return tx.Later(mine, w.at(3*time.Minute), time.Time{}) })
		if did := made(w, func(tx *store.Tx) (bool, error) { return tx.GiveUp(mine) }); did {
			w.Error("gave up an alert that another node had claimed since")
		}
		if stolen := w.claim(ops, "c", 4*time.Minute, time.Hour, 1); stolen != nil {
			w.Error("putting off an alert that another node had claimed since ended that node's lease")
		}
		sent := func() bool { return made(w, func(tx *store.Tx) (bool, error) { return tx.Sent(mine.ID) }) }
		if !sent() {
			w.Error("the alert was sent, but that did not hold")
		}
		if sent() {
			w.Error("the alert was still owed after it was sent")
		}
		w.update(func(tx *store.Tx) error { return tx.Later(theirs, w.at(3*time.Minute), time.Time{}) })
		if did := made(w, func(tx *store.Tx) (bool, error) { return tx.GiveUp(theirs) }); did {
			w.Error("gave up an alert that was sent")
		}
		if diff := cmp.Diff([]string{"incident.opened ops sent"}, w.alerts(i.ID, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
	})
}

func TestLaterPutsOffAnAlertAndThoseThatWaitForIt(t *testing.T) {
	onEach(t, func(w *world) {
		ops, other := w.channel(w.newChannel("ops")), w.channel(w.newChannel("other"))
		w.hear(w.heartbeat("backup"), w.ping(monitor.Fail, time.Minute), w.ping(monitor.Success, 2*time.Minute))
		opened := w.claim(ops, "a", 2*time.Minute, 3*time.Minute, 1)[0]
		w.update(func(tx *store.Tx) error { return tx.Later(opened, w.at(10*time.Minute), time.Time{}) })
		if diff := cmp.Diff(map[string]time.Duration{"ops": 10 * time.Minute, "other": 2 * time.Minute}, w.owing(ops, other)); diff != "" {
			w.Errorf("owing (-want +got):\n%s", diff)
		}
		if early := w.claim(ops, "a", 10*time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("claimed %v before its time", events(early))
		}
		again := w.claim(ops, "a", 10*time.Minute, time.Hour, 10)
		if len(again) != 1 || again[0].ID != opened.ID || again[0].Attempts != 2 {
			w.Errorf("claimed %+v; want the second attempt at the opening", again)
		}
	})
}

func TestFollowReleasesWhatWaitedButNoReminder(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.channel(c)
		open, over := w.heartbeat("open"), w.heartbeat("over")
		w.down(open, time.Minute)
		w.hear(over, w.ping(monitor.Fail, time.Minute), w.ping(monitor.Success, time.Minute))
		for _, opened := range w.claim(ops, "a", time.Minute, 2*time.Minute, 10) {
			w.update(func(tx *store.Tx) error {
				if err := tx.Later(opened, w.at(3*time.Hour), time.Time{}); err != nil {
					return err
				}
				if _, err := tx.Sent(opened.ID); err != nil {
					return err
				}
				return tx.Follow(opened, w.at(31*time.Minute))
			})
		}
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, events(w.claim(ops, "a", 31*time.Minute, 4*time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]time.Duration{"ops": 3 * time.Hour}, w.owing(ops)); diff != "" {
			w.Errorf("owing; the reminder is as far off as it was put (-want +got):\n%s", diff)
		}
	})
}

// TestOwingTellsWhenSomethingMayBeTried matters to who waits for it: a moment
// that has come, with nothing to claim, would be asked for again and again.
func TestOwingTellsWhenSomethingMayBeTried(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		h := w.heartbeat("backup")
		w.down(h, time.Minute)
		opened := w.claim(ops, "a", time.Minute, 3*time.Minute, 1)[0]
		w.hear(h, w.ping(monitor.Success, 2*time.Minute))
		if diff := cmp.Diff(map[string]time.Duration{"ops": 3 * time.Minute}, w.owing(ops)); diff != "" {
			w.Errorf("while opened is being told (-want +got):\n%s", diff)
		}
		w.update(func(tx *store.Tx) error { return tx.Later(opened, w.at(10*time.Minute), time.Time{}) })
		w.hear(h, w.ping(monitor.Fail, 4*time.Minute))
		w.update(func(tx *store.Tx) error {
			for _, a := range w.deliveries(w.incident(h).ID) {
				if _, err := tx.Sent(a.ID); err != nil {
					return err
				}
			}
			return nil
		})
		// There is more to tell of the same heartbeat, and it waits for opened.
		if diff := cmp.Diff(map[string]time.Duration{"ops": 4 * time.Minute}, w.owing(ops)); diff != "" {
			w.Errorf("while opened is put off (-want +got):\n%s", diff)
		}
	})
}

func TestFollowTakesNobodysLease(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		w.hear(w.heartbeat("backup"), w.ping(monitor.Fail, time.Minute), w.ping(monitor.Success, time.Minute))
		opened := w.claim(ops, "a", time.Minute, 2*time.Minute, 10)[0]
		w.update(func(tx *store.Tx) error { _, err := tx.Sent(opened.ID); return err })
		w.claim(ops, "b", time.Minute, time.Hour, 10)
		w.update(func(tx *store.Tx) error { return tx.Follow(opened, w.at(2*time.Minute)) })
		if stolen := w.claim(ops, "a", 3*time.Minute, time.Hour, 10); stolen != nil {
			w.Errorf("claimed %v, which another node has", events(stolen))
		}
	})
}

// TestNoReminderOutlivesItsIncident lets one node owe the next reminder while
// another resolves or acknowledges the incident.
func TestNoReminderOutlivesItsIncident(t *testing.T) {
	onEachAwake(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		other := w.from(w.open())
		for name, end := range map[string]func(tx *store.Tx, h monitor.Heartbeat, i monitor.Incident) error{
			"resolved": func(tx *store.Tx, h monitor.Heartbeat, _ monitor.Incident) error {
				_, err := judge(tx, h, w.ping(monitor.Success, time.Hour))
				return err
			},
			"acknowledged": func(tx *store.Tx, _ monitor.Heartbeat, i monitor.Incident) error {
				_, err := tx.Acknowledge(i, "Ann", w.at(time.Hour))
				return err
			},
		} {
			h := w.heartbeat(name)
			i := w.down(h, time.Minute)
			owe := func(tx *store.Tx, repeat int) error {
				return tx.Owe(monitor.Alert{Project: i.Project, Channel: ops.ID, Event: monitor.IncidentReminder, Incident: i.ID, Created: w.start, Next: w.at(24 * time.Hour)}, repeat)
			}
			done := make(chan bool)
			w.update(func(tx *store.Tx) error {
				err := owe(tx, 1)
				go other.beside(done, func(tx *store.Tx) error { return end(tx, h, i) })
				if !store.OnSQLite(w.db) {
					other.blocked()
				}
				return err
			})
			<-done
			w.update(func(tx *store.Tx) error { return owe(tx, 2) })
			if n := seen(w, func(tx *store.Tx) (int, error) { return tx.Reminders(i.ID, ops.ID) }); n != 0 {
				w.Errorf("%d reminders are owed of an incident that is %s", n, name)
			}
		}
	})
}

// blocked returns when a transaction on PostgreSQL waits for another, or, so
// that a test can fail, after a while in which none did.
func (w *world) blocked() {
	w.Helper()
	for range 200 {
		if w.counted("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')") != "0" {
			return
		}
	}
}

func TestRemindersAreOwedWhileAnIncidentIsOpen(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops, quiet := w.channel(c), w.channel(w.newChannel("quiet"))
		h := w.heartbeat("backup")
		i := w.down(h, time.Minute)
		want := []string{"incident.opened ops pending", "incident.opened quiet pending", "incident.reminder ops pending"}
		got := w.alerts(i.ID, ops, quiet)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
		for channel, n := range map[string]int{ops.ID: 1, quiet.ID: 0} {
			if got := seen(w, func(tx *store.Tx) (int, error) { return tx.Reminders(i.ID, channel) }); got != n {
				w.Errorf("%d reminders were owed; want %d", got, n)
			}
		}
		opened := w.claim(ops, "a", time.Minute, 2*time.Minute, 10)
		w.update(func(tx *store.Tx) error { _, err := tx.Sent(opened[0].ID); return err })
		if diff := cmp.Diff(map[string]time.Duration{"ops": time.Hour + time.Minute, "quiet": time.Minute}, w.owing(ops, quiet)); diff != "" {
			w.Errorf("owing (-want +got):\n%s", diff)
		}
		w.hear(h, w.ping(monitor.Success, 2*time.Minute))
		if n := seen(w, func(tx *store.Tx) (int, error) { return tx.Reminders(i.ID, ops.ID) }); n != 0 {
			w.Error("the reminder is still owed after the incident was resolved")
		}
	})
}

func TestAReminderThatWasTriedIsNotTakenBack(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.channel(c)
		h := w.heartbeat("backup")
		i := w.down(h, time.Minute)
		opened := w.claim(ops, "a", time.Minute, 2*time.Minute, 10)
		w.update(func(tx *store.Tx) error { _, err := tx.Sent(opened[0].ID); return err })
		reminder := w.claim(ops, "a", 2*time.Hour, 3*time.Hour, 10)
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentReminder}, events(reminder)); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		w.hear(h, w.ping(monitor.Success, 2*time.Hour))
		if n := seen(w, func(tx *store.Tx) (int, error) { return tx.Reminders(i.ID, ops.ID) }); n != 1 {
			w.Error("the reminder was dropped while a node was sending it")
		}
	})
}

func TestTheSameIsNeverOwedTwice(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		i := w.down(w.heartbeat("backup"), time.Minute)
		reminder := monitor.Alert{Project: i.Project, Channel: ops.ID, Event: monitor.IncidentReminder, Incident: i.ID, Created: w.start, Next: w.at(time.Hour)}
		failing := monitor.Alert{Project: i.Project, Channel: ops.ID, Event: monitor.ChannelFailing, About: "mail", Created: w.start, Next: w.at(time.Hour)}
		owe := func(a monitor.Alert, repeat int) {
			w.update(func(tx *store.Tx) error { return tx.Owe(a, repeat) })
		}
		owe(reminder, 1)
		reminder.Next, reminder.Created = w.at(2*time.Hour), w.at(time.Hour)
		owe(reminder, 1)
		owe(reminder, 2)
		owe(failing, 0)
		owe(failing, 0)
		failing.About = "chat"
		owe(failing, 0)
		failing.Created = w.at(time.Hour)
		owe(failing, 0)
		if n := w.counted("SELECT COUNT(*) FROM alerts WHERE event = 'incident.reminder'"); n != "2" {
			w.Errorf("%s reminders; want the first and the second", n)
		}
		if n := w.counted("SELECT COUNT(*) FROM alerts WHERE event = 'channel.failing'"); n != "3" {
			w.Errorf("%s alerts of failing channels; want one per channel and moment", n)
		}
		again := w.claim(ops, "a", 3*time.Hour, 4*time.Hour, 10)
		owe(reminder, 2)
		if n := seen(w, func(tx *store.Tx) (int, error) { return tx.Reminders(i.ID, ops.ID) }); n != 2 || len(again) == 0 {
			w.Errorf("%d reminders after one that was claimed was owed again; want 2", n)
		}
	})
}

func TestOwingListsEveryChannelOnceWithItsSoonest(t *testing.T) {
	onEach(t, func(w *world) {
		if none := seen(w, (*store.Tx).Owing); len(none) != 0 {
			w.Errorf("%d channels of an empty store are owed something", len(none))
		}
		var channels []monitor.Channel
		want := map[string]time.Duration{}
		for n := range 40 {
			c := w.channel(w.newChannel(fmt.Sprint("c-", n)))
			channels = append(channels, c)
			for k := range n % 4 {
				next := time.Duration(n)*time.Minute + time.Duration((k+2)%3)*time.Second
				w.update(func(tx *store.Tx) error {
					return tx.Owe(monitor.Alert{Project: c.Project, Channel: c.ID, Event: monitor.TestAlert, About: fmt.Sprint(k), Created: w.start, Next: w.at(next)}, 0)
				})
				if soonest, ok := want[c.Name]; !ok || next < soonest {
					want[c.Name] = next
				}
			}
		}
		if diff := cmp.Diff(want, w.owing(channels...)); diff != "" {
			w.Errorf("owing (-want +got):\n%s", diff)
		}
		sent := channels[1]
		a := w.claim(sent, "a", time.Hour, 2*time.Hour, 1)
		w.update(func(tx *store.Tx) error { _, err := tx.Sent(a[0].ID); return err })
		delete(want, sent.Name)
		if diff := cmp.Diff(want, w.owing(channels...)); diff != "" {
			w.Errorf("owing after all was sent to one (-want +got):\n%s", diff)
		}
	})
}

func TestOnlyTheServerOfAFileMayFreeWhatADeadOneClaimed(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		w.down(w.heartbeat("backup"), time.Minute)
		put := monitor.Alert{Project: w.project.Key, Channel: ops.ID, Event: monitor.TestAlert, Created: w.start, Next: w.at(30 * time.Minute)}
		w.update(func(tx *store.Tx) error { return tx.Owe(put, 0) })
		w.claim(ops, "dead", time.Minute, time.Hour, 10)
		w.update(func(tx *store.Tx) error { return w.db.Unclaim(tx, w.at(2*time.Minute)) })
		var want []monitor.Event
		if store.OnSQLite(w.db) {
			want = []monitor.Event{monitor.IncidentOpened}
		}
		if diff := cmp.Diff(want, events(w.claim(ops, "new", 2*time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
	})
}

func TestEveryAttemptIsKeptOnce(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		i := w.down(w.heartbeat("backup"), time.Minute)
		a := w.claim(ops, "a", time.Minute, time.Hour, 1)[0]
		tries := []store.Attempt{
			{Alert: a.ID, N: 1, At: w.at(time.Minute), Took: time.Second + time.Microsecond, Outcome: "retry", Status: 503, Detail: `busy "%_'\`},
			{Alert: a.ID, N: 2, At: w.at(2 * time.Minute), Outcome: "sent"},
		}
		for _, try := range append(tries, store.Attempt{Alert: a.ID, N: 1, At: w.start, Outcome: "refused"}) {
			w.update(func(tx *store.Tx) error { return tx.AddAttempt(try) })
		}
		if diff := cmp.Diff(tries, w.deliveries(i.ID)[0].Tries); diff != "" {
			w.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestAnAttemptIsKeptWhateverBytesTheProviderAnswered(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		i := w.down(w.heartbeat("backup"), time.Minute)
		a := w.claim(ops, "a", time.Minute, time.Hour, 1)[0]
		w.update(func(tx *store.Tx) error {
			if err := tx.Note(i.ID, "undelivered", "no: \x00\xff", w.start); err != nil {
				return err
			}
			return tx.AddAttempt(store.Attempt{Alert: a.ID, N: 1, At: w.start, Outcome: "retry", Detail: "\x1f\x8b\x00\xffgz"})
		})
		if got := w.deliveries(i.ID)[0].Tries[0].Detail; got != "\x1f\uFFFD\uFFFD\uFFFDgz" {
			w.Errorf("detail %q", got)
		}
	})
}

func TestAnAlertNeedsItsChannel(t *testing.T) {
	onEach(t, func(w *world) {
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			return tx.Owe(monitor.Alert{Project: w.project.Key, Channel: "none", Event: monitor.TestAlert, Created: w.start, Next: w.start}, 0)
		})
		if err == nil {
			w.Error("an alert is owed to a channel that does not exist")
		}
	})
}
