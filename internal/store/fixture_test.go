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

// errUndo is what a test's transaction returns to be undone.
var errUndo = errors.New("undo")

// someDay is when worlds in real time begin.
var someDay = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a store with one project, and what tests do to it all the time.
// Whatever fails ends the test.
type world struct {
	*testing.T
	db      *store.DB
	address string           // of the store, in real time
	open    func() *store.DB // the same store, as another node sees it
	project monitor.Project
	start   time.Time
}

// onEach runs a test in a world on every database, in virtual time.
func onEach(t *testing.T, test func(w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		w := &world{T: t, db: open(), open: open, start: time.Now().UTC()}
		w.project = w.addProject("main")
		test(w)
	})
}

// onEachAwake is onEach in real time, for what a bubble does not bear.
func onEachAwake(t *testing.T, test func(w *world)) {
	t.Helper()
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			open := func() *store.DB { return opened(t, address) }
			w := &world{T: t, db: open(), address: address, open: open, start: someDay}
			w.project = w.addProject("main")
			test(w)
		})
	}
}

// opened is a store that is closed when the test ends.
func opened(t *testing.T, address string) *store.DB {
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

// from is the world as seen by another node.
func (w *world) from(db *store.DB) *world {
	other := *w
	other.db = db
	return &other
}

// at is a moment, counted from the beginning of the world.
func (w *world) at(d time.Duration) time.Time { return w.start.Add(d) }

func (w *world) update(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.Fatal(err)
	}
}

// beside runs fn in a transaction of another node that began meanwhile, and
// closes done after it. What waits for ever is ended, to fail.
func (w *world) beside(done chan<- bool, fn func(tx *store.Tx) error) {
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.db.Update(ctx, fn); err != nil {
		w.Errorf("the other node: %v", err)
	}
}

// undo runs fn in a transaction that is rolled back.
func (w *world) undo(fn func(tx *store.Tx) error) {
	w.Helper()
	err := w.db.Update(context.Background(), func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		w.Fatal(err)
	}
}

// seen returns what fn sees in a View.
func seen[T any](w *world, fn func(tx *store.Tx) (T, error)) T {
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

// made returns what fn makes in an Update.
func made[T any](w *world, fn func(tx *store.Tx) (T, error)) T {
	w.Helper()
	var value T
	w.update(func(tx *store.Tx) (err error) {
		value, err = fn(tx)
		return err
	})
	return value
}

func (w *world) addProject(slug string) monitor.Project {
	w.Helper()
	return made(w, func(tx *store.Tx) (monitor.Project, error) {
		return tx.AddProject(monitor.Project{Slug: slug, Name: "Project " + slug, Zone: "Europe/Prague", Created: w.start})
	})
}

// newHeartbeat is a heartbeat that nobody kept yet, due every five minutes
// with two minutes of grace.
func (w *world) newHeartbeat(name string) monitor.Heartbeat {
	return monitor.Heartbeat{
		ID: uuid.NewString(), Ref: uuid.NewString(), Project: w.project.Key, Name: name, Slug: name, AllChannels: true,
		Status: monitor.New, Rule: monitor.Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute, Methods: monitor.AnyMethod},
		Created: w.start, Updated: w.start,
	}
}

func (w *world) add(h monitor.Heartbeat) monitor.Heartbeat {
	w.Helper()
	return made(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.AddHeartbeat(h) })
}

func (w *world) heartbeat(name string) monitor.Heartbeat {
	w.Helper()
	return w.add(w.newHeartbeat(name))
}

// now is how a heartbeat stands.
func (w *world) now(h monitor.Heartbeat) monitor.Heartbeat {
	w.Helper()
	return seen(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(h.Key) })
}

// newChannel is a channel that nobody kept yet, told of incidents and their end.
func (w *world) newChannel(name string) monitor.Channel {
	return monitor.Channel{
		Project: w.project.Key, Kind: "webhook", Name: name, Settings: map[string]any{"url": "https://example.com/" + name},
		TellRecovered: true, Created: w.start,
	}
}

func (w *world) channel(c monitor.Channel) monitor.Channel {
	w.Helper()
	return made(w, func(tx *store.Tx) (monitor.Channel, error) { return tx.AddChannel(c) })
}

// ping is a ping of a kind, counted from the beginning of the world.
func (w *world) ping(kind monitor.PingKind, d time.Duration) monitor.Ping {
	return monitor.Ping{Kind: kind, At: w.at(d), ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1", UserAgent: "curl"}
}

// judge is what ingest does: it hears pings of one heartbeat in one batch.
func judge(tx *store.Tx, h monitor.Heartbeat, pings ...monitor.Ping) (owed int, err error) {
	found, err := tx.Pinged([]string{h.ID})
	if err != nil {
		return 0, err
	}
	h = found[h.ID]
	var judged []store.Judgement
	for _, p := range pings {
		var change monitor.Change
		h, change = h.Hear(p, p.At)
		judged = append(judged, store.Judgement{Heartbeat: h, Change: change})
	}
	return tx.Save(pings[len(pings)-1].At, judged)
}

// hear keeps pings of one heartbeat, in one batch.
func (w *world) hear(h monitor.Heartbeat, pings ...monitor.Ping) (owed int) {
	w.Helper()
	return made(w, func(tx *store.Tx) (int, error) { return judge(tx, h, pings...) })
}

// down takes a heartbeat down by a failure, and returns the incident.
func (w *world) down(h monitor.Heartbeat, d time.Duration) monitor.Incident {
	w.Helper()
	w.hear(h, w.ping(monitor.Fail, d))
	return w.incident(h)
}

// lapse is what watch does: it notes all silence up to a moment.
func (w *world) lapse(d time.Duration) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		due, err := tx.Lapsing(w.at(d), 1000)
		if err != nil {
			return err
		}
		var judged []store.Judgement
		for _, h := range due {
			h, change := h.Lapse(w.at(d))
			judged = append(judged, store.Judgement{Heartbeat: h, Change: change})
		}
		_, err = tx.Save(w.at(d), judged)
		return err
	})
}

// incidents are those of a project, oldest first.
func (w *world) incidents(project int64) []monitor.Incident {
	w.Helper()
	list := seen(w, func(tx *store.Tx) ([]monitor.Incident, error) {
		return tx.Incidents(store.IncidentFilter{Project: project, Limit: 1000})
	})
	slices.Reverse(list)
	return list
}

// incident is the newest one of a heartbeat.
func (w *world) incident(h monitor.Heartbeat) monitor.Incident {
	w.Helper()
	list := seen(w, func(tx *store.Tx) ([]monitor.Incident, error) {
		return tx.Incidents(store.IncidentFilter{Project: h.Project, Heartbeat: h.Key, Limit: 1})
	})
	if len(list) == 0 {
		w.Fatalf("%s has no incident", h.Name)
	}
	return list[0]
}

// timeline lists the kinds of entries of an incident.
func (w *world) timeline(incident string) []string {
	w.Helper()
	var kinds []string
	for _, e := range seen(w, func(tx *store.Tx) ([]monitor.Entry, error) {
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

func (w *world) deliveries(incident string) []store.Delivery {
	w.Helper()
	return seen(w, func(tx *store.Tx) ([]store.Delivery, error) { return tx.Deliveries(incident) })
}

// alerts lists what an incident owes or owed: event, channel's name, state.
func (w *world) alerts(incident string, channels ...monitor.Channel) []string {
	w.Helper()
	var all []string
	for _, d := range w.deliveries(incident) {
		i := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.ID == d.Channel })
		if i < 0 {
			w.Fatalf("%s is owed to a channel that nobody expects", d.Event)
		}
		all = append(all, string(d.Event)+" "+channels[i].Name+" "+string(d.State))
	}
	return all
}

// claim takes what a channel is owed.
func (w *world) claim(c monitor.Channel, node string, d, until time.Duration, n int) []monitor.Alert {
	w.Helper()
	return made(w, func(tx *store.Tx) ([]monitor.Alert, error) { return tx.Claim(c.ID, node, w.at(d), w.at(until), n) })
}

// events lists what alerts tell.
func events(alerts []monitor.Alert) []monitor.Event {
	var all []monitor.Event
	for _, a := range alerts {
		all = append(all, a.Event)
	}
	return all
}

// counted runs a query for a number past all methods.
func (w *world) counted(text string) string {
	w.Helper()
	n, err := store.Looked(w.db, text)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// wrong fails the test unless err is a fault of the given kind.
func (w *world) wrong(err error, kind monitor.FaultKind) {
	w.Helper()
	var fault *monitor.Fault
	if !errors.As(err, &fault) || fault.Kind != kind {
		w.Errorf("error %v; want a fault of kind %d", err, kind)
	}
}
