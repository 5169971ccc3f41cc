package store_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/deliver"
	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// threadProvider is a provider that returns a thread for each message.
type threadProvider struct {
	sync.Mutex
	seen       []string            // event and thread of each message
	recipients []string            // with separate results; nil: one destination
	threads    []map[string]string // of the recipients
}

// send is the provider.
func (p *threadProvider) send(_ context.Context, _ string, _ setting.Values, n message.Notification) (notify.Receipt, error) {
	p.Lock()
	defer p.Unlock()
	p.seen = append(p.seen, n.Event+" "+n.Thread)
	p.threads = append(p.threads, n.Threads)
	if p.recipients == nil {
		return notify.Receipt{Status: 200, Thread: "of " + n.Event}, nil
	}
	r := notify.Receipt{Status: 200}
	for _, to := range p.recipients {
		r.Recipients = append(r.Recipients, notify.RecipientResult{Recipient: to, Thread: "of " + n.Event + " to " + to})
	}
	return r, nil
}

// deliverTo delivers the alerts that are due, with a provider.
func (w *fixture) deliverTo(p *threadProvider, d time.Duration) {
	w.Helper()
	w.db.SetNode("node")
	zero := func() float64 { return 0 }
	c := &deliver.Dispatcher{
		DB: w.db, Node: "node", Metrics: metrics.New(zero, zero), Log: slog.New(slog.DiscardHandler), Wake: func() {}, Send: p.send,
	}
	for range 6 {
		if _, err := c.RunOnce(context.Background(), w.at(d)); err != nil {
			w.Fatal(err)
		}
		synctest.Wait()
	}
}

// slackChannel returns a channel of a kind with threads.
func (w *fixture) slackChannel(name string) monitor.Channel {
	c := w.newChannel(name)
	c.Kind, c.Settings = "slack", map[string]any{"token": "xoxb-1", "channel": "#a"}
	c.NotifyOnRecovery = true
	return w.addChannel(c)
}

// TestRunOnce_LaterMessagesGetTheThreadOfTheFirst: also a reminder, whose own thread is ignored.
func TestRunOnce_LaterMessagesGetTheThreadOfTheFirst(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.slackChannel("ops")
		w.slackChannel("second")
		p := &threadProvider{}
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Hour)
		w.deliverTo(p, time.Hour)
		w.update(func(tx *store.Tx) error {
			return tx.Enqueue(monitor.Alert{
				Project: c.Project, Channel: c.ID, Event: monitor.IncidentReminder, Heartbeat: h.Key, Incident: i.ID, IncidentNumber: i.Number,
				Created: w.at(2 * time.Hour), NextAttempt: w.at(2 * time.Hour),
			}, 1)
		})
		w.deliverTo(p, 2*time.Hour)
		w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Hour))
		w.deliverTo(p, 3*time.Hour)
		next := w.fail(h, 4*time.Hour)
		w.deliverTo(p, 4*time.Hour)
		want := []string{
			"incident.opened ", "incident.opened ", "incident.reminder of incident.opened",
			"incident.resolved of incident.opened", "incident.resolved of incident.opened", "incident.opened ", "incident.opened ",
		}
		if diff := cmp.Diff(want, p.seen); diff != "" {
			w.Errorf("events and threads (-want +got):\n%s", diff)
		}
		var stored []store.Thread
		w.update(func(tx *store.Tx) (err error) {
			stored, err = tx.ThreadsOfIncidents([]string{i.ID, next.ID})
			return err
		})
		if len(stored) != 4 {
			w.Errorf("stored %+v; want one per incident and channel", stored)
		}
	})
}

func TestRunOnce_EachRecipientHasAThread(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.slackChannel("ops")
		p := &threadProvider{recipients: []string{"ann", "bob"}}
		h := w.newSavedHeartbeat("backup")
		w.fail(h, time.Hour)
		w.deliverTo(p, time.Hour)
		w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Hour))
		w.deliverTo(p, 3*time.Hour)
		want := []map[string]string{nil, {"ann": "of incident.opened to ann", "bob": "of incident.opened to bob"}}
		if diff := cmp.Diff(want, p.threads); diff != "" {
			w.Errorf("threads (-want +got):\n%s", diff)
		}
	})
}

// TestRunOnce_KindsWithoutThreadsReadNone: most kinds have no threads.
func TestRunOnce_KindsWithoutThreadsReadNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for kind, want := range map[string]int{"webhook": 0, "slack": 1} {
			w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: time.Now().UTC()}
			w.project = w.addProject("main")
			c := w.newChannel("ops")
			c.Kind, c.NotifyOnRecovery = kind, true
			w.addChannel(c)
			for _, name := range []string{"one", "two", "three"} { // of one batch
				h := w.newSavedHeartbeat(name)
				w.fail(h, time.Hour)
				w.deliverTo(&threadProvider{}, time.Hour)
				w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Hour))
			}
			err := store.RecordPlans(w.db, func(recorded *store.DB, plans func() []string) error {
				p := &threadProvider{}
				(&fixture{T: t, db: recorded, start: w.start}).deliverTo(p, 3*time.Hour)
				if n := strings.Count(strings.Join(plans(), "\n"), "FROM threads"); len(p.seen) != 3 || n > 3*want || n < want {
					t.Errorf("%s: sent %d with %d statements for threads; want 3, and at most one per run if the kind has threads", kind, len(p.seen), n)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCleanup_DeletesThreadsWithTheirIncident(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.slackChannel("ops")
		h := w.newSavedHeartbeat("backup")
		first, open := w.addIncident(h, c, 0, false), w.addIncident(h, c, 2*day, true)
		w.update(func(tx *store.Tx) error {
			return tx.AddThreads([]store.Thread{{first.ID, c.ID, "", "1"}, {first.ID, c.ID, "ann", "2"}, {open.ID, c.ID, "", "3"}})
		})
		if deleted := w.cleanUp(500 * day); deleted["threads"] != 2 || deleted["incidents"] != 1 || w.rows("threads") != "1" {
			w.Errorf("deleted %v, %s threads left; want those of the expired incident", deleted, w.rows("threads"))
		}
	})
}

func TestRepair_DeletesThreadsWithoutParent(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.breakRows(`INSERT INTO threads (incident, channel, recipient, thread) VALUES ('gone', 'gone', '', '1')`)
		if got := w.problems(); got != "threads_without_parent 1" {
			w.Errorf("problems %q", got)
		}
		w.repair(0)
		if w.rows("threads") != "0" {
			w.Error("the thread is still stored")
		}
	})
}
