package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// errRollback makes the transaction of a test roll back.
var errRollback = errors.New("undo")

// realTimeStart is the start time of fixtures in real time.
var realTimeStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is a store with one project. Its methods end the test on an error.
type fixture struct {
	*testing.T
	db      *store.DB
	address string           // of the store, in real time
	open    func() *store.DB // the same store, as another node sees it
	project monitor.Project
	start   time.Time
}

// onEachDatabase runs a test on every database, in virtual time.
func onEachDatabase(t *testing.T, test func(w *fixture)) {
	t.Helper()
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		w := &fixture{T: t, db: open(), open: open, start: time.Now().UTC()}
		w.project = w.addProject("main")
		test(w)
	})
}

// onEachDatabaseInRealTime is onEachDatabase in real time, for tests that block outside of a
// bubble.
func onEachDatabaseInRealTime(t *testing.T, test func(w *fixture)) {
	t.Helper()
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			open := func() *store.DB { return openStore(t, address) }
			w := &fixture{T: t, db: open(), address: address, open: open, start: realTimeStart}
			w.project = w.addProject("main")
			test(w)
		})
	}
}

// openStore opens a store, which is closed when the test ends.
func openStore(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// onNode returns the fixture on another node.
func (w *fixture) onNode(db *store.DB) *fixture {
	other := *w
	other.db = db
	return &other
}

// at returns the time d after the start.
func (w *fixture) at(d time.Duration) time.Time { return w.start.Add(d) }

func (w *fixture) update(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.Fatal(err)
	}
}

// updateConcurrently runs fn in a transaction of another node, and closes done after it. A
// transaction that never ends fails after a timeout.
func (w *fixture) updateConcurrently(done chan<- bool, fn func(tx *store.Tx) error) {
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.db.Update(ctx, fn); err != nil {
		w.Errorf("the other node: %v", err)
	}
}

// rollBack runs fn in a transaction that is rolled back.
func (w *fixture) rollBack(fn func(tx *store.Tx) error) {
	w.Helper()
	err := w.db.Update(context.Background(), func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errRollback
	})
	if !errors.Is(err, errRollback) {
		w.Fatal(err)
	}
}

// view returns what fn sees in a View.
func view[T any](w *fixture, fn func(tx *store.Tx) (T, error)) T {
	w.Helper()
	var value T
	err := w.db.View(context.Background(), func(tx *store.Tx) (err error) {
		value, err = fn(tx)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return value
}

// updateValue returns what fn makes in an Update.
func updateValue[T any](w *fixture, fn func(tx *store.Tx) (T, error)) T {
	w.Helper()
	var value T
	w.update(func(tx *store.Tx) (err error) {
		value, err = fn(tx)
		return err
	})
	return value
}

func (w *fixture) addProject(slug string) monitor.Project {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) (monitor.Project, error) {
		return tx.AddProject(monitor.Project{Slug: slug, Name: "Project " + slug, Zone: "Europe/Prague", Created: w.start})
	})
}

// newHeartbeat returns a heartbeat that is not stored, expected every five minutes with two
// minutes of grace.
func (w *fixture) newHeartbeat(name string) monitor.Heartbeat {
	return monitor.Heartbeat{
		ID: uuid.NewString(), Ref: uuid.NewString(), Project: w.project.Key, Name: name, Slug: name, AllChannels: true,
		Status: monitor.New, Rule: monitor.Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute, Methods: monitor.AnyMethod},
		Created: w.start, Updated: w.start,
	}
}

func (w *fixture) addHeartbeat(h monitor.Heartbeat) monitor.Heartbeat {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.AddHeartbeat(h) })
}

func (w *fixture) newSavedHeartbeat(name string) monitor.Heartbeat {
	w.Helper()
	return w.addHeartbeat(w.newHeartbeat(name))
}

// reload reads a heartbeat.
func (w *fixture) reload(h monitor.Heartbeat) monitor.Heartbeat {
	w.Helper()
	return view(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(h.Key) })
}

// newChannel returns a channel that is not stored, for incidents and their resolution.
func (w *fixture) newChannel(name string) monitor.Channel {
	return monitor.Channel{
		Project: w.project.Key, Kind: "webhook", Name: name, Settings: map[string]any{"url": "https://example.com/" + name},
		NotifyOnRecovery: true, Created: w.start,
	}
}

func (w *fixture) addChannel(c monitor.Channel) monitor.Channel {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) (monitor.Channel, error) { return tx.AddChannel(c) })
}

// ping returns a ping of a kind at the time d after the start.
func (w *fixture) ping(kind monitor.PingKind, d time.Duration) monitor.Ping {
	return monitor.Ping{Kind: kind, At: w.at(d), ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1", UserAgent: "curl"}
}

// applyInTx applies pings of one heartbeat in one batch, like ingest.
func applyInTx(tx *store.Tx, h monitor.Heartbeat, pings ...monitor.Ping) (newAlerts int, err error) {
	found, err := tx.HeartbeatsForPings([]string{h.ID})
	if err != nil {
		return 0, err
	}
	h = found[h.ID]
	var transitions []store.Transition
	for _, p := range pings {
		var change monitor.Change
		h, change = h.ApplyPing(p, p.At)
		transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
	}
	return tx.Save(pings[len(pings)-1].At, transitions)
}

// applyPings applies pings of one heartbeat in one batch and returns the number of new alerts.
func (w *fixture) applyPings(h monitor.Heartbeat, pings ...monitor.Ping) (newAlerts int) {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) (int, error) { return applyInTx(tx, h, pings...) })
}

// fail applies a failure and returns the incident.
func (w *fixture) fail(h monitor.Heartbeat, d time.Duration) monitor.Incident {
	w.Helper()
	w.applyPings(h, w.ping(monitor.PingFail, d))
	return w.incident(h)
}

// evaluate evaluates all due heartbeats as of the time d after the start, like watch.
func (w *fixture) evaluate(d time.Duration) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		due, err := tx.DueForEvaluation(w.at(d), 1000)
		if err != nil {
			return err
		}
		var transitions []store.Transition
		for _, h := range due {
			h, change := h.Evaluate(w.at(d))
			transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
		}
		_, err = tx.Save(w.at(d), transitions)
		return err
	})
}

// incidents returns the incidents of a project, oldest first.
func (w *fixture) incidents(project int64) []monitor.Incident {
	w.Helper()
	list := view(w, func(tx *store.Tx) ([]monitor.Incident, error) {
		return tx.Incidents(store.IncidentFilter{Project: project, Limit: 1000})
	})
	slices.Reverse(list)
	return list
}

// incident returns the newest incident of a heartbeat.
func (w *fixture) incident(h monitor.Heartbeat) monitor.Incident {
	w.Helper()
	list := view(w, func(tx *store.Tx) ([]monitor.Incident, error) {
		return tx.Incidents(store.IncidentFilter{Project: h.Project, Heartbeat: h.Key, Limit: 1})
	})
	if len(list) == 0 {
		w.Fatalf("%s has no incident", h.Name)
	}
	return list[0]
}

// timeline lists the kinds of entries of an incident.
func (w *fixture) timeline(incident string) []string {
	w.Helper()
	var kinds []string
	for _, e := range view(w, func(tx *store.Tx) ([]monitor.TimelineEntry, error) {
		i, err := tx.Incident(w.project.Key, incident)
		if err != nil {
			return nil, err
		}
		return tx.Timeline(i)
	}) {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (w *fixture) deliveries(incident string) []store.Delivery {
	w.Helper()
	return view(w, func(tx *store.Tx) ([]store.Delivery, error) { return tx.Deliveries(incident) })
}

// alerts lists the alerts of an incident as event, name of the channel, state.
func (w *fixture) alerts(incident string, channels ...monitor.Channel) []string {
	w.Helper()
	var all []string
	for _, d := range w.deliveries(incident) {
		i := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.ID == d.Channel })
		if i < 0 {
			w.Fatalf("%s is for an unexpected channel", d.Event)
		}
		all = append(all, string(d.Event)+" "+channels[i].Name+" "+string(d.State))
	}
	return all
}

// claimAlerts claims alerts of a channel.
func (w *fixture) claimAlerts(c monitor.Channel, node string, d, until time.Duration, n int) []monitor.Alert {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) ([]monitor.Alert, error) { return tx.Claim(c.ID, node, w.at(d), w.at(until), n) })
}

// eventsOf returns the events of alerts.
func eventsOf(alerts []monitor.Alert) []monitor.Event {
	var all []monitor.Event
	for _, a := range alerts {
		all = append(all, a.Event)
	}
	return all
}

// queryNumber runs a query for a number directly on the database.
func (w *fixture) queryNumber(text string) string {
	w.Helper()
	n, err := store.QueryReader(w.db, text)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// expectFault fails the test unless err is a fault of the given kind.
func (w *fixture) expectFault(err error, kind monitor.FaultKind) {
	w.Helper()
	var fault *monitor.Fault
	if !errors.As(err, &fault) || fault.Kind != kind {
		w.Errorf("error %v; want a fault of kind %d", err, kind)
	}
}
