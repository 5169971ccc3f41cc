package present

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/heartbeatview"
)

// gaps adds blackouts at these minutes to a log with these events, and returns the kinds of its lines.
func gaps(l heartbeatview.EventLog, until time.Time, minutes ...int) (kinds []string) {
	var all []manage.HeartbeatBlackout
	for _, m := range minutes {
		b := manage.HeartbeatBlackout{Effect: monitor.BlackoutEffect{Kind: monitor.BlackoutUnknown}}
		b.From, b.To = minute(m), minute(m).Add(30*time.Second)
		all = append(all, b)
	}
	AddBlackouts(&l, all, until)
	for _, e := range l.Events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func minute(n int) time.Time { return time.Date(2026, 3, 1, 12, n, 0, 0, time.UTC) }

func TestAddBlackouts_EachIsOnOnePageOfTheLog(t *testing.T) {
	events := []heartbeatview.Event{{Kind: "success", At: minute(30)}, {Kind: "fail", At: minute(20)}}
	for name, test := range map[string]struct {
		log   heartbeatview.EventLog
		until time.Time
		want  []string
	}{
		"the only page":   {heartbeatview.EventLog{}, time.Time{}, []string{"gap", "success", "gap", "fail", "gap"}},
		"the newest page": {heartbeatview.EventLog{OlderPath: "/older"}, time.Time{}, []string{"gap", "success", "gap", "fail"}},
		"a middle page":   {heartbeatview.EventLog{OlderPath: "/older", IsOlderPage: true}, minute(45), []string{"gap", "success", "gap", "fail"}},
		"the oldest page": {heartbeatview.EventLog{IsOlderPage: true}, minute(35), []string{"success", "gap", "fail", "gap"}},
		"a day":           {heartbeatview.EventLog{Day: minute(15)}, minute(35), []string{"success", "gap", "fail"}},
	} {
		test.log.Events = slices.Clone(events)
		if got := gaps(test.log, test.until, 40, 25, 10); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v; want %v", name, got, test.want)
		}
	}
	if got := gaps(heartbeatview.EventLog{}, time.Time{}, 40); !slices.Equal(got, []string{"gap"}) {
		t.Errorf("without events: %v", got)
	}
}

func TestLogEnd_IsTheTimeOfTheEventAfterThePage(t *testing.T) {
	pings := []monitor.Ping{{Number: 4, At: minute(4)}, {Number: 6, At: minute(6)}}
	for before, want := range map[int64]time.Time{0: {}, 4: minute(4), 5: minute(6), 7: {}} {
		if got := LogEnd(pings, before); !got.Equal(want) {
			t.Errorf("before %d: %s; want %s", before, got, want)
		}
	}
}

func TestBlackoutStats_CountOnlyTheTimeSinceTheStart(t *testing.T) {
	blackout := func(key int64, from, to int, unknown int) manage.Blackout {
		b := manage.Blackout{Counts: map[monitor.BlackoutEffectKind]int{monitor.BlackoutUnknown: unknown}}
		b.Key, b.From, b.To = key, minute(from), minute(to)
		return b
	}
	s, marks := BlackoutStats([]manage.Blackout{blackout(2, 40, 45, 1), blackout(1, 10, 25, 2)}, minute(20))
	if s.Count != 2 || s.Total != 10*time.Minute || s.Longest != 5*time.Minute || s.Unknown != 3 || !s.Last.Equal(minute(45)) {
		t.Errorf("%+v", s)
	}
	if len(marks) != 2 || marks[0].Number != 1 || !marks[0].From.Equal(minute(20)) {
		t.Errorf("marks %+v", marks)
	}
}
