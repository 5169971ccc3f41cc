package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// compare compares what the product decided with the oracle, and fails for each difference.
func (h *history) compare() {
	h.t.Helper()
	now := time.Now().UTC()
	blackouts := h.blackouts()
	h.compareBlackouts(blackouts)
	want := map[string]*oracle{}
	for _, j := range h.jobs {
		h.dateEvents(j)
		want[j.name] = foretell(j.rule, j.events, blackouts, now)
	}
	got := map[string][]monitor.Incident{}
	for _, i := range h.incidents() {
		got[i.HeartbeatName] = append(got[i.HeartbeatName], i)
	}
	for _, j := range h.jobs {
		h.compareIncidents(j, want[j.name].incidents, got[j.name], blackouts, now)
	}
	for _, b := range blackouts {
		h.compareUnknown(b, want)
	}
	h.compareAlerts(blackouts)
}

// dateEvents dates the pings of a job as the product does: when the node read them, or when they
// arrived in the socket of a node that did not run. Each must be stored once, in order.
func (h *history) dateEvents(j *job) {
	var pings []monitor.Ping
	err := h.db.View(context.Background(), func(tx *store.Tx) error {
		heartbeat, err := tx.Heartbeat(h.project, h.ids[j.name])
		if err == nil {
			pings, err = tx.Pings(heartbeat.Key, 0, 1000)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Reverse(pings)
	for i, e := range j.events {
		if e.sent.IsZero() {
			continue // a change by a user
		}
		if len(pings) == 0 || string(pings[0].Kind) != e.what || !pings[0].At.Equal(e.at) && !pings[0].At.Equal(e.sent) {
			h.t.Fatalf("%s: %s of %s was acknowledged; stored next: %+v", j.name, e.what, e.at.Sub(h.start), pings)
		}
		j.events[i].at, pings = pings[0].At, pings[1:]
	}
	if len(pings) > 0 {
		h.t.Fatalf("%s: pings that were not acknowledged: %+v", j.name, pings)
	}
}

// compareBlackouts compares the recorded blackouts with the times without a node that worked.
func (h *history) compareBlackouts(blackouts []monitor.Blackout) {
	left := slices.Clone(blackouts)
	for _, o := range h.outages {
		at := slices.IndexFunc(left, func(b monitor.Blackout) bool {
			from, to := b.From.Sub(o.from), b.To.Sub(o.to)
			return from > -1500*time.Millisecond && from < 200*time.Millisecond && to > -200*time.Millisecond && to < 5500*time.Millisecond
		})
		if at >= 0 {
			left = slices.Delete(left, at, at+1)
		} else if o.to.Sub(o.from) > 4500*time.Millisecond {
			h.t.Errorf("no blackout from %s to %s; recorded %v", o.from.Sub(h.start), o.to.Sub(h.start), h.times(blackouts))
		}
	}
	if len(left) > 0 {
		h.t.Errorf("blackouts without an outage: %v", h.times(left))
	}
}

// times returns blackouts as text.
func (h *history) times(blackouts []monitor.Blackout) (text []string) {
	for _, b := range blackouts {
		text = append(text, fmt.Sprintf("%d %s: %s to %s", b.Key, b.Cause, b.From.Sub(h.start), b.To.Sub(h.start)))
	}
	return text
}

// noticedBy returns by when an incident must be noticed.
func (h *history) noticedBy(opened time.Time, blackouts []monitor.Blackout) time.Time {
	late := slices.Clone(h.disturbs)
	for _, b := range blackouts {
		late = append(late, period{b.From.Add(-2 * time.Second), b.To.Add(2500 * time.Millisecond)})
	}
	by := opened
	for again := true; again; {
		again = false
		for _, p := range late {
			if by.After(p.from) && by.Before(p.to) {
				by, again = p.to, true
			}
		}
	}
	return by.Add(500 * time.Millisecond)
}

// compareIncidents compares the incidents of a heartbeat.
func (h *history) compareIncidents(j *job, want []oracleIncident, got []monitor.Incident, blackouts []monitor.Blackout, now time.Time) {
	show := func(i oracleIncident) string {
		text := fmt.Sprintf("%s at %s", i.cause, i.opened.Sub(h.start))
		if i.how != "" {
			text += fmt.Sprintf(", %s at %s", i.how, i.resolved.Sub(h.start))
		}
		return text
	}
	for n := range max(len(want), len(got)) {
		var w, g string
		if n < len(want) {
			w = show(want[n])
		}
		if n < len(got) {
			i := got[n]
			g = show(oracleIncident{string(i.Cause), i.OpenedAt, i.ResolvedAt, string(i.Resolution)})
			by := h.noticedBy(i.OpenedAt, blackouts)
			for _, e := range j.events {
				if e.what == "edit" && e.at.After(i.OpenedAt) && !e.at.After(i.DetectedAt) {
					by = latest(by, h.noticedBy(e.at, blackouts)) // the new rule opened it
				}
			}
			if i.DetectedAt.After(by) {
				h.t.Errorf("%s: %s was noticed at %s; want by %s", j.name, g, i.DetectedAt.Sub(h.start), by.Sub(h.start))
			}
		} else if h.noticedBy(want[n].opened, blackouts).After(now) {
			continue // it may still be noticed
		}
		if w != g {
			h.t.Errorf("%s: incident %d is %q; want %q; blackouts %v", j.name, n+1, g, w, h.times(blackouts))
			return
		}
	}
}

// compareUnknown compares the heartbeats whose run is unknown because of a blackout.
func (h *history) compareUnknown(b monitor.Blackout, oracles map[string]*oracle) {
	var got, want []string
	err := h.db.View(context.Background(), func(tx *store.Tx) error {
		list, err := tx.AffectedHeartbeats(b.Key, h.project, 100)
		for _, a := range list {
			if a.Kind == monitor.BlackoutUnknown {
				got = append(got, a.Name)
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, j := range h.jobs {
		if oracles[j.name].unknown[b.Key] {
			want = append(want, j.name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		h.t.Errorf("%s: runs of %v are unknown; want %v", h.times([]monitor.Blackout{b}), got, want)
	}
}

// compareAlerts compares the alerts that each channel received with the incidents and blackouts. A
// node that was killed while it sent keeps its claim for a minute.
func (h *history) compareAlerts(blackouts []monitor.Blackout) {
	var diff string
	for range 20 {
		if diff = cmp.Diff(h.expectedAlerts(blackouts), h.receivedAlerts()); diff == "" {
			return
		}
		h.advance(4 * time.Second)
	}
	h.t.Errorf("alerts by channel, event and heartbeat (-want +got):\n%s", diff)
}

// expectedAlerts counts the alerts that each channel must have received.
func (h *history) expectedAlerts(blackouts []monitor.Blackout) map[string]int {
	counts := map[string]int{}
	for _, channel := range []string{"ops", "mail"} {
		for _, i := range h.incidents() {
			opened, resolved := h.isHeld(i)
			if !opened {
				counts[channel+" opened "+i.HeartbeatName]++
			}
			if i.Resolution != "" && !resolved {
				counts[channel+" resolved "+i.HeartbeatName]++
			}
		}
		for _, b := range blackouts {
			if b.To.Sub(b.From) > time.Minute {
				counts[channel+" blackout.noticed "]++
			}
		}
	}
	return counts
}

// isHeld reports whether the opening and the end of an incident are not sent because the heartbeat flaps: a
// history is shorter than the 30 min for which alerts wait. It reads all incidents again for each.
func (h *history) isHeld(incident monitor.Incident) (opened, resolved bool) {
	changes, announced := 0, ""
	held := map[string][2]bool{} // opening and end, by incident
	for _, i := range h.incidents() {
		if i.HeartbeatName != incident.HeartbeatName {
			continue
		}
		if announced != "" {
			held[i.ID] = [2]bool{true, true}
		} else if changes++; changes > 6 {
			announced = i.ID
		}
		switch i.Resolution {
		case "":
		case monitor.ResolvedByPing:
			changes++
			held[i.ID] = [2]bool{held[i.ID][0], announced != ""}
		default: // a user ends the silence
			held[announced] = [2]bool{}
			changes, announced = 0, ""
		}
	}
	return held[incident.ID][0], held[incident.ID][1]
}

// receivedAlerts counts the received alerts, each id once.
func (h *history) receivedAlerts() map[string]int {
	counts, seen := map[string]int{}, map[string]bool{}
	for _, a := range h.receiver.alerts() {
		if !seen[a.channel+a.alert] {
			seen[a.channel+a.alert] = true
			counts[a.channel+" "+strings.TrimPrefix(a.event, "incident.")+" "+a.heartbeat]++
		}
	}
	return counts
}
