package monitor

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// windowsAt sets the windows of a heartbeat, as pairs of minutes.
func windowsAt(pairs ...float64) action {
	return func(s *scenario) {
		s.h = s.h.changeMaintenance(func(m *MaintenanceState) {
			for i := 0; i < len(pairs); i += 2 {
				m.Windows = append(m.Windows, Window{From: epoch.Add(minutes(pairs[i])), To: epoch.Add(minutes(pairs[i+1])), Reason: "upgrade"})
			}
		})
	}
}

// planAt plans all maintenance again.
func planAt(at float64, all ...Maintenance) action {
	return func(s *scenario) {
		now := epoch.Add(minutes(at))
		var c Change
		s.h, c, _ = s.h.WithBlackouts(s.blackouts).PlanMaintenance(all, now, now)
		s.record(c)
	}
}

// once is maintenance of project 1, in minutes.
func once(from, to float64, tags ...string) Maintenance {
	return Maintenance{Project: 1, Scope: MaintenanceScope{All: len(tags) == 0, Tags: tags}, From: epoch.Add(minutes(from)), To: epoch.Add(minutes(to))}
}

func TestMaintenance_OfSilence(t *testing.T) {
	seven := fiveMinuteRule // due at 5, down at 7
	failed := func(m float64) []expectedIncident {
		return []expectedIncident{{Cause: CauseFailure, Opened: minutes(m)}}
	}
	runs := withRule(hourRule, func(r *Rule) { r.MaxRunTime = 30 * time.Minute })
	overran := func(m float64) []expectedIncident {
		return []expectedIncident{{Cause: CauseOverran, Opened: minutes(m)}}
	}
	first := withRule(hourRule, func(r *Rule) { r.ExpectFirstBy = epoch.Add(minutes(30)) })
	runScenarios(t, []scenarioCase{
		{name: "ADeadlineAtItsStartIsExcused", steps: []action{windowsAt(7, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(27) - Precision)}, status: Late},
		{name: "ADeadJobIsDownOnePeriodAfterIt", steps: []action{windowsAt(7, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(30))}, status: Down, incidents: missedAtMinute(27)},
		{name: "ADeadlineBeforeItIsNot", steps: []action{windowsAt(7.1, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(30))}, status: Down, incidents: missedAtMinute(7)},
		{name: "ASlotAtItsEndIsExpected", steps: []action{windowsAt(2, 5), pingAt(PingSuccess, 0), evaluateAt(minutes(30))}, status: Down, incidents: missedAtMinute(7)},
		{name: "APingOneMomentAfterADeadlineInItOpensNothing", steps: []action{windowsAt(6, 20), pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(7)+Precision)}, status: Up},
		{name: "DownBeforeItStaysDown", steps: []action{windowsAt(8, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(40))}, status: Down, incidents: missedAtMinute(7)},
		{name: "AFailureInItIsHeld", steps: []action{windowsAt(1, 20), pingAt(PingSuccess, 0), pingAt(PingFail, minutes(4)), evaluateAt(minutes(20) - Precision)}, status: Up},
		{name: "AFailureThatPersistsOpensAtItsEnd", steps: []action{windowsAt(1, 20), pingAt(PingSuccess, 0), pingAt(PingFail, minutes(4)), evaluateAt(minutes(20))}, status: Down, incidents: failed(20)},
		{name: "ASuccessAtItsEndAnswersTheFailure", steps: []action{windowsAt(1, 20), pingAt(PingFail, minutes(4)), pingAt(PingSuccess, minutes(20)), evaluateAt(minutes(24))}, status: Up},
		{name: "AFailureAtItsEndIsNotHeld", steps: []action{windowsAt(1, 20), pingAt(PingFail, minutes(20))}, status: Down, incidents: failed(20)},
		{name: "AFailureThatEndsAPauseInIt", steps: []action{windowsAt(1, 20), pingAt(PingSuccess, 0), pauseAt(minutes(2)), pingAt(PingFail, minutes(4)), evaluateAt(minutes(30))}, status: Down, incidents: failed(20)},
		{name: "AHeldFailureCountsOnce", rule: withRule(seven, func(r *Rule) { r.AlertAfter = 2 }), steps: []action{windowsAt(1, 20), pingAt(PingFail, minutes(4)), pingAt(PingFail, minutes(8)), evaluateAt(minutes(21))}, status: Up},
		{name: "AndWithTheNextFailureOpens", rule: withRule(seven, func(r *Rule) { r.AlertAfter = 2 }), steps: []action{windowsAt(1, 20), pingAt(PingFail, minutes(4)), pingAt(PingFail, minutes(21))}, status: Down, incidents: failed(21)},
		{name: "AnEditInItKeepsTheFailure", steps: []action{windowsAt(0.5, 0.7, 1, 20), pingAt(PingSuccess, 0), pingAt(PingFail, minutes(4)), changeRuleAt(withRule(seven, func(r *Rule) { r.Grace = time.Hour }), minutes(6)), evaluateAt(minutes(30))}, status: Down, incidents: failed(20)},
		{name: "AnEditAfterItEvaluatesWithIt", steps: []action{windowsAt(8, 20), pingAt(PingSuccess, 0), changeRuleAt(withRule(seven, func(r *Rule) { r.Grace = 10 * time.Minute }), 1), evaluateAt(minutes(21)), changeRuleAt(withRule(seven, func(r *Rule) { r.Grace = 4 * time.Minute }), minutes(22)), evaluateAt(minutes(29) - Precision)}, status: Late},
		{name: "AnEditMakesARunDueThatItExcuses", steps: []action{windowsAt(1, 4), pingAt(PingSuccess, 0), evaluateAt(minutes(4.2)), changeRuleAt(withRule(seven, func(r *Rule) { r.Interval = 3 * time.Minute }), minutes(4.5)), evaluateAt(minutes(6))}, status: Up},
		{name: "ARunThatReachesItsLimitAfterIt", rule: runs, steps: []action{windowsAt(60, 120), start, pingAt(PingStart, minutes(100)), evaluateAt(minutes(200))}, status: Down, incidents: overran(130)},
		{name: "ARunThatReachesItsLimitInItGetsItAgain", rule: runs, steps: []action{windowsAt(60, 120), start, pingAt(PingStart, minutes(50)), evaluateAt(minutes(200))}, status: Down, incidents: overran(150)},
		{name: "ARunThatEndsAfterItIsNoMiss", rule: runs, steps: []action{windowsAt(60, 120), start, pingAt(PingStart, minutes(50)), pingAt(PingSuccess, minutes(130)), evaluateAt(minutes(180))}, status: Up},
		{name: "ARunThatReachesItsLimitBeforeIt", rule: runs, steps: []action{windowsAt(60, 120), start, pingAt(PingStart, minutes(20)), evaluateAt(minutes(200))}, status: Down, incidents: overran(50)},
		{name: "AFirstPingExpectedInIt", rule: first, steps: []action{windowsAt(20, 40), evaluateAt(minutes(300))}, status: Down, incidents: missedAtMinute(40 + 70)},
		{name: "AFirstPingExpectedInTwo", rule: first, steps: []action{windowsAt(20, 40, 100, 140), evaluateAt(minutes(300))}, status: Down, incidents: missedAtMinute(140)},
		{name: "AStartExpectedInIt", rule: withRule(hourRule, func(r *Rule) { r.StartGrace = 5 * time.Minute }), steps: []action{windowsAt(62, 64), start, evaluateAt(minutes(500))}, status: Down, incidents: []expectedIncident{{Cause: CauseNotStarted, Opened: minutes(64 + 65)}}},
		{name: "WithABlackoutInIt", steps: []action{windowsAt(6, 20), pingAt(PingSuccess, 0), blackout(minutes(10), minutes(15)), evaluateAt(minutes(26)), evaluateAt(minutes(40))}, status: Down, incidents: missedAtMinute(27)},
		{name: "WithABlackoutOverItsEnd", steps: []action{windowsAt(6, 20), pingAt(PingSuccess, 0), blackout(minutes(18), minutes(26)), evaluateAt(minutes(40))}, status: Down, incidents: missedAtMinute(33)},
		{name: "WithABlackoutOverItsStart", steps: []action{windowsAt(6, 20), pingAt(PingSuccess, 0), blackout(minutes(5.5), minutes(8)), evaluateAt(minutes(40))}, status: Down, incidents: missedAtMinute(27)},
		{name: "EveryIntervalEndsInOne", rule: withRule(seven, func(r *Rule) { r.Interval = 6 * time.Minute }), steps: []action{windowsAt(5, 8, 10, 15, 16, 22, 23, 29, 30, 36, 37, 43), pingAt(PingSuccess, 0), evaluateAt(minutes(60))}, status: Down, incidents: missedAtMinute(36)},
	})
}

func TestMaintenance_IsNotDueInAWindow(t *testing.T) {
	s := play(t, fiveMinuteRule, windowsAt(6, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(5)))
	if due := s.h.EvaluationDue(); !due.Equal(epoch.Add(minutes(20))) {
		t.Errorf("due at %v; want the end of the window that excuses the run", sinceEpoch(due))
	}
	pingAt(PingFail, minutes(19))(s)
	if due := s.h.EvaluationDue(); !due.Equal(epoch.Add(minutes(20))) {
		t.Errorf("after a failure, due at %v; want the end of the window", sinceEpoch(due))
	}
	late := play(t, withRule(fiveMinuteRule, func(r *Rule) { r.Grace = time.Hour }), windowsAt(6, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(5)))
	if due := late.h.EvaluationDue(); !due.Equal(epoch.Add(minutes(20))) {
		t.Errorf("while Late, due at %v; want the end of the window that excuses the run", sinceEpoch(due))
	}
	blackout(minutes(8), minutes(9))(s)
	s.h = s.h.WithBlackouts(s.blackouts)
	evaluateAt(minutes(10))(s)
	if due := s.h.EvaluationDue(); due.Before(epoch.Add(minutes(20))) {
		t.Errorf("with a blackout in the window, due at %v, again and again", sinceEpoch(due))
	}
}

func TestPlanMaintenance_ChangesOnlyTheFuture(t *testing.T) {
	tagged := func(s *scenario) { s.h.Tags = []string{"db"} }
	untagged := func(s *scenario) { s.h.Tags = nil }
	down := func(m float64) []expectedIncident { return missedAtMinute(m) }
	runScenarios(t, []scenarioCase{
		{name: "Ahead", steps: []action{pingAt(PingSuccess, 0), planAt(1, once(6, 20)), evaluateAt(minutes(60))}, status: Down, incidents: down(27)},
		{name: "AMissBeforeItIsCreatedStays", steps: []action{pingAt(PingSuccess, 0), planAt(10, once(0, 20)), evaluateAt(minutes(60))}, status: Down, incidents: down(7)},
		{name: "EndedEarly", steps: []action{pingAt(PingSuccess, 0), planAt(1, once(6, 60)), planAt(20), evaluateAt(minutes(60))}, status: Down, incidents: down(27)},
		{name: "Extended", steps: []action{pingAt(PingSuccess, 0), planAt(1, once(6, 20)), planAt(19, once(6, 30)), evaluateAt(minutes(60))}, status: Down, incidents: down(37)},
		{name: "DeletedBeforeItsStart", steps: []action{pingAt(PingSuccess, 0), planAt(1, once(6, 60)), planAt(2), evaluateAt(minutes(60))}, status: Down, incidents: down(7)},
		{name: "TheTagIsRemovedInIt", steps: []action{tagged, pingAt(PingSuccess, 0), planAt(1, once(6, 60, "db")), untagged, planAt(20, once(6, 60, "db")), evaluateAt(minutes(60))}, status: Down, incidents: down(27)},
		{name: "TheTagIsAddedInIt", steps: []action{pingAt(PingSuccess, 0), planAt(1, once(2, 20, "db")), tagged, planAt(6, once(2, 20, "db")), evaluateAt(minutes(60))}, status: Down, incidents: down(27)},
		{name: "OneThatOverlapsEndsLast", steps: []action{pingAt(PingSuccess, 0), planAt(1, once(6, 20), once(10, 30)), planAt(12, once(10, 30)), evaluateAt(minutes(60))}, status: Down, incidents: down(37)},
		{name: "AFailureThatArrivedAfterTheEndWasChosenIsNotLost", steps: []action{pingAt(PingSuccess, 0), planAt(1, once(2, 60)), pingAt(PingFail, minutes(20)+Precision), planAt(20), evaluateAt(minutes(30))}, status: Down, incidents: []expectedIncident{{Cause: CauseFailure, Opened: minutes(20) + 2*Precision}}},
	})
	s := play(t, fiveMinuteRule, pingAt(PingSuccess, 0), planAt(1, once(6, 20)))
	if _, _, changed := s.h.PlanMaintenance([]Maintenance{once(6, 20)}, epoch.Add(minutes(10)), epoch.Add(minutes(10))); changed {
		t.Error("planning the same again changes the heartbeat")
	}
}

func TestMaintenance_RunsInItAreExcusedInTheHistory(t *testing.T) {
	for _, c := range []struct {
		name  string
		rule  Rule
		steps []action
		at    float64
		want  []Outcome
	}{
		{"OfADeadJob", fiveMinuteRule, []action{windowsAt(4, 16), pingAt(PingSuccess, 0), evaluateAt(minutes(60))}, 60, []Outcome{RunExcused, RunMissed}},
		{"InProgress", fiveMinuteRule, []action{windowsAt(4, 60), pingAt(PingSuccess, 0), evaluateAt(minutes(30))}, 30, []Outcome{RunExcused}},
		{"WhileDown", fiveMinuteRule, []action{windowsAt(18, 31), pingAt(PingSuccess, 0), evaluateAt(minutes(60))}, 60, []Outcome{RunMissed, RunExcused, RunMissed}},
		{"WhileDownUntilAPing", fiveMinuteRule, []action{windowsAt(18, 31), pingAt(PingSuccess, 0), evaluateAt(minutes(60)), pingAt(PingSuccess, minutes(60))}, 60, []Outcome{RunMissed, RunExcused, RunMissed, RunOnTime}},
		{"AFailure", fiveMinuteRule, []action{windowsAt(4, 16), pingAt(PingSuccess, 0), pingAt(PingFail, minutes(5)), pingAt(PingSuccess, minutes(10))}, 10, []Outcome{RunExcused, RunOnTime}},
		{"ARunInItAfterItsDueTime", fiveMinuteRule, []action{windowsAt(4, 16), pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(6))}, 6, []Outcome{}},
		{"ARunInItAfterItsSlot", withRule(hourCalendar(), func(r *Rule) { r.Grace = time.Hour / 2 }), []action{windowsAt(50, 100), pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(80))}, 80, []Outcome{RunLate}},
		{"APingAfterSomeSlots", fiveMinuteRule, []action{windowsAt(4, 60), pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(23))}, 23, []Outcome{RunExcused, RunOnTime}},
		{"APingAtItsEnd", fiveMinuteRule, []action{windowsAt(4, 23), pingAt(PingSuccess, 0), pingAt(PingSuccess, minutes(23))}, 23, []Outcome{RunExcused, RunOnTime}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := play(t, c.rule, c.steps...)
			got := []Outcome{}
			for _, span := range s.history(minutes(c.at)) {
				if n := len(got); n == 0 || got[n-1] != span.What {
					got = append(got, span.What)
				}
			}
			if len(got) > 0 && got[0] == RunOnTime {
				got = got[1:] // the first ping
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhy_NamesMaintenance(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    float64
		steps []action
		want  string
	}{
		{"InIt", 10, []action{windowsAt(6, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(10))}, "In maintenance until 2026-03-01 00:20:00 UTC (upgrade): runs that are due before are excused."},
		{"WithAFailure", 10, []action{windowsAt(6, 20), pingAt(PingFail, minutes(8))}, "If no run succeeds before 2026-03-01 00:20:00 UTC, an incident opens then."},
		{"Down", 10, []action{windowsAt(8, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(10))}, "the incident stays open until a run succeeds."},
		{"AfterIt", 21, []action{windowsAt(6, 20), pingAt(PingSuccess, 0), evaluateAt(minutes(21))}, "Up: maintenance from 2026-03-01 00:06:00 UTC to 2026-03-01 00:20:00 UTC excused the run that was expected; 2026-03-01 00:20:00 UTC + interval"},
	} {
		if got := play(t, fiveMinuteRule, c.steps...).h.Why(epoch.Add(minutes(c.at))); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}
