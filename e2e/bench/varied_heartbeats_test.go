package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
)

func TestWithStatus_GivesEveryStatus(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got := map[monitor.Status]int{}
	for i := range 1000 {
		h := variedHeartbeat(i, 1, now)
		for _, j := range withStatus(i, h, now) {
			h = j.Heartbeat
		}
		h, _ = h.Evaluate(now)
		got[h.Status]++
	}
	want := map[monitor.Status]int{monitor.Down: 50, monitor.Late: 50, monitor.New: 50, monitor.Paused: 50, monitor.Up: 800}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}
