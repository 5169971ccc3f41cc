package bulkload_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
	"overdue/internal/store/storetest/bulkload"
)

// testHeartbeat returns heartbeat number i: every third is Down, the others are Up.
func testHeartbeat(i int, now time.Time) monitor.Heartbeat {
	h := monitor.Heartbeat{
		ID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)).String(), Ref: fmt.Sprintf("%032x", i), Name: fmt.Sprint("job ", i), Slug: fmt.Sprint("job-", i), Tags: []string{"db", `a"b`},
		Rule:        monitor.Rule{Interval: time.Hour, Grace: time.Minute, Methods: monitor.AnyMethod, Early: monitor.DefaultEarly, AlertAfter: 1},
		AllChannels: true, Status: monitor.New, Created: now, Updated: now, Project: bulkload.Project,
	}
	kind := monitor.PingSuccess
	if i%3 == 0 {
		kind = monitor.PingFail
	}
	h, _ = h.ApplyPing(monitor.Ping{Kind: kind, At: now, ExitCode: monitor.NoExitCode}, now)
	if h.Status == monitor.Down {
		h.OpenIncident = uuid.NewString()
	}
	return h
}

// open opens the store, as a server of this build does.
func open(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestFill_WritesWhatThisBuildReads fills a database with the earlier schema. The store
// migrates it, reads the same heartbeats, and finds nothing inconsistent.
func TestFill_WritesWhatThisBuildReads(t *testing.T) {
	const n = 30
	for name, address := range storetest.AddressesWithoutSchema(t) {
		t.Run(name, func(t *testing.T) {
			ctx, now := context.Background(), time.Now().UTC().Truncate(monitor.Precision)
			var want []monitor.Heartbeat
			for i := range n {
				want = append(want, testHeartbeat(i, now))
				want[i].Key = int64(i) + 1
			}
			if err := bulkload.Fill(ctx, address, n, func(i int) monitor.Heartbeat { return want[i] }); err != nil {
				t.Fatal(err)
			}
			counts, err := bulkload.Count(ctx, address)
			if wanted := (bulkload.Counts{Pings: n, OpenIncidents: 10, Incidents: 10}); err != nil || counts != wanted {
				t.Errorf("counts %+v, %v; want %+v", counts, err, wanted)
			}
			db := open(t, address)
			for _, h := range want {
				var got monitor.Heartbeat
				var incident monitor.Incident
				err := db.View(ctx, func(tx *store.Tx) (err error) {
					if got, err = tx.Heartbeat(bulkload.Project, h.ID); err == nil && h.OpenIncident != "" {
						incident, err = tx.Incident(bulkload.Project, h.OpenIncident)
					}
					return err
				})
				h.Severity, got.Severity = "", "" // the store fills in the default
				h.FlappingAlerts, got.FlappingAlerts = "", ""
				h.History, got.History = monitor.RunHistory{}, monitor.RunHistory{}
				h.FailedRuns, got.FailedRuns = 0, 0 // not stored, as if an older program had written the row
				if diff := cmp.Diff(h, got); diff != "" || err != nil || incident.Heartbeat != h.Key && h.OpenIncident != "" {
					t.Fatalf("heartbeat (-want +got):\n%s%v, incident %+v", diff, err, incident)
				}
			}
			problems, err := db.CheckIntegrity(ctx)
			if err != nil || len(problems) > 0 {
				t.Errorf("inconsistent: %v, %v", problems, err)
			}
			if size, err := bulkload.Size(ctx, address); err != nil || size < 50_000 {
				t.Errorf("size %d, %v", size, err)
			}
		})
	}
}

func TestSetDeadline_MakesTheFirstHeartbeatsDueAtOnce(t *testing.T) {
	for name, address := range storetest.AddressesWithoutSchema(t) {
		t.Run(name, func(t *testing.T) {
			ctx, now := context.Background(), time.Now().UTC().Truncate(monitor.Precision)
			if err := bulkload.Fill(ctx, address, 9, func(i int) monitor.Heartbeat { return testHeartbeat(i, now) }); err != nil {
				t.Fatal(err)
			}
			deadline := now.Add(10 * time.Minute)
			if err := bulkload.SetDeadline(ctx, address, 6, deadline, 5*time.Minute); err != nil {
				t.Fatal(err)
			}
			db := open(t, address)
			var due []monitor.Heartbeat
			err := db.Update(ctx, func(tx *store.Tx) (err error) {
				due, err = tx.DueForEvaluation(deadline, 100)
				return err
			})
			wrong := slices.ContainsFunc(due, func(h monitor.Heartbeat) bool {
				after, change := h.Evaluate(deadline)
				return h.Status != monitor.Up || h.Key > 6 || !h.Deadline().Equal(deadline) || after.Status != monitor.Down || change.Opened == nil
			})
			if err != nil || len(due) != 6 || wrong {
				t.Errorf("%d due, %v: %+v", len(due), err, due)
			}
			if keys, err := bulkload.WithIncident(ctx, address); err != nil || len(keys) != 1 || !keys[7] {
				t.Errorf("incidents of %v, %v; want only of heartbeat 7", keys, err)
			}
		})
	}
}
