package crash_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/client"
)

// heartbeatHistory is the history of a heartbeat in the API, oldest first.
type heartbeatHistory struct {
	heartbeat client.Heartbeat
	pings     []client.Ping
	incidents []client.IncidentDetail
}

// historyOf reads the history of a heartbeat.
func historyOf(t *testing.T, api *client.Client, id string) heartbeatHistory {
	t.Helper()
	h, err := api.Heartbeat(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s := heartbeatHistory{heartbeat: h}
	for p, err := range api.AllPings(t.Context(), id, client.PageQuery{Limit: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		s.pings = append(s.pings, p)
	}
	for i, err := range api.AllIncidents(t.Context(), client.IncidentQuery{Heartbeat: id, PageQuery: client.PageQuery{Limit: 200}}) {
		if err != nil {
			t.Fatal(err)
		}
		detail, err := api.Incident(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.incidents = append(s.incidents, detail)
	}
	slices.Reverse(s.pings)
	slices.Reverse(s.incidents)
	s.verifyOpen(t)
	return s
}

// verifyOpen checks that exactly one incident is open if the heartbeat is down, and
// none otherwise.
func (s heartbeatHistory) verifyOpen(t *testing.T) {
	t.Helper()
	var open []string
	for _, i := range s.incidents {
		if i.ResolvedAt == nil {
			open = append(open, i.ID)
		}
	}
	var want []string
	if s.heartbeat.Status == "down" {
		if s.heartbeat.IncidentID == nil {
			t.Errorf("%s is down without an incident", s.heartbeat.Name)
			return
		}
		want = []string{*s.heartbeat.IncidentID}
	}
	if !slices.Equal(open, want) {
		t.Errorf("%s is %s with the open incidents %q; want %q", s.heartbeat.Name, s.heartbeat.Status, open, want)
	}
}

// timelineEntry is one line of a timeline.
type timelineEntry struct {
	Kind string
	At   time.Time
}

// verifyFailures compares the incidents of a heartbeat with its pings, to the
// microsecond. Only pings can take the heartbeat down.
func (s heartbeatHistory) verifyFailures(t *testing.T) {
	t.Helper()
	var want, got [][]timelineEntry
	for _, p := range s.pings {
		down := len(want) > 0 && want[len(want)-1][len(want[len(want)-1])-1].Kind != "recovered"
		switch {
		case p.Kind == "fail" && !down:
			want = append(want, []timelineEntry{{"opened", p.At}})
		case p.Kind == "fail":
			want[len(want)-1] = append(want[len(want)-1], timelineEntry{"failure", p.At})
		case p.Kind == "success" && down:
			want[len(want)-1] = append(want[len(want)-1], timelineEntry{"recovered", p.At})
		}
	}
	for _, i := range s.incidents {
		var lines []timelineEntry
		for _, e := range i.Timeline {
			if e.Kind != "delivery" {
				lines = append(lines, timelineEntry{e.Kind, e.At})
			}
		}
		got = append(got, lines)
		if i.Cause != "failure" || !i.OpenedAt.Equal(lines[0].At) || (i.ResolvedAt == nil) == (lines[len(lines)-1].Kind == "recovered") {
			t.Errorf("%s: incident %d does not agree with its timeline: %+v", s.heartbeat.Name, i.Number, i)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: the pings imply other incidents (-implied +stored):\n%s", s.heartbeat.Name, diff)
	}
}

// outage is a period without a running server.
type outage struct{ from, to time.Time }

// overlaps reports whether the outage overlaps the time from a to b.
func (s outage) overlaps(a, b time.Time) bool { return !s.to.Before(a) && !s.from.After(b) }

// verifyMissedPings compares the incidents of a heartbeat, whose interval and grace
// period are one second each, with the gaps between its pings. A gap that passes the
// deadline must have one incident, opened at the deadline. Near an outage, the server
// may have moved or skipped the deadline. A shorter gap must have no incident.
func (s heartbeatHistory) verifyMissedPings(t *testing.T, away []outage) {
	t.Helper()
	left := s.incidents
	for n, p := range s.pings {
		due, deadline := p.At.Add(time.Second), p.At.Add(2*time.Second)
		var next *time.Time
		if n+1 < len(s.pings) {
			next = &s.pings[n+1].At
		}
		if next != nil && !next.After(deadline) {
			continue
		}
		excused := slices.ContainsFunc(away, func(a outage) bool { return a.overlaps(due, deadline) })
		here := len(left) > 0 && (next == nil || left[0].OpenedAt.Before(*next))
		switch {
		case !here && !excused:
			t.Errorf("%s: no incident for the gap after ping %d, deadline %s", s.heartbeat.Name, p.N, deadline)
		case here:
			s.verifyMissed(t, left[0], deadline, next, excused)
			left = left[1:]
		}
	}
	for _, i := range left {
		t.Errorf("%s: incident %d at %s is a false alarm or a duplicate", s.heartbeat.Name, i.Number, i.OpenedAt)
	}
}

// verifyMissed checks the incident of one gap.
func (s heartbeatHistory) verifyMissed(t *testing.T, i client.IncidentDetail, deadline time.Time, next *time.Time, excused bool) {
	t.Helper()
	if i.Cause != "missed" || i.OpenedAt.Before(deadline) || (!excused && !i.OpenedAt.Equal(deadline)) {
		t.Errorf("%s: incident %d is %s at %s; want missed at %s", s.heartbeat.Name, i.Number, i.Cause, i.OpenedAt, deadline)
	}
	if (next == nil) != (i.ResolvedAt == nil) || (next != nil && !i.ResolvedAt.Equal(*next)) {
		t.Errorf("%s: incident %d was resolved at %v; want %v", s.heartbeat.Name, i.Number, i.ResolvedAt, next)
	}
}
