package present

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/ui"
)

// chartDay is the day of the runs.
var chartDay = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func hour(h float64) time.Time { return chartDay.Add(time.Duration(h * float64(time.Hour))) }

// endOfRun is a ping that ended a run of a length.
func endOfRun(n int64, at float64, took time.Duration) monitor.Ping {
	return monitor.Ping{Number: n, Kind: monitor.PingSuccess, At: hour(at), RunTime: took, HasRunTime: took > 0, ExitCode: 0}
}

func daily(t *testing.T, line string) monitor.Rule {
	t.Helper()
	c, err := monitor.NewCalendar(monitor.Cron, []string{line}, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	return monitor.Rule{Calendar: c, Grace: time.Hour, MaxRunTime: time.Hour}
}

// shortRun contains the values that a test compares.
type shortRun struct {
	Number  int64
	Outcome string
	Due     time.Time
	Took    time.Duration
}

func shortRuns(all []heartbeatview.ChartRun) (short []shortRun) {
	for _, r := range all {
		short = append(short, shortRun{r.Number, r.Outcome, r.Due, r.Took})
	}
	return short
}

func TestChartedRuns_MatchPingsWithTheSlotsTheyCountFor(t *testing.T) {
	failed := endOfRun(9, 12.1, time.Minute)
	failed.Kind, failed.ExitCode = monitor.PingFail, 3
	w := manage.HeartbeatHistory{
		Heartbeat: monitor.Heartbeat{Rule: daily(t, "0 0,3,8,10,11,12,13,14 * * *"), ActiveRuns: []monitor.ActiveRun{{StartedAt: hour(14)}}},
		Spans: []monitor.Span{
			{Outcome: monitor.RunOnTime, First: hour(0), Last: hour(8), Count: 3, LastPing: hour(8.2)},
			{Outcome: monitor.RunMissed, First: hour(10), Last: hour(11), Count: 2},
			{Outcome: monitor.RunFailed, First: hour(12), Last: hour(12), Count: 1, LastPing: hour(12.1)},
			{Outcome: monitor.RunOverran, First: hour(13), Last: hour(13), Count: 1},
		},
		Pings: []monitor.Ping{endOfRun(2, 3.1, time.Minute), endOfRun(4, 5, 0), endOfRun(6, 8.2, 2*time.Minute), failed, endOfRun(12, 15, 2*time.Hour)},
	}
	want := []shortRun{
		{2, heartbeatview.OutcomeOnTime, hour(0), time.Minute},
		{4, heartbeatview.OutcomeOnTime, hour(3), 0},
		{6, heartbeatview.OutcomeOnTime, hour(8), 2 * time.Minute},
		{0, heartbeatview.OutcomeMissed, hour(10), 0},
		{0, heartbeatview.OutcomeMissed, hour(11), 0},
		{9, heartbeatview.OutcomeFailed, hour(12), time.Minute},
		{12, heartbeatview.OutcomeOverran, hour(13), 2 * time.Hour},
		{0, heartbeatview.OutcomeRunning, time.Time{}, 0},
	}
	if diff := cmp.Diff(want, shortRuns(ChartedRuns(w))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestChartedRuns_KeepPingsThatCountForNoRun(t *testing.T) {
	w := manage.HeartbeatHistory{
		Heartbeat: monitor.Heartbeat{Rule: daily(t, "0 3 * * *")},
		Spans:     []monitor.Span{{Outcome: monitor.RunOnTime, First: hour(3), Last: hour(3), Count: 1, LastPing: hour(3.1)}},
		Pings:     []monitor.Ping{endOfRun(1, 3.1, 0), endOfRun(2, 9, time.Second)},
	}
	want := []shortRun{{1, heartbeatview.OutcomeOnTime, hour(3), 0}, {2, heartbeatview.OutcomeExtra, time.Time{}, time.Second}}
	if diff := cmp.Diff(want, shortRuns(ChartedRuns(w))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunChart_ShowsFrequentRunsInOrder(t *testing.T) {
	c := ui.Clock{Now: hour(20)}
	w := manage.HeartbeatHistory{Heartbeat: monitor.Heartbeat{Rule: monitor.Rule{Interval: time.Minute, Grace: time.Minute}}}
	w.Spans = []monitor.Span{{Outcome: monitor.RunMissed, First: hour(0), Last: hour(0).Add(400 * time.Minute), Count: 401}}
	for axis, want := range map[ChartAxis]struct {
		inOrder bool
		runs    int
	}{"": {true, maxOrderedRuns}, ChartRuns: {true, maxOrderedRuns}, ChartDays: {false, maxChartRuns}} {
		m := RunChart(w, axis, heartbeatview.RunStats{}, c)
		if m.InOrder != want.inOrder || len(m.Runs) != want.runs || !m.Runs[len(m.Runs)-1].Due.Equal(hour(0).Add(400*time.Minute)) {
			t.Errorf("axis %q: in order %t, %d runs", axis, m.InOrder, len(m.Runs))
		}
	}
	w.Spans[0].Count, w.Spans[0].Last = 2, hour(1)
	if m := RunChart(w, "", heartbeatview.RunStats{}, c); m.InOrder || len(m.Runs) != 2 {
		t.Errorf("few runs: in order %t, %d runs", m.InOrder, len(m.Runs))
	}
}

func TestRunChart_EveryOutcomeHasAMark(t *testing.T) {
	for _, o := range monitor.Outcomes {
		if chartOutcomes[o] == "" {
			t.Errorf("%s has no mark", o)
		}
	}
}
