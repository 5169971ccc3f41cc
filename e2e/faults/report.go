package main

import (
	"fmt"
	"os"
	"time"

	"overdue/client"
)

// noticeDelay is the maximum time from a deadline to its alert: requests that waited are
// read first.
const noticeDelay = 5 * time.Second

// report prints a row, and reports whether the promises hold.
func (w *world) report(s scenario, begin, end time.Time) (ok bool, err error) {
	byName := map[string]*job{}
	for _, j := range w.crowd.jobs {
		byName[j.name] = j
	}
	var falseAlarms, doubled, notices, late int
	dead := map[string]bool{}
	seen := map[string]bool{}
	var slowest time.Duration
	for _, hook := range w.receiver.webhooks() {
		if seen[hook.AlertID] {
			doubled++
			continue
		}
		seen[hook.AlertID] = true
		switch {
		case hook.Event == "blackout.noticed":
			notices++
		case hook.Event != "incident.opened":
		case !byName[hook.Heartbeat.Name].dies:
			falseAlarms++
			fmt.Fprintf(os.Stderr, "false alarm at %s: %s: %s%s\n", hook.at.Format("15:04:05.0"), hook.Heartbeat.Name, hook.Text,
				byName[hook.Heartbeat.Name].history(hook.at))
		default:
			j := byName[hook.Heartbeat.Name]
			// The last ping of a job can be a retry that arrived after the return.
			from := time.Unix(0, j.lastPing.Load())
			if from.Before(end) {
				from = end
			}
			if hook.at.After(from.Add(j.interval + j.grace + noticeDelay)) {
				late++
			}
			dead[j.name] = true
			slowest = max(slowest, hook.at.Sub(from)-j.interval-j.grace)
		}
	}
	lost, err := w.lost()
	if err != nil {
		return false, err
	}
	wantNotices := 0
	if s.blackout && end.Sub(begin) > time.Minute+5*time.Second {
		wantNotices = 1
	}
	fmt.Printf("| %s | %.0f s | %d of %d | %d | %d | %d of %d, %d not in time, the last %+.1f s from return + interval + grace | %d of %d | %s |\n",
		s.name, end.Sub(begin).Seconds(), falseAlarms, intervalJobs+cronJobs, lost, doubled, len(dead), deadJobs, late, slowest.Seconds(), notices, wantNotices, w.crowd.summary())
	return falseAlarms == 0 && lost == 0 && doubled <= 1 && len(dead) == deadJobs && late == 0 && notices == wantNotices, nil
}

// lost returns the number of acknowledged pings that are not stored.
func (w *world) lost() (lost int64, err error) {
	stored := map[string]int64{}
	for h, err := range w.api.AllHeartbeats(w.ctx, client.HeartbeatQuery{PageQuery: client.PageQuery{Limit: 200}}) {
		if err != nil {
			return 0, fmt.Errorf("heartbeats: %w", err)
		}
		stored[h.Name] = h.PingsCount
	}
	for _, j := range w.crowd.jobs {
		lost += max(0, j.stored.Load()-stored[j.name])
	}
	return lost, nil
}
