package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	"overdue/internal/store/storetest"
)

// miss saves heartbeats that missed their deadline after one ping.
func (w *fixture) miss(name string, n int, d time.Duration) {
	w.Helper()
	var transitions []store.Transition
	for i := range n {
		h := w.newSavedHeartbeat(fmt.Sprint(name, "-", i))
		w.applyPings(h, w.ping(monitor.PingSuccess, 0))
		h = w.reload(h)
		h.CountedFrom = w.at(-365 * 24 * time.Hour)
		h, change := h.Evaluate(w.at(d))
		if change.Opened == nil {
			w.Fatal("the heartbeat is not down")
		}
		transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
	}
	w.update(func(tx *store.Tx) error { _, err := tx.Save(w.at(d), transitions); return err })
}

// TestRunOnce_ManyAlertsNeedFewStatements counts the statements of each run while the
// window of a channel grows: a run with many alerts has no more than one with few.
func TestRunOnce_ManyAlertsNeedFewStatements(t *testing.T) {
	const many, maxStatements = 120, 20
	synctest.Test(t, func(t *testing.T) {
		w := &fixture{T: t, db: openStore(t, filepath.Join(t.TempDir(), "overdue.db")), start: time.Now().UTC()}
		w.project = w.addProject("main")
		w.addChannel(w.newChannel("ops"))
		w.miss("silent", many, 0)
		err := store.RecordPlans(w.db, func(recorded *store.DB, plans func() []string) error {
			recorded.SetNode("node")
			var sent atomic.Int32
			zero := func() float64 { return 0 }
			c := &deliver.Dispatcher{
				DB: recorded, Node: "node", Metrics: metrics.New(zero, zero), Log: slog.New(slog.DiscardHandler), Wake: func() {},
				Send: func(context.Context, string, setting.Values, message.Notification) (notify.Receipt, error) {
					sent.Add(1)
					return notify.Receipt{Status: 200}, nil
				},
			}
			largest, before := 0, 0
			for range 20 {
				earlier := len(plans())
				if _, err := c.RunOnce(t.Context(), time.Now().UTC()); err != nil {
					return err
				}
				synctest.Wait()
				if n := len(plans()) - earlier; n > maxStatements {
					t.Errorf("%d statements in one run; want at most %d:\n%s", n, maxStatements, strings.Join(plans()[earlier:], "\n\n"))
				}
				largest, before = max(largest, int(sent.Load())-before), int(sent.Load())
			}
			if before != many || largest != 32 {
				t.Errorf("sent %d, at most %d in one run; want %d, and 32", before, largest, many)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestRunOnce_AnAlertHasTheOutputOfTheNewestPing: the alerts of one run are prepared together.
func TestRunOnce_AnAlertHasTheOutputOfTheNewestPing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.SetNode("node")
		w.addChannel(w.newChannel("ops"))
		output := w.ping(monitor.PingSuccess, time.Minute)
		output.Body = []byte("disk is full")
		silent := w.ping(monitor.PingSuccess, 2*time.Minute)
		w.applyPings(w.newSavedHeartbeat("newest"), w.ping(monitor.PingSuccess, 0), output)
		w.applyPings(w.newSavedHeartbeat("older"), output, silent)
		w.applyPings(w.newSavedHeartbeat("none"), silent)
		for name, p := range map[string]monitor.Ping{"newest row": output, "older row": silent} { // as earlier versions stored them
			h := w.newSavedHeartbeat(name)
			p.Number = 1
			h.Status, h.CountedFrom, h.PingCount = monitor.Up, p.At, 1
			w.update(func(tx *store.Tx) error {
				_, err := tx.Save(p.At, []store.Transition{{Heartbeat: h}})
				return errors.Join(err, store.InsertPingRows(tx, h.Key, []monitor.Ping{p}))
			})
		}
		w.evaluate(time.Hour)
		var mu sync.Mutex
		outputs := map[string]string{}
		zero := func() float64 { return 0 }
		c := &deliver.Dispatcher{
			DB: w.db, Node: "node", Metrics: metrics.New(zero, zero), Log: slog.New(slog.DiscardHandler), Wake: func() {},
			Send: func(_ context.Context, _ string, _ setting.Values, n message.Notification) (notify.Receipt, error) {
				mu.Lock()
				defer mu.Unlock()
				outputs[n.Heartbeat] = n.Output
				return notify.Receipt{Status: 200}, nil
			},
		}
		for range 5 {
			if _, err := c.RunOnce(context.Background(), w.at(time.Hour)); err != nil {
				w.Fatal(err)
			}
			synctest.Wait()
		}
		want := map[string]string{"newest": "disk is full", "older": "", "none": "", "newest row": "disk is full", "older row": ""}
		if diff := cmp.Diff(want, outputs); diff != "" {
			w.Errorf("outputs (-want +got):\n%s", diff)
		}
	})
}

// rowsPattern matches the actual rows of a step of a plan, and how often it ran.
var rowsPattern = regexp.MustCompile(`actual rows=(\d+) loops=(\d+)`)

// TestClaim_ReadsNoBacklogOnPostgreSQL runs the statements of the delivery loop with many
// pending alerts, before and after the first ANALYZE, and counts the rows that each step of
// their plans returned: without statistics, PostgreSQL expects few rows, and its plan depends
// on the size of the table.
func TestClaim_ReadsNoBacklogOnPostgreSQL(t *testing.T) {
	for _, c := range []struct {
		pending           int
		attempts, urgency string // of alert number n
	}{
		{100_000, "n % 3", "n % 7"},
		{20_000, "0", "4"},
		{4_500, "0", "4"}, // so few that PostgreSQL reads all, but once, and it can keep that plan
	} {
		db := openStore(t, storetest.NewPostgresDatabase(t))
		w := &fixture{T: t, db: db, start: realTimeStart}
		w.project = w.addProject("main")
		ops := w.addChannel(w.newChannel("ops"))
		w.execPostgres(fmt.Sprintf(`SET session_replication_role = replica;
			INSERT INTO alerts (id, project, channel, event, turn, heartbeat, incident, about, state, attempts, created, next_at, asked, urgency)
			SELECT 'alert ' || n, 1, '%s', 'incident.opened', 11, n, 'incident ' || n, '', 'pending', %s, n, n, 0, %s FROM generate_series(1, %d) n;
			RESET session_replication_role`, ops.ID, c.attempts, c.urgency, c.pending))
		maxRows, readsAll := 4*256, false
		if c.pending < 20_000 {
			maxRows, readsAll = c.pending, true
		}
		w.expectFewRows(ops.ID, maxRows, readsAll)
		w.execPostgres("ANALYZE alerts")
		w.expectFewRows(ops.ID, maxRows, readsAll)
	}
}

// execPostgres runs statements on PostgreSQL.
func (w *fixture) execPostgres(statements string) {
	w.Helper()
	if err := store.ExecPostgres(w.db, statements); err != nil {
		w.Fatal(err)
	}
}

// expectFewRows runs the statements of the delivery loop for a channel. readsAll means that they may
// read the whole table.
func (w *fixture) expectFewRows(channel string, maxRows int, readsAll bool) {
	w.Helper()
	now := w.start.Add(time.Hour).UnixMicro()
	var sent []string
	for n := range 32 {
		sent = append(sent, fmt.Sprint("alert ", n))
	}
	statements := store.DeliverySQL(w.db)
	for i, args := range [][]any{{now}, {channel, "node", now, now + 8_000_000, 32, 0, 0}, {sent}, {sent}, {[]int64{1, 2, 3}}} {
		plan, err := store.Explain(w.db, statements[i], args...)
		if err != nil {
			w.Fatalf("%s: %v", statements[i], err)
		}
		found := rowsPattern.FindAllStringSubmatch(plan, -1)
		if len(found) == 0 || !readsAll && strings.Contains(plan, "Seq Scan on alerts") {
			w.Errorf("it reads the whole table, or its plan has no rows: %s\n%s", statements[i], plan)
		}
		for _, step := range found {
			rows, _ := strconv.Atoi(step[1])
			loops, _ := strconv.Atoi(step[2])
			if rows*loops > maxRows {
				w.Errorf("a step of the plan has %d rows; want at most %d: %s\n%s", rows*loops, maxRows, statements[i], plan)
				break
			}
		}
	}
}
