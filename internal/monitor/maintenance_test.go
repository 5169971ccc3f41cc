package monitor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// everyDay is maintenance for all heartbeats that starts at a time of each day in a zone.
func everyDay(t *testing.T, line, zone string, length time.Duration) Maintenance {
	t.Helper()
	calendar, err := NewCalendar(Cron, []string{line}, zone)
	if err != nil {
		t.Fatal(err)
	}
	return Maintenance{Scope: MaintenanceScope{All: true}, Calendar: calendar, Length: length}
}

func TestMaintenanceWindows_LastTheirFullLengthAcrossAClockChange(t *testing.T) {
	m := everyDay(t, "30 1 * * *", "Europe/Berlin", 2*time.Hour)
	for _, c := range []struct {
		name string
		day  time.Time
		want []Window
	}{
		{"forward", time.Date(2000, 3, 25, 12, 0, 0, 0, time.UTC), []Window{{From: time.Date(2000, 3, 26, 0, 30, 0, 0, time.UTC), To: time.Date(2000, 3, 26, 2, 30, 0, 0, time.UTC)}}},
		{"back", time.Date(2000, 10, 28, 12, 0, 0, 0, time.UTC), []Window{{From: time.Date(2000, 10, 28, 23, 30, 0, 0, time.UTC), To: time.Date(2000, 10, 29, 1, 30, 0, 0, time.UTC)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := m.Windows(c.day, c.day.Add(24*time.Hour), 10)
			if diff := cmp.Diff(c.want, got, cmp.Comparer(time.Time.Equal)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMaintenanceWindows_AUserEndsTheOneInProgressOnly(t *testing.T) {
	m := everyDay(t, "0 2 * * *", "UTC", time.Hour)
	ended := epoch.Add(2*time.Hour + 20*time.Minute)
	w, _ := m.InProgress(ended)
	m = m.WithEnd(w, ended, ended)
	want := []Window{{From: epoch.Add(2 * time.Hour), To: ended}, {From: epoch.Add(26 * time.Hour), To: epoch.Add(27 * time.Hour)}}
	if diff := cmp.Diff(want, m.Windows(epoch, epoch.Add(48*time.Hour), 10), cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	long := m.WithEnd(w, epoch.Add(6*time.Hour), ended)
	if got, open := long.InProgress(epoch.Add(5 * time.Hour)); !open || !got.From.Equal(epoch.Add(2*time.Hour)) {
		t.Errorf("window %v, %v of one that was extended", got, open)
	}
	once := Maintenance{From: epoch, To: epoch.Add(time.Hour)}.WithEnd(Window{From: epoch, To: epoch.Add(time.Hour)}, epoch, epoch)
	if got := once.Windows(epoch.Add(-time.Hour), epoch.Add(time.Hour), 1); len(got) > 0 {
		t.Errorf("windows %v of one that was ended at its start", got)
	}
}

func TestMaintenanceCovers_HeartbeatsOfItsProjectByTagOrKey(t *testing.T) {
	h := Heartbeat{Key: 7, Project: 1, Tags: []string{"db", "prod"}}
	for _, c := range []struct {
		name string
		m    Maintenance
		want bool
	}{
		{"All", Maintenance{Project: 1, Scope: MaintenanceScope{All: true}}, true},
		{"OneOfItsTags", Maintenance{Project: 1, Scope: MaintenanceScope{Tags: []string{"web", "prod"}}}, true},
		{"AnotherTag", Maintenance{Project: 1, Scope: MaintenanceScope{Tags: []string{"web"}}}, false},
		{"ItsKey", Maintenance{Project: 1, Scope: MaintenanceScope{Heartbeats: []int64{3, 7}}}, true},
		{"AnotherProject", Maintenance{Project: 2, Scope: MaintenanceScope{All: true}}, false},
		{"ATagOfAnotherProject", Maintenance{Project: 2, Scope: MaintenanceScope{Tags: []string{"db"}}}, false},
		{"NoScope", Maintenance{Project: 1}, false},
	} {
		if got := c.m.Covers(h); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMaintenanceCheck_RejectsWindowsThatNeverEnd(t *testing.T) {
	all := MaintenanceScope{All: true}
	daily := func(length time.Duration) Maintenance { return everyDay(t, "0 2 * * *", "UTC", length) }
	stopped := daily(time.Hour)
	stopped.To = epoch.Add(2 * time.Hour)
	for _, c := range []struct {
		name, fault string
		m           Maintenance
	}{
		{"Once", "", Maintenance{Scope: all, From: epoch, To: epoch.Add(time.Minute)}},
		{"TooShort", "between", Maintenance{Scope: all, From: epoch, To: epoch.Add(59 * time.Second)}},
		{"TooLong", "between", Maintenance{Scope: all, From: epoch, To: epoch.Add(MaxMaintenance + time.Second)}},
		{"OfNothing", "Name a tag", Maintenance{From: epoch, To: epoch.Add(time.Hour)}},
		{"Daily", "", daily(24*time.Hour - time.Minute)},
		{"AWholeDayEveryDay", "still be open", daily(24 * time.Hour)},
		{"RecurringTooLong", "between", daily(MaxRecurringLength + time.Hour)},
		{"ThatHasStopped", "no start", stopped},
		{"OnlyOnTheDayOfAClockChange", "still be open", everyDay(t, "0 2 * * *", "Europe/Berlin", 23*time.Hour)},
	} {
		fault := c.m.Check(epoch)
		if (fault != nil) != (c.fault != "") || fault != nil && !strings.Contains(fault.Message, c.fault) {
			t.Errorf("%s: %v, want %q", c.name, fault, c.fault)
		}
	}
}

// drawMaintenance draws maintenance with times in seconds, once or for each of some starts.
func drawMaintenance(t *rapid.T) (Maintenance, []Window) {
	at := func(name string) time.Time { return epoch.Add(seconds(rapid.IntRange(0, 200).Draw(t, name))) }
	m := Maintenance{From: at("from"), To: at("to")}
	if rapid.Bool().Draw(t, "once") {
		return m, []Window{{From: m.From, To: m.To}}
	}
	m.Length = seconds(rapid.IntRange(1, 40).Draw(t, "length"))
	starts := rapid.SliceOfNDistinct(rapid.IntRange(0, 200), 1, 5, rapid.ID[int]).Draw(t, "starts")
	slices.Sort(starts)
	m.Calendar = calendarOf(starts)
	if rapid.Bool().Draw(t, "neverStops") {
		m.To = time.Time{}
	}
	var all []Window
	for _, s := range starts {
		if start := epoch.Add(seconds(s)); !start.Before(m.From) && (m.To.IsZero() || start.Before(m.To)) {
			all = append(all, Window{From: start, To: start.Add(m.Length)})
		}
	}
	if len(all) > 0 && rapid.Bool().Draw(t, "changed") {
		i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
		end := all[i].From.Add(seconds(rapid.IntRange(0, 60).Draw(t, "end")))
		m = m.WithEnd(all[i], end, epoch)
		all[i].To = end
	}
	return m, all
}

// A second of the range is in a window exactly if a window that starts by then has not ended, and
// was not ended by a user.
func TestMaintenanceWindows_AreTheSecondsOfASlowModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, planned := drawMaintenance(t)
		from := rapid.IntRange(0, 250).Draw(t, "begin")
		to := from + rapid.IntRange(1, 100).Draw(t, "range")
		got := m.Windows(epoch.Add(seconds(from)), epoch.Add(seconds(to)), 100)
		merged := MergeWindows(got)
		for i := range merged[min(1, len(merged)):] {
			if !merged[i].To.Before(merged[i+1].From) {
				t.Fatalf("merged windows %v touch", merged)
			}
		}
		in := func(all []Window, at time.Time) bool {
			return slices.ContainsFunc(all, func(w Window) bool { return w.Contains(at) })
		}
		for s := from; s < to; s++ {
			at, want := epoch.Add(seconds(s)), false
			for _, w := range planned {
				want = want || w.Contains(at)
			}
			if in(got, at) != want || in(merged, at) != want {
				t.Fatalf("at %d s: windows %v, merged %v, want %v", s, got, merged, want)
			}
		}
	})
}

func TestMergeWindows_AShortWindowInsideALongOneDoesNotEndIt(t *testing.T) {
	at := func(hour int) time.Time { return epoch.Add(time.Duration(hour) * time.Hour) }
	got := MergeWindows([]Window{{From: at(6), To: at(7)}, {From: at(2), To: at(3)}, {From: at(1), To: at(5)}, {From: at(7), To: at(8)}})
	if diff := cmp.Diff([]Window{{From: at(1), To: at(5)}, {From: at(6), To: at(8)}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
