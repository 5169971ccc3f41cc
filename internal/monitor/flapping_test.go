package monitor

import (
	"math/rand/v2"
	"testing"
	"time"
)

var flappingStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// flapChange is a change of a heartbeat, for the second model.
type flapChange struct {
	at             time.Time
	opens, byUser  bool
	muted, sendAll bool
}

// slowFlapping says since when a heartbeat flaps after the last of all changes, zero if it does not. It
// keeps no state, and looks at the whole history again for each change.
func slowFlapping(all []flapChange) (since time.Time, started, total int) {
	first := 0 // of the changes without a pause, a change by a user or a setting that ends the flapping
	for n, c := range all {
		switch {
		case c.byUser:
			first = n + 1
		case n > 0 && !all[n-1].byUser && c.at.Sub(all[n-1].at) >= 30*time.Minute:
			first = n
		}
	}
	began := -1
	for n := first; n < len(all); n++ {
		if all[n].sendAll {
			began = -1
		}
		if began >= 0 || !all[n].opens || all[n].muted || all[n].sendAll {
			continue
		}
		recent := 0
		for k := n; k >= 0 && !all[k].byUser && all[n].at.Sub(all[k].at) < 30*time.Minute; k-- {
			recent++
		}
		if recent > 6 {
			began, since, started = n, all[n].at, min(recent, 30)
		}
	}
	if began < 0 {
		return time.Time{}, 0, 0
	}
	return since, started, started + len(all) - 1 - began
}

func TestAfterChange_AgreesWithTheSlowModel(t *testing.T) {
	flapped := 0
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1))
		at, down := flappingStart, false
		h := Heartbeat{}
		var all []flapChange
		for range 5 + random.IntN(40) {
			at = at.Add([]time.Duration{time.Second, time.Minute, time.Minute, 4 * time.Minute, 5 * time.Minute, 29 * time.Minute, 30 * time.Minute}[min(random.IntN(8), random.IntN(7))])
			c := flapChange{at: at, opens: !down, muted: random.IntN(12) == 0}
			h.MutedUntil, h.FlappingAlerts = time.Time{}, FlappingHold
			if c.muted {
				h.MutedUntil = at.Add(time.Second)
			}
			change := Change{}
			if down {
				reason := ResolvedByPing
				if c.byUser = random.IntN(25) == 0; c.byUser {
					reason = ResolvedByPause
				}
				change.Resolved = &Resolution{Reason: reason, At: at}
			} else {
				if c.sendAll = random.IntN(25) == 0; c.sendAll {
					h.FlappingAlerts = FlappingSend
				}
				change.Opened = &Opening{At: at}
			}
			h.Flapping, down, all = h.AfterChange(change, at), !down, append(all, c)
			since, started, total := slowFlapping(all)
			f := h.Flapping
			if !f.Since.Equal(since) || f.Started != started || f.Total != total {
				t.Fatalf("seed %d: after %d changes since %v, %d at first, %d in all; the model says %v, %d and %d", seed, len(all), f.Since, f.Started, f.Total, since, started, total)
			}
			if !since.IsZero() {
				flapped++
				h.FlappingAlerts, h.MutedUntil = FlappingHold, time.Time{}
				if until := at.Add(30 * time.Minute); !f.Until().Equal(until) || !h.Flaps(until.Add(-Precision)) || h.Flaps(until) {
					t.Fatalf("seed %d: stable at %v; want %v, and no alert waits longer", seed, f.Until(), until)
				}
			}
		}
	}
	if flapped < 1000 {
		t.Errorf("only %d states flapped", flapped)
	}
}

// flappingHeartbeat returns a heartbeat that began to flap at a time.
func flappingHeartbeat(since time.Time) Heartbeat {
	return Heartbeat{Project: 1, AllChannels: true, Flapping: Flapping{Changes: []time.Time{since}, Since: since, Started: 7, Total: 7}}
}

func TestFlappingHolds_OnlyAlertsAboutLaterChanges(t *testing.T) {
	h, now := flappingHeartbeat(flappingStart), flappingStart.Add(time.Minute)
	first, later := Incident{OpenedAt: flappingStart}, Incident{OpenedAt: flappingStart.Add(time.Second)}
	first.ResolvedAt, first.Resolution = flappingStart.Add(time.Second), ResolvedByPing
	earlier := Incident{OpenedAt: flappingStart.Add(-time.Hour), ResolvedAt: flappingStart.Add(-time.Minute), Resolution: ResolvedByPing}
	paused := Incident{OpenedAt: flappingStart, ResolvedAt: flappingStart.Add(time.Second), Resolution: ResolvedByPause}
	for _, row := range []struct {
		name  string
		event Event
		i     Incident
		want  bool
	}{
		{"the opening that announces it", IncidentOpened, first, false},
		{"its reminder", IncidentReminder, first, false},
		{"its recovery", IncidentResolved, first, true},
		{"a later opening", IncidentOpened, later, true},
		{"a later reminder", IncidentReminder, later, true},
		{"a later acknowledgement", IncidentAcknowledged, later, false},
		{"an earlier opening", IncidentOpened, earlier, false},
		{"an earlier recovery", IncidentResolved, earlier, false},
		{"the end by a user", IncidentResolved, paused, false},
		{"late", HeartbeatLate, Incident{}, true},
		{"a test", TestAlert, Incident{}, false},
	} {
		if got := h.FlappingHolds(row.event, row.i, now); got != row.want {
			t.Errorf("%s is held: %t; want %t", row.name, got, row.want)
		}
		if h.FlappingHolds(row.event, row.i, flappingStart.Add(30*time.Minute)) {
			t.Errorf("%s is held when the heartbeat is stable", row.name)
		}
		h.FlappingAlerts = FlappingSend
		if h.FlappingHolds(row.event, row.i, now) {
			t.Errorf("%s is held although the heartbeat sends all alerts", row.name)
		}
		h.FlappingAlerts = ""
	}
	if h.Flaps(flappingStart.Add(-2 * time.Minute)) {
		t.Error("a change in the future holds alerts back: the clock was set back")
	}
}

func TestAlertsFor_FlappingHoldsAlertsUntilTheHeartbeatIsStable(t *testing.T) {
	who := Audience{Channels: []Channel{{ID: "c", Project: 1, NotifyOnRecovery: true, NotifyOnLate: true, RemindEvery: time.Hour}}}
	now := flappingStart.Add(time.Minute)
	h := flappingHeartbeat(flappingStart)
	h.Flapping.Changes = []time.Time{now}
	until := now.Add(30 * time.Minute)
	alerts := h.AlertsFor(Change{Opened: &Opening{At: now}, LateSince: now}, Incident{ID: "i"}, who, now)
	if len(alerts) != 2 || alerts[0].Event != IncidentOpened || !alerts[0].NextAttempt.Equal(until) || !alerts[0].NotBefore.Equal(until) || !alerts[1].NextAttempt.Equal(until.Add(time.Hour)) {
		t.Errorf("alerts %+v; want the opening at %v and its reminder an hour later, and nothing about the late ping", alerts, until)
	}
	both := Change{Opened: &Opening{At: now}, Resolved: &Resolution{Reason: ResolvedByPing, At: now}}
	if alerts := h.AlertsFor(both, Incident{ID: "i"}, who, now); len(alerts) > 0 {
		t.Errorf("alerts %+v about an incident that is over", alerts)
	}
	// The incident that announces the flapping and ends in the same change is announced, and its end waits.
	h.Flapping = Flapping{Changes: []time.Time{now}, Since: flappingStart, Started: 7, Total: 8}
	both.Opened.At = flappingStart
	alerts = h.AlertsFor(both, Incident{ID: "i"}, who, now)
	if len(alerts) != 2 || !alerts[0].NextAttempt.Equal(now) || alerts[1].Event != IncidentResolved || !alerts[1].NextAttempt.Equal(until) {
		t.Errorf("alerts %+v; want the opening now and its end at %v", alerts, until)
	}
	// With a mute, the later end counts.
	for _, row := range []struct{ muted, want time.Time }{{until.Add(time.Hour), until.Add(time.Hour)}, {until.Add(-time.Minute), until}} {
		h.MutedUntil = row.muted
		alerts = h.AlertsFor(Change{Opened: &Opening{At: now}}, Incident{ID: "i"}, who, now)
		if len(alerts) != 2 || !alerts[0].NextAttempt.Equal(row.want) || !alerts[0].Created.Equal(row.want) {
			t.Errorf("muted until %v: alerts %+v; want the opening at %v", row.muted, alerts, row.want)
		}
	}
}
