package demo

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// now is the time of the data.
var now = time.Date(2026, 3, 18, 10, 20, 0, 0, time.UTC)

// summary contains the values that the tests compare.
type summary struct {
	Statuses   map[monitor.Status]int
	Severities map[monitor.Severity]int
	Schedules  map[string]int
	Incidents  map[monitor.IncidentState]int
	Causes     map[monitor.Cause]int
	Channels   map[string]monitor.ChannelState
	Roles      []string
	Running    int
	Pings      int64
}

// seedDatabase seeds a new database and summarizes it.
func seedDatabase(t *testing.T) (summary, Data, *storetest.Fixture) {
	t.Helper()
	f := storetest.Open(t, filepath.Join(t.TempDir(), "overdue.db"))
	data, err := Seed(t.Context(), f.DB, now, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	s := summary{
		Statuses: map[monitor.Status]int{}, Severities: map[monitor.Severity]int{}, Schedules: map[string]int{},
		Incidents: map[monitor.IncidentState]int{}, Causes: map[monitor.Cause]int{}, Channels: map[string]monitor.ChannelState{},
	}
	f.View(func(tx *store.Tx) error {
		project, err := tx.ProjectBySlugOrName("main")
		if err != nil {
			return err
		}
		heartbeats, err := tx.Heartbeats(store.HeartbeatFilter{Project: project.Key, Limit: 200})
		for _, h := range heartbeats {
			s.addHeartbeat(h)
		}
		if err != nil {
			return err
		}
		incidents, err := tx.Incidents(store.IncidentFilter{Project: project.Key, Limit: 10_000})
		for _, i := range incidents {
			s.Incidents[i.State()]++
			s.Causes[i.Cause]++
		}
		if err != nil {
			return err
		}
		channels, err := tx.Channels(project.Key)
		if err != nil {
			return err
		}
		channels, err = tx.WithHealth(project.Key, channels, now)
		for _, c := range channels {
			s.Channels[c.Name] = c.Health.State
		}
		if err != nil {
			return err
		}
		members, err := tx.Members(project.Key)
		for _, m := range members {
			s.Roles = append(s.Roles, m.Role.String())
		}
		return err
	})
	slices.Sort(s.Roles)
	return s, data, f
}

// addHeartbeat counts one heartbeat.
func (s *summary) addHeartbeat(h monitor.Heartbeat) {
	s.Statuses[h.Status]++
	s.Severities[h.Severity]++
	kind := "interval"
	if h.Rule.Calendar != nil {
		kind = string(h.Rule.Calendar.Kind())
	}
	s.Schedules[kind]++
	if h.Running() {
		s.Running++
	}
	s.Pings += h.PingCount
}

func TestSeed_TheDataContainsEveryKindOfEverything(t *testing.T) {
	got, data, f := seedDatabase(t)
	t.Logf("%+v", got)
	total := 0
	for _, status := range monitor.Statuses {
		if got.Statuses[status] < 2 {
			t.Errorf("%d heartbeats are %s; want at least 2", got.Statuses[status], status)
		}
		total += got.Statuses[status]
	}
	if total != len(jobs) || got.Statuses[monitor.Up] < total/2 {
		t.Errorf("%d heartbeats, %d of them up; want %d, at least half of them up", total, got.Statuses[monitor.Up], len(jobs))
	}
	for _, cause := range []monitor.Cause{monitor.CauseMissed, monitor.CauseFailure, monitor.CauseOverran, monitor.CauseTooShort, monitor.CauseNotStarted} {
		if got.Causes[cause] == 0 {
			t.Errorf("no incident has the cause %s", cause)
		}
	}
	for _, state := range []monitor.IncidentState{monitor.StateOpen, monitor.StateAcknowledged, monitor.StateResolved} {
		if got.Incidents[state] == 0 {
			t.Errorf("no incident is %s", state)
		}
	}
	for _, kind := range []string{"interval", "cron", "oncalendar"} {
		if got.Schedules[kind] < 5 {
			t.Errorf("%d heartbeats have the schedule %s; want at least 5", got.Schedules[kind], kind)
		}
	}
	for _, severity := range []monitor.Severity{monitor.SeverityCritical, monitor.SeverityWarning, monitor.SeverityInfo} {
		if got.Severities[severity] < 10 {
			t.Errorf("%d heartbeats have the severity %s; want at least 10", got.Severities[severity], severity)
		}
	}
	if got.Running < 2 {
		t.Errorf("%d heartbeats are running; want at least 2", got.Running)
	}
	states := map[string]monitor.ChannelState{
		"On-call pager": monitor.ChannelStateWorking, "Operations team": monitor.ChannelStateWorking, "Data team": monitor.ChannelStateWorking,
		"Office chat": monitor.ChannelStateFailing, "Warehouse screen": monitor.ChannelStateRetrying, "Management": monitor.ChannelStateUntested,
	}
	if diff := cmp.Diff(states, got.Channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"admin", "member", "owner", "viewer"}, got.Roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	checkIncident(t, f, data)
	for _, p := range data.Planned {
		if !p.Ping.At.After(now) {
			t.Fatalf("a planned ping is at %s; want after %s", p.Ping.At, now)
		}
	}
}

// checkIncident checks the incident that screenshots show.
func checkIncident(t *testing.T, f *storetest.Fixture, data Data) {
	t.Helper()
	f.View(func(tx *store.Tx) error {
		deliveries, err := tx.Deliveries(data.OpenIncident)
		if err != nil {
			return err
		}
		project, err := tx.ProjectBySlugOrName("main")
		if err != nil {
			return err
		}
		found, err := tx.IncidentsByID(project.Key, []string{data.OpenIncident})
		if err != nil || len(found) != 1 {
			t.Fatalf("incident %q: found %d, %v", data.OpenIncident, len(found), err)
		}
		timeline, err := tx.Timeline(found[0])
		kinds := map[string]bool{}
		for _, e := range timeline {
			kinds[e.Kind] = true
		}
		if len(deliveries) < 3 || !kinds["acknowledged"] || !kinds["note"] {
			t.Errorf("the incident has %d deliveries and a timeline of %v; want an acknowledgement and a note", len(deliveries), kinds)
		}
		return err
	})
}

func TestSeed_TheSameTimeGivesTheSameData(t *testing.T) {
	first, _, _ := seedDatabase(t)
	second, _, _ := seedDatabase(t)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second database differs (-first +second):\n%s", diff)
	}
}

func TestSeed_ABlackoutLeavesSomeRunsUnknownAndIsAnnounced(t *testing.T) {
	_, data, f := seedDatabase(t)
	f.View(func(tx *store.Tx) error {
		all, err := tx.Blackouts(0, 10)
		if err != nil || len(all) != 1 || all[0].Length() != 7*time.Minute {
			t.Fatalf("blackouts %+v, %v", all, err)
		}
		affected, err := tx.AffectedHeartbeats(1, 0, 100)
		unknown := 0
		for _, a := range affected {
			if a.Kind == monitor.BlackoutUnknown {
				unknown++
			}
			if a.ID == data.Unwatched {
				spans, err := tx.RunHistory(store.RunHistoryFilter{Heartbeat: a.Key, Limit: 100})
				if err != nil || !slices.ContainsFunc(spans, func(s monitor.Span) bool { return s.Outcome == monitor.RunUnknown }) {
					t.Errorf("%s has no unknown run: %+v, %v", a.Name, spans, err)
				}
			}
		}
		if unknown < 3 || unknown > 20 || err != nil {
			t.Errorf("%d unknown runs, %v", unknown, err)
		}
		notices, err := tx.BlackoutNotices(1, []int64{1})
		if err != nil || len(notices[1]) < 3 || slices.ContainsFunc(notices[1], func(a monitor.Alert) bool { return a.State == monitor.AlertPending }) {
			t.Errorf("notices %+v, %v", notices, err)
		}
		return nil
	})
	if r, err := f.DB.RecordWatching(t.Context(), now, store.Evidence{}, func(*store.Tx) error { return nil }); err != nil || r.Blackout != nil {
		t.Errorf("the first start after the seed: %+v, %v", r, err)
	}
	if r, err := f.DB.RecordWatching(t.Context(), now.Add(time.Minute), store.Evidence{}, func(*store.Tx) error { return nil }); err != nil || r.Blackout == nil || r.Blackout.Key != 2 {
		t.Errorf("the next blackout: %+v, %v", r, err)
	}
}
