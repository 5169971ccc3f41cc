package app

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestSweep_PingsOfLockedHeartbeatsAreNotJudgedOnPostgreSQL: another session has locked
// many heartbeats when their pings arrive, and until after their deadlines. The pings were in time.
func TestSweep_PingsOfLockedHeartbeatsAreNotJudgedOnPostgreSQL(t *testing.T) {
	onPostgreSQL(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode(), sim.startNode()}
		var names, ids []string
		for i := range 12 {
			name := fmt.Sprint("job ", i)
			sim.addHeartbeat(name, fiveMinuteRule)
			sim.mustPing(nodes[0], name, "")
			names, ids = append(names, name), append(ids, sim.ids[name])
		}
		sim.advance(7*time.Minute - time.Second)
		answers := make(chan int, len(names))
		sim.update(func(tx *store.Tx) error {
			if _, err := tx.HeartbeatsForPings(ids); err != nil {
				return err
			}
			for i, name := range names {
				go func() { answers <- sim.ping(nodes[i%len(nodes)], name, "") }()
			}
			for range 20 {
				sim.advance(200 * time.Millisecond)
				if _, err := tx.HeartbeatsForPings(ids); err != nil { // PostgreSQL ends idle transactions, in real time
					return err
				}
			}
			return nil
		})
		for range names {
			if code := <-answers; code != http.StatusServiceUnavailable {
				t.Errorf("answered %d while the heartbeat was locked; want 503", code)
			}
		}
		sim.advance(5 * time.Second)
		for _, i := range sim.incidents() {
			t.Errorf("%s has an incident: %s", i.HeartbeatName, i.Reason)
		}
		for name, n := range sim.pingCounts() {
			if n != 2 {
				t.Errorf("%s: %d pings are stored; want 2", name, n)
			}
		}
		sim.advance(7 * time.Minute)
		if n := len(sim.incidents()); n != len(names) {
			t.Errorf("%d incidents after all jobs died; want %d", n, len(names))
		}
	})
}

// pingCounts returns the number of stored pings of each heartbeat, by name.
func (sim *simulation) pingCounts() map[string]int64 {
	sim.t.Helper()
	counts := map[string]int64{}
	err := sim.db.View(context.Background(), func(tx *store.Tx) error {
		for name, id := range sim.ids {
			h, err := tx.Heartbeat(sim.project, id)
			if err != nil {
				return err
			}
			counts[name] = h.PingCount
		}
		return nil
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	return counts
}

func TestSweep_ARejectedPingHoldsBackItsHeartbeatOnAllNodes(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode(), sim.startNode()}
		for _, name := range []string{"retries", "does not", "other"} {
			sim.addHeartbeat(name, fiveMinuteRule)
			sim.mustPing(nodes[1], name, "")
		}
		sim.addHeartbeat("short", monitor.Rule{Interval: 20 * time.Second, Grace: 5 * time.Second})
		deadline := time.Now().Add(7 * time.Minute)
		sim.advance(7*time.Minute - 10*time.Second)
		sim.mustPing(nodes[1], "short", "")
		sim.advance(9 * time.Second)
		rejected := time.Now()
		for _, name := range []string{"retries", "does not", "short"} {
			nodes[1].inFlight.Reject(sim.ids[name])
		}
		sim.advance(21 * time.Second)
		sim.mustPing(nodes[0], "retries", "")
		sim.mustPing(nodes[0], "short", "")
		sim.advance(50 * time.Second)
		byName := map[string]time.Duration{} // when each incident was noticed, after its deadline
		for _, i := range sim.incidents() {
			byName[i.HeartbeatName] = i.DetectedAt.Sub(deadline)
		}
		if late, found := byName["short"]; !found || late < 45*time.Second || late > 45*time.Second+250*time.Millisecond {
			t.Errorf("a job that sent its ping again, and died within a minute: %v, noticed after %s; want 45 s", found, late)
		}
		if late, found := byName["other"]; !found || late > 250*time.Millisecond {
			t.Errorf("the incident of another heartbeat: %v, %s late; want within 250ms", found, late)
		}
		if late, found := byName["does not"]; !found || late < time.Minute-deadline.Sub(rejected) || late > time.Minute {
			t.Errorf("the incident of a job that does not send its ping again: %v, after %s; want a minute after the ping", found, late)
		}
		if late, found := byName["retries"]; found {
			t.Errorf("a job whose first ping was rejected has an incident, after %s", late)
		}
		sim.advance(7 * time.Minute)
		for _, i := range sim.incidents() {
			if i.HeartbeatName == "retries" && i.DetectedAt.Sub(i.OpenedAt) > 250*time.Millisecond {
				t.Errorf("the job that sent its ping again died: noticed after %s; want at most 250ms", i.DetectedAt.Sub(i.OpenedAt))
			}
		}
		if n := len(sim.incidents()); n != 4 {
			t.Errorf("%d incidents after all jobs died; want 4", n)
		}
	})
}
