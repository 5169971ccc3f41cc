package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"overdue/internal/monitor"
)

func TestVariedHeartbeat_HasEveryStatus(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got, seen, up := map[monitor.Status]int{}, map[string]bool{}, map[string]bool{}
	for i := range 1000 {
		h := variedHeartbeat(i, now)
		got[h.Status]++
		if id, err := uuid.Parse(h.ID); err != nil || id.Version() != 4 || seen[h.ID] || len(h.Ref) != 32 {
			t.Fatalf("heartbeat %d: id %q, ref %q, %v", i, h.ID, h.Ref, err)
		}
		if numberOf(h.Name) != i {
			t.Errorf("heartbeat %d: the name %q has the number %d", i, h.Name, numberOf(h.Name))
		}
		seen[h.ID], up[h.ID] = true, h.Status == monitor.Up
		if later, _ := h.Evaluate(now.Add(3 * time.Hour)); later.Status == monitor.Down && h.Status != monitor.Down {
			t.Errorf("heartbeat %d is Down after three hours", i)
		}
	}
	want := map[monitor.Status]int{monitor.Down: 50, monitor.Late: 50, monitor.New: 50, monitor.Paused: 50, monitor.Up: 800}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for k := range pingable(1000) {
		if id := string(appendPingableID(nil, k)); !up[id] {
			t.Errorf("pingable heartbeat %d has the id %s, which is not Up", k, id)
		}
	}
}
