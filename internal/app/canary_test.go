package app

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// withCanary enables the canary of a node. Its watchdog counts pings in sent.
func withCanary(sent *atomic.Int64) func(*Engine) {
	return func(e *Engine) {
		e.EnableCanary(CanaryOptions{
			Interval: 2 * time.Minute, WatchdogURL: "https://watch.example.com/ping",
			Ping: func(context.Context, string) error { sent.Add(1); return nil },
		})
	}
}

// canaryState is what users could see of canaries.
type canaryState struct{ Incidents, Pending, Projects, Channels int }

// canaryState counts what users can see.
func (sim *simulation) canaryState() (s canaryState) {
	sim.t.Helper()
	sim.update(func(tx *store.Tx) error {
		projects, err := tx.Projects()
		if err != nil {
			return err
		}
		open, err := tx.CountOpenIncidents()
		if err != nil {
			return err
		}
		outbox, err := tx.Outbox()
		if err != nil {
			return err
		}
		s = canaryState{Incidents: int(open), Pending: outbox.Pending, Projects: len(projects), Channels: len(outbox.Channels)}
		return nil
	})
	return s
}

func TestCanary_ArrivesEachRoundAndNobodySeesIt(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var sent atomic.Int64
		n := sim.startNode(withCanary(&sent))
		for range 10 * 120 {
			time.Sleep(time.Second)
			if text, err := n.Ready(); err != nil {
				sim.t.Fatalf("not ready: %s", text)
			}
		}
		if s := sim.canaryState(); s != (canaryState{Projects: 1, Channels: 1}) {
			sim.t.Errorf("%+v; want only the project and its channel", s)
		}
		if got := sent.Load(); got != 10 {
			sim.t.Errorf("%d pings of the watchdog in 20 minutes; want 10", got)
		}
		if events := sim.receiver.events(); len(events) > 0 {
			sim.t.Errorf("the channels of users got %v", events)
		}
		sim.stopNode(n)
	})
}

// hangs returns a function for a loop that never returns while it is stuck.
func hangs(ctx context.Context, _ time.Time) (time.Duration, error) {
	<-ctx.Done()
	<-time.After(time.Hour) // it ignores the timeout of its run
	return 0, ctx.Err()
}

// doesNothing is a function for a loop that finds nothing to do.
func doesNothing(context.Context, time.Time) (time.Duration, error) { return time.Second, nil }

func TestCanary_EachStuckStageShowsWithin30Seconds(t *testing.T) {
	for name, c := range map[string]struct {
		stick func(*Engine)
		want  string
	}{
		"sweep hangs":            {func(e *Engine) { e.sweep = loop.New("sweep", e.log, hangs) }, "sweep loop"},
		"sweep does nothing":     {func(e *Engine) { e.sweep = loop.New("sweep", e.log, doesNothing) }, "canary: not delivered for 1"},
		"deliveries hang":        {func(e *Engine) { e.delivery = loop.New("delivery", e.log, hangs) }, "delivery loop"},
		"deliveries do nothing":  {func(e *Engine) { e.delivery = loop.New("delivery", e.log, doesNothing) }, "canary: not delivered for 1"},
		"an alert is lost":       {func(e *Engine) { e.dispatcher.CanaryArrived = func(time.Time) {} }, "canary: not delivered for 1"},
		"pings cannot be stored": {func(e *Engine) { e.canary.Ping = func(context.Context, string) error { return errors.New("refused") } }, "canary: not started for 2"},
		"storing a ping hangs": {func(e *Engine) {
			e.canary.Ping = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		}, "canary"},
		"the loop of the canary": {func(e *Engine) { e.canaryLoop = loop.New("canary", e.log, hangs) }, "canary loop"},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(sim *simulation) {
				var sent atomic.Int64
				n := sim.startNode(withCanary(&sent), c.stick)
				time.Sleep(30 * time.Second)
				if text, err := n.Ready(); err == nil || !strings.Contains(text, c.want) {
					sim.t.Errorf("ready: %q, %v; want %q", text, err, c.want)
				}
				if got := sent.Load(); got > 0 {
					sim.t.Errorf("the watchdog was pinged %d times", got)
				}
			})
		})
	}
}

func TestCanary_RecoversByItselfAndIsLoggedOnce(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var log bytes.Buffer
		sim.log = &log
		var sent atomic.Int64
		var stuck atomic.Bool
		stuck.Store(true)
		n := sim.startNode(withCanary(&sent), func(e *Engine) {
			e.delivery = loop.New("delivery", e.log, func(ctx context.Context, now time.Time) (time.Duration, error) {
				if stuck.Load() {
					return time.Second, nil
				}
				return e.dispatcher.RunOnce(ctx, now)
			})
		})
		time.Sleep(5 * time.Minute)
		if text, err := n.Ready(); err == nil || !strings.Contains(text, "canary: not delivered for 2") {
			sim.t.Errorf("ready: %q; want a canary that is late by more than 200 s", text)
		}
		if late := n.canary.Late(); late < 4*time.Minute {
			sim.t.Errorf("late %s; want more than 4 min", late)
		}
		stuck.Store(false)
		time.Sleep(15 * time.Second)
		if text, err := n.Ready(); err != nil {
			sim.t.Errorf("15 s after the deliveries continue: %s", text)
		}
		if sent.Load() == 0 {
			sim.t.Error("the watchdog was not pinged after the deliveries continued")
		}
		synctest.Wait()
		if got := strings.Count(log.String(), "canary not delivered"); got != 1 {
			sim.t.Errorf("%d log lines; want 1:\n%s", got, log.String())
		}
		if !strings.Contains(log.String(), "canary delivered again") {
			sim.t.Errorf("the recovery is not logged:\n%s", log.String())
		}
	})
}

func TestCanary_EachNodeTestsItself(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var sent, sentByStuck atomic.Int64
		a := sim.startNode(withCanary(&sent))
		stuck := sim.startNode(withCanary(&sentByStuck), func(e *Engine) { e.delivery = loop.New("delivery", e.log, doesNothing) })
		time.Sleep(40 * time.Second) // on SQLite, a second node counts the first one as dead
		if text, err := a.Ready(); err != nil {
			sim.t.Errorf("the node that works: %s", text)
		}
		if text, err := stuck.Ready(); err == nil || !strings.Contains(text, "canary: not delivered") {
			sim.t.Errorf("the node that delivers nothing: %q", text)
		}
		if sent.Load() == 0 || sentByStuck.Load() != 0 {
			sim.t.Errorf("pings of the watchdog: %d and %d; want only those of the node that works", sent.Load(), sentByStuck.Load())
		}
		stuck.stopCanary()
		sim.killNode(stuck)
		time.Sleep(15 * time.Minute)
		if text, err := a.Ready(); err != nil {
			sim.t.Errorf("the node that works: %s", text)
		}
	})
}

func TestCanary_IsNoSecondAlarmWhileTheDatabaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, log := newDiskSimulation(t)
		var sent atomic.Int64
		n := sim.startNode(withCanary(&sent))
		time.Sleep(3 * time.Second) // the first round has begun
		release := hang(sim.db)
		time.Sleep(60 * time.Second)
		text, err := n.Ready()
		if err == nil || !strings.Contains(text, "the database is unavailable") || strings.Contains(text, "canary") {
			t.Errorf("ready: %q; want only that the database is unavailable", text)
		}
		release()
		for range 40 {
			time.Sleep(time.Second)
			if text, err := n.Ready(); err != nil && strings.Contains(text, "canary") {
				t.Fatalf("after the return: %s", text)
			}
		}
		if sent.Load() == 0 {
			t.Error("no round ended after the return")
		}
		synctest.Wait()
		if strings.Contains(log.String(), "canary not delivered") {
			t.Errorf("the canary is in the log:\n%s", log.String())
		}
		sim.stopNode(n)
		if err := sim.db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestReady_ShowsWithin30SecondsThatTheDataDirectoryIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, _ := newDiskSimulation(t)
		var sent atomic.Int64
		n := sim.startNode(withCanary(&sent))
		time.Sleep(3 * time.Second)
		// In one step: the server creates a deleted lock file again.
		if err := os.Rename(sim.dir, sim.dir+"-gone"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if text, err := n.Ready(); err == nil || !strings.Contains(text, "its files were deleted") {
			t.Errorf("ready: %q; want that the files were deleted", text)
		}
		n.stopCanary()
		sim.killNode(n)
		_ = sim.db.Close() // its files are gone
	})
}

func TestReady_WarnsWithin30SecondsThatAllChannelsHang(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var sent atomic.Int64
		n := sim.startNode(withCanary(&sent), withSend(sim.receiver.send))
		sim.receiver.setDelay(time.Hour)
		for range 3 {
			sim.addChannel("hook", monitor.Channel{})
		}
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(30 * time.Second)
		if o := n.outbox(); o.Pending != 4 || o.Oldest < 20*time.Second {
			sim.t.Errorf("outbox %+v; want 4 pending alerts of 20 s or more", o)
		}
		if len(n.warnings()) == 0 {
			sim.t.Error("no warning")
		}
		if text, err := n.Ready(); err != nil {
			sim.t.Errorf("not ready: %s; a provider is no reason to reject pings", text)
		}
		sim.receiver.setDelay(0)
		time.Sleep(2 * time.Hour)
	})
}

// newDiskSimulation returns a simulation on a SQLite file, and its log. The caller
// closes the database.
func newDiskSimulation(t *testing.T) (*diskSimulation, *bytes.Buffer) {
	t.Helper()
	log, dir := &bytes.Buffer{}, t.TempDir()
	db, err := store.OpenToServe(context.Background(), filepath.Join(dir, "overdue.db"), store.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sim := &simulation{t: t, db: db, openDB: func() *store.DB { return db }, receiver: &alertReceiver{}, ids: map[string]string{}, log: log}
	sim.update(func(tx *store.Tx) error {
		p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
		sim.project = p.Key
		return err
	})
	return &diskSimulation{sim, dir}, log
}

// diskSimulation is a simulation with the directory of its file.
type diskSimulation struct {
	*simulation
	dir string
}

// hang makes the database hang until the returned function is called.
func hang(db *store.DB) (release func()) {
	hanging, held, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = db.Update(context.Background(), func(*store.Tx) error { close(held); <-hanging; return nil }) // its caller stops waiting
	}()
	<-held
	return func() { close(hanging); <-ended }
}

func TestServerStatus_HasTheCanaryTheTargetsAndTheAnswerOfReadyz(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var sent atomic.Int64
		n := sim.startNode(withCanary(&sent))
		time.Sleep(5 * time.Minute)
		s, err := n.serverStatus(context.Background())
		if err != nil {
			sim.t.Fatal(err)
		}
		if c := s.Canary; !c.Enabled || len(c.Rounds) < 2 || c.Rounds[0].Lost || c.Rounds[0].Took > 5*time.Second || c.Problem != "" || !c.Next.After(time.Now()) {
			sim.t.Errorf("canary %+v", c)
		}
		if len(s.Checks) != 4 || s.Checks[0].Failing || !strings.Contains(s.Checks[3].Detail, "last alert of the canary took") {
			sim.t.Errorf("checks %+v", s.Checks)
		}
		if !s.Ready || s.Answer != "HTTP/1.1 200 OK\n\nready" {
			sim.t.Errorf("answer %q, ready %t", s.Answer, s.Ready)
		}
		if len(s.Targets) != 1 || s.Targets[0].Address != "https://watch.example.com/…" || s.Targets[0].SentAt.IsZero() {
			sim.t.Errorf("targets %+v; want the URL without its path, and the last ping", s.Targets)
		}
	})
}

func TestServerStatus_SaysWhyTheNodeIsNotReady(t *testing.T) {
	simulate(t, func(sim *simulation) {
		var sent atomic.Int64
		var broken atomic.Bool
		n := sim.startNode(withCanary(&sent), func(e *Engine) {
			ping := e.canary.Ping
			e.canary.Ping = func(ctx context.Context, id string) error {
				if broken.Load() {
					return context.DeadlineExceeded
				}
				return ping(ctx, id)
			}
		})
		time.Sleep(time.Minute)
		broken.Store(true)
		time.Sleep(3 * time.Minute)
		s, err := n.serverStatus(context.Background())
		if err != nil {
			sim.t.Fatal(err)
		}
		if s.Ready || !strings.HasPrefix(s.Answer, "HTTP/1.1 503 Service Unavailable\nRetry-After: 5\n\nnot ready: canary: not started for ") {
			sim.t.Errorf("answer %q, ready %t", s.Answer, s.Ready)
		}
		if last := s.Checks[3]; !last.Failing || !strings.HasPrefix(last.Detail, "canary: not started for ") || s.Canary.Problem == "" {
			sim.t.Errorf("check %+v, problem %q", last, s.Canary.Problem)
		}
	})
}
