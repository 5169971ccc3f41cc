package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web"
)

func TestPublicReason_ShowsOnlyListedTexts(t *testing.T) {
	hosts := errors.New("failed to connect to `user=overdue database=overdue`:\n\tdb1.example.com:5432 (192.0.2.1): connection refused\n\tdb2.example.com:5432 (192.0.2.2): connection refused")
	for _, c := range []struct {
		cause error
		want  string
	}{
		{fmt.Errorf("begin: %w: %w", store.ErrUnavailable, hosts), "the database is unavailable"},
		{fmt.Errorf("%w: write /var/lib/overdue/overdue.db-pings0: no space left on device", store.ErrDisk), "the database is unavailable: its disk is full or failing"},
		{errors.Join(hosts, fmt.Errorf("%w: %w", store.ErrDisk, hosts)), "the database is unavailable: its disk is full or failing"},
		{hosts, defaultReason},
	} {
		if got := publicReason(c.cause); got != c.want {
			t.Errorf("%q; want %q for %v", got, c.want, c.cause)
		}
	}
}

func TestReadyLog_LogsChangesAtOnceAndRepeatsAfterAMinute(t *testing.T) {
	var l readyLog
	now, lines := time.Now(), 0
	for range 3 * 60 * 10 { // three minutes of ten probes a second
		if l.due(now, "storing pings: the database is unavailable") {
			lines++
		}
		now = now.Add(100 * time.Millisecond)
	}
	if lines != 3 {
		t.Errorf("%d lines in three minutes; want 3", lines)
	}
	if !l.due(now, "sweep loop stalled for 11 s") || !l.due(now, "") {
		t.Error("a change is not logged")
	}
	if l.due(now.Add(time.Hour), "") {
		t.Error("it is logged over and over that it is ready")
	}
}

// TestReadyz_ReportsThatTheTablesHangWhilePingsAreStored: then no deadline is evaluated.
func TestReadyz_ReportsThatTheTablesHangWhilePingsAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.OpenToServe(context.Background(), filepath.Join(t.TempDir(), "overdue.db"), store.ServeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sim := &simulation{t: t, db: db, openDB: func() *store.DB { return db }, receiver: &alertReceiver{}, ids: map[string]string{}, log: &bytes.Buffer{}}
		sim.update(func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
			sim.project = p.Key
			return err
		})
		sim.addHeartbeat("backup", fiveMinuteRule)
		n := sim.startNode()
		sim.mustPing(n, "backup", "")
		time.Sleep(10 * time.Second)
		hanging, held, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			_ = db.Update(context.Background(), func(*store.Tx) error { close(held); <-hanging; return nil }) // its caller stops waiting
		}()
		<-held
		time.Sleep(15 * time.Second)
		sim.mustPing(n, "backup", "")
		answer := httptest.NewRecorder()
		n.serveReady(answer, httptest.NewRequest("GET", "/readyz", nil))
		if answer.Code != 503 {
			t.Errorf("after 15 s: %d %s; want 503", answer.Code, answer.Body)
		}
		close(hanging)
		<-ended
		sim.stopNode(n)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestReadyz_ReportsWithinSecondsThatTheDiskHangsAndThatItRecovers runs a whole
// engine on a SQLite file whose disk hangs for half a minute.
func TestReadyz_ReportsWithinSecondsThatTheDiskHangsAndThatItRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		dir := t.TempDir()
		db, err := store.OpenToServe(context.Background(), filepath.Join(dir, "overdue.db"), store.ServeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sim := &simulation{t: t, db: db, openDB: func() *store.DB { return db }, receiver: &alertReceiver{}, ids: map[string]string{}, log: &log}
		sim.update(func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
			sim.project = p.Key
			return err
		})
		sim.addChannel("ops", monitor.Channel{})
		sim.addHeartbeat("backup", fiveMinuteRule)
		n := sim.startNode()
		ready := func() (int, string) {
			answer := httptest.NewRecorder()
			n.serveReady(answer, httptest.NewRequest("GET", "/readyz", nil))
			return answer.Code, answer.Body.String()
		}
		sim.mustPing(n, "backup", "")
		time.Sleep(10 * time.Second)
		if code, said := ready(); code != 200 {
			t.Fatalf("%d %s", code, said)
		}

		hanging, held, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			_ = db.UpdateAll(context.Background(), func(*store.Tx) error { close(held); <-hanging; return nil }) // its caller stops waiting
		}()
		<-held
		waiting := n.inFlight.Add("a ping whose commit hangs", func() (time.Duration, bool) { return 0, false })
		n.inFlight.Complete(waiting)
		time.Sleep(8 * time.Second)
		for range 300 {
			time.Sleep(100 * time.Millisecond)
			code, said := ready()
			if code != 503 || !strings.Contains(said, "the database is unavailable") || strings.Contains(said, dir) {
				t.Fatalf("while the disk hangs: %d %s", code, said)
			}
			if err := n.stalled(time.Now()); err != nil {
				t.Fatalf("while the disk hangs, the server counts as stalled, and systemd would restart it: %v", err)
			}
		}
		synctest.Wait()
		if lines := strings.Count(log.String(), "not ready"); lines == 0 || lines > 4 { // one for each change
			t.Errorf("%d lines about it in half a minute:\n%s", lines, log.String())
		}
		close(hanging)
		<-ended
		n.inFlight.Remove(waiting)
		time.Sleep(time.Second)
		if code, said := ready(); code != 200 {
			t.Errorf("a second after the database continued: %d %s", code, said)
		}
		if err := n.stalled(time.Now()); err != nil {
			t.Errorf("a second after the database continued: %v", err)
		}
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Second)
		if events := sim.receiver.events(); len(events) == 0 {
			t.Error("nothing is delivered after the database continued")
		}
		sim.stopNode(n)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestReadinessCheck_NamesTheLoopThatIsStalledAndForHowLong(t *testing.T) {
	c := readinessCheck{"delivering alerts", fmt.Errorf("check: %w", &loop.StalledError{Loop: "delivery", Late: 42 * time.Second})}
	if got, want := c.public(), "delivery loop stalled for 42 s"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
	var l readyLog
	now := time.Now()
	if !l.due(now, "delivery loop stalled for 42 s") || l.due(now.Add(time.Second), "delivery loop stalled for 43 s") {
		t.Error("a longer stall is logged as a change")
	}
}

func TestAddWarning_MarksTheCheckOrAddsOne(t *testing.T) {
	checks := []web.ReadinessCheck{{Name: "delivering alerts", Detail: "No alert is pending"}, {Name: "storing pings", Detail: "storing pings: failing", Failing: true}}
	for _, warning := range []string{"delivering alerts: a channel does not deliver", "storing pings: slow", "the clock of this machine is 1.2 s ahead of the database's"} {
		checks = addWarning(checks, warning)
	}
	want := []web.ReadinessCheck{
		{Name: "delivering alerts", Detail: "No alert is pending; a channel does not deliver", Warning: true},
		{Name: "storing pings", Detail: "storing pings: failing", Failing: true},
		{Name: "using the clock", Detail: "the clock of this machine is 1.2 s ahead of the database's", Warning: true},
	}
	if !slices.Equal(checks, want) {
		t.Errorf("%+v; want %+v", checks, want)
	}
}
