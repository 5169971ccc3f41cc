package discover

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// installedSettings are the settings of a section that the installed systemd knows.
func installedSettings(t *testing.T, section string) []string {
	t.Helper()
	out, err := exec.Command("/lib/systemd/systemd", "--dump-configuration-items").Output()
	if err != nil {
		t.Fatalf("systemd: %v: install the Debian package systemd", err)
	}
	_, rest, _ := strings.Cut(string(out), "["+section+"]\n")
	rest, _, _ = strings.Cut(rest, "\n[")
	var names []string
	for line := range strings.Lines(rest) {
		if name, _, ok := strings.Cut(line, "="); ok {
			names = append(names, name)
		}
	}
	if len(names) < 10 {
		t.Fatalf("systemd lists %d settings of [%s]:\n%s", len(names), section, out)
	}
	return names
}

func TestTimerSettings_ListsAllSettingsOfSystemd(t *testing.T) {
	names := installedSettings(t, "Timer")
	// Added after systemd 252, which need not be the one that is installed.
	for _, name := range append(names, "DeferReactivation", "RandomizedOffsetSec") {
		if _, known := timerSettings[name]; !known {
			t.Errorf("%s= is not decided", name)
		}
	}
	for name, use := range timerSettings {
		if use == useStart && !slices.Contains(startSettings, "Timer."+name) {
			t.Errorf("%s= is not reset with the others", name)
		}
	}
}

// TestConditions_FindsThemByName: of the settings of a unit, those and only those can
// skip a run without a trace.
func TestConditions_FindsThemByName(t *testing.T) {
	count := 0
	for _, name := range installedSettings(t, "Unit") {
		u := unitFromText("x.service", "[Unit]\n"+name+"=x\n")
		is := len(u.conditions()) == 1
		if skips := strings.HasPrefix(name, "Condition") || strings.HasPrefix(name, "Assert"); is != skips {
			t.Errorf("%s= is taken for a condition: %v", name, is)
		}
		if notes := u.runNotes(); is && (len(notes) != 1 || !strings.Contains(notes[0], name+"=") || !strings.Contains(notes[0], "counts as missed")) {
			t.Errorf("%s= has the notes %q", name, notes)
		}
		if is {
			count++
		}
	}
	if count < 50 {
		t.Errorf("systemd has %d conditions", count)
	}
}

func TestTimerSettings_ChangeTheRunOrAddANote(t *testing.T) {
	for _, c := range []struct {
		settings string
		delay    time.Duration // on top of the grace of an hour
		note     string
	}{
		{"", time.Minute, ""},
		{"AccuracySec=1us", 0, ""},
		{"AccuracySec=10min", 10 * time.Minute, ""},
		{"AccuracySec=10min\nAccuracySec=", time.Minute, ""},
		{"AccuracySec=10min\nAccuracySec=soon", 10 * time.Minute, ""},
		{"RandomizedDelaySec=2h", 2*time.Hour + time.Minute, ""},
		{"RandomizedDelaySec=2h\nFixedRandomDelay=yes", 2*time.Hour + time.Minute, ""},
		{"RandomizedOffsetSec=3h", 3*time.Hour + time.Minute, ""},
		{"RandomizedOffsetSec=3h\nRandomizedDelaySec=1h\nAccuracySec=0", 4 * time.Hour, ""},
		{"Persistent=true\nWakeSystem=true\nRemainAfterElapse=no\nFixedRandomDelay=1", time.Minute, ""},
		{"OnBootSec=5min\nOnActiveSec=1s\nOnStartupSec=3s", time.Minute, ""},
		{"OnClockChange=yes", time.Minute, "OnClockChange= also starts it in between: such a run can stand in for a scheduled one"},
		{"OnTimezoneChange=1\nOnClockChange=no", time.Minute, "OnTimezoneChange= also starts it in between: such a run can stand in for a scheduled one"},
		{"DeferReactivation=yes", time.Minute, "DeferReactivation= skips the runs that are due while one is still running: they count as missed"},
		{"DeferReactivation=no", time.Minute, ""},
		{"OnMoon=full", time.Minute, "OnMoon= is not a setting that discover knows: check whether it moves the runs"},
		{"X-Mine=1", time.Minute, ""},
		{"[Unit]\nOnCalendar=hourly", time.Minute, "OnCalendar= is in [Unit], where systemd ignores it: it belongs in [Timer]"},
		{"[Install]\nUnit=x\n[X-Own]\nPersistent=yes", time.Minute, ""},
		{"[Unit]\nConditionACPower=true\nAssertPathExists=/x", time.Minute, "AssertPathExists= ConditionACPower=: if a condition does not hold, systemd does not start the timer"},
		{"OnCalendar=soon", time.Minute, "systemd ignores OnCalendar=soon: "},
		{"OnCalendar=hourly # nightly", time.Minute, "systemd ignores OnCalendar=hourly # nightly: a comment cannot follow a value"},
		{"OnCalendar=hourly ; nightly", time.Minute, "systemd ignores OnCalendar=hourly ; nightly: a comment cannot follow a value"},
		{`OnCalendar="hourly"`, time.Minute, `systemd ignores OnCalendar="hourly": remove the quotes`},
		{"OnUnitActiveSec=a while", time.Minute, "systemd ignores OnUnitActiveSec=a while: it is not a time span"},
		{"OnUnitActiveSec=infinity", time.Minute, ""},
		{"OnUnitActiveSec=2d", time.Minute, ""}, // the calendar is always sooner
	} {
		j := newTimerJob(unitFromText("x.timer", "[Timer]\nOnCalendar=daily\n"+c.settings+"\n"), unitFromText("x.service", "[Service]\nType=oneshot\nExecStart=/x\n"), "UTC", noon)
		j.resolveSchedule(noon)
		notes := strings.Join(j.origin.notes, "; ")
		if !j.Watchable() || j.Description != "at 00:00 every day, UTC" || j.Grace != time.Hour+c.delay {
			t.Errorf("%q: %q, %s, grace %s; want open, daily, %s on top of 1 h", c.settings, j.Problem, j.Description, j.Grace, c.delay)
		}
		if (c.note == "") != (notes == "") || !strings.HasPrefix(notes, c.note) {
			t.Errorf("%q has the notes %q; want %q", c.settings, notes, c.note)
		}
	}
}

func TestNewTimerJob_WithoutAScheduleHasAReason(t *testing.T) {
	for settings, want := range map[string]string{
		"":                                           "has no setting in [Timer] that starts it, so systemd rejects it",
		"Persistent=yes":                             "has no setting in [Timer] that starts it, so systemd rejects it",
		"OnCalendar=daily\nOnBootSec=":               "has no setting in [Timer] that starts it, so systemd rejects it",
		"[Unit]\nOnCalendar=daily":                   "has no setting in [Timer] that starts it, so systemd rejects it",
		"OnBootSec=5min":                             "runs once after the machine or the timer starts, on no schedule",
		"OnActiveSec=1\nOnClockChange=1":             "runs once after the machine or the timer starts, on no schedule",
		"OnClockChange=yes":                          "runs when the clock or the time zone changes, on no schedule",
		"OnTimezoneChange=on":                        "runs when the clock or the time zone changes, on no schedule",
		"OnCalendar=daily # nightly":                 "systemd ignores OnCalendar=daily # nightly: a comment cannot follow a value",
		"OnCalendar=2020-01-01":                      "has no run in the future: 2020-01-01",
		"OnCalendar=2020-01-01\nOnCalendar=2021-*-*": "has no run in the future: 2020-01-01; 2021-*-*",
		"OnCalendar=daily\nOnCalendar=%H":            "OnCalendar=%H has a specifier that discover does not know",
		"OnCalendar=daily\nOnCalendar=daily CEST":    "OnCalendar=daily CEST: write the time zone as a name such as Europe/Berlin: not every machine knows this abbreviation",
		"OnUnitActiveSec=0":                          "runs at an interval that no heartbeat can have: 1 s to 366 d",
	} {
		j := newTimerJob(unitFromText("x.timer", "[Timer]\n"+settings+"\n"), unitFromText("x.service", "[Service]\nExecStart=/x\n"), "UTC", noon)
		j.resolveSchedule(noon)
		if j.Problem != want {
			t.Errorf("%q: %q; want %q", settings, j.Problem, want)
		}
	}
}

// TestNewTimerJob_WithAnIntervalUsesTheLongestGap: a heartbeat must never expect a
// run that systemd does not start, nor miss that systemd has stopped starting them.
func TestNewTimerJob_WithAnIntervalUsesTheLongestGap(t *testing.T) {
	for _, c := range []struct {
		settings, words, notes string
	}{
		{"OnBootSec=5min\nOnUnitActiveSec=6h", "every 6 h", ""},
		{"OnUnitActiveSec=6h", "every 6 h", "starts nothing until x.service has run once, for example by systemctl start: it has an interval and no OnBootSec="},
		{"OnCalendar=daily\nOnUnitActiveSec=6h", "every 6 h", "has OnCalendar= and an interval: the interval of 6 h is watched, because the runs of the two cannot be told apart"},
		{"OnCalendar=Mon..Fri 03:00\nOnUnitActiveSec=2d", "every 2 d", "has OnCalendar= and an interval: the interval of 2 d is watched, because the runs of the two cannot be told apart"},
		{"OnCalendar=Mon..Fri 03:00\nOnUnitActiveSec=3d", "at 03:00 on weekdays, UTC", ""},
		{"OnCalendar=2027-01-01\nOnUnitActiveSec=1w", "every 7 d", "has OnCalendar= and an interval: the interval of 7 d is watched, because the runs of the two cannot be told apart"},
		{"OnCalendar=soon\nOnBootSec=1\nOnUnitActiveSec=1h", "every 1 h", "systemd ignores OnCalendar=soon: "},
		{"OnBootSec=1\nOnUnitInactiveSec=30min", "every 30 min", "OnUnitInactiveSec= counts from the end of a run, so the grace period must be longer than a run; 1 h is assumed"},
	} {
		j := newTimerJob(unitFromText("x.timer", "[Timer]\n"+c.settings+"\n"), unitFromText("x.service", "[Service]\nExecStart=/x\n"), "UTC", noon)
		j.resolveSchedule(noon)
		notes := strings.ReplaceAll(strings.Join(j.origin.notes, "; "), "\u00a0", " ")
		if words := strings.ReplaceAll(j.Description, "\u00a0", " "); words != c.words || !strings.HasPrefix(notes, c.notes) || (c.notes == "") != (notes == "") || !j.Watchable() {
			t.Errorf("%q: %s, %q, notes %q; want %s, %q", c.settings, words, j.Problem, notes, c.words, c.notes)
		}
	}
	for limit, want := range map[string]time.Duration{"": time.Hour, "RuntimeMaxSec=2h": 2 * time.Hour, "Type=oneshot\nTimeoutStartSec=3h": 3 * time.Hour, "TimeoutStartSec=3h": time.Hour} {
		j := newTimerJob(unitFromText("x.timer", "[Timer]\nOnBootSec=1\nAccuracySec=0\nOnUnitInactiveSec=30min\n"), unitFromText("x.service", "[Service]\nExecStart=/x\n"+limit+"\n"), "UTC", noon)
		j.resolveSchedule(noon)
		if got := j.Grace - 8*time.Minute; got != want {
			t.Errorf("%q: %s for a run; want %s", limit, got, want)
		}
	}
}

func TestExpand_ReplacesSpecifiersOfTheUnitName(t *testing.T) {
	for _, c := range []struct{ unit, value, name, text string }{
		{"copy@home.timer", "copy@%i.service", "copy@home.service", "copy@home.service"},
		{"copy@home-al.timer", "%p-%i-%n-%N-%j", "copy-home-al-copy@home-al.timer-copy@home-al-copy", "copy-home-al-copy@home-al.timer-copy@home-al-copy"},
		{`a-b\x2dc@x-y\x40z.timer`, "%I %P %J %j", "", `x/y@z a/b-c b-c b\x2dc`},
		{"plain-one.timer", "%p|%j|%i|%N", "plain-one|one||plain-one", "plain-one|one||plain-one"},
		{"a.b@1.2.timer", "%N %i", "a.b@1.2 1.2", "a.b@1.2 1.2"},
		{"x.timer", "100%%", "100%", "100%"},
		{"x.timer", "%H", "", ""},
		{"x.timer", "end%", "", ""},
		{`x@\x2.timer`, "%I", "", `\x2`},
	} {
		u := unitFromText(c.unit)
		if got, ok := u.expand(c.value, nameSpecifiers); got != c.name && ok {
			t.Errorf("%s: %q is %q in a name; want %q", c.unit, c.value, got, c.name)
		}
		if got, ok := u.expand(c.value, textSpecifiers); ok != (c.text != "") || got != c.text && ok {
			t.Errorf("%s: %q is %q, %v; want %q", c.unit, c.value, got, ok, c.text)
		}
	}
}

func TestTriggeredUnit_IsTheUnitThatSystemdStarts(t *testing.T) {
	for _, c := range []struct{ timer, settings, want string }{
		{"x.timer", "", "x.service"},
		{"copy@home.timer", "Unit=copy@%i.service", "copy@home.service"},
		{"copy@home.timer", "", "copy@home.service"},
		{"copy@home.timer", "Unit=run-%j@%i.service", "run-copy@home.service"},
		{"copy@home.timer", "Unit=copy@%I.service", "copy@home.service"}, // %I is no name: the default
		{"x.timer", "Unit=a.service\nUnit=other.timer", "a.service"},
		{"x.timer", "Unit=a.service\nUnit=", "x.service"},
		{"x.timer", "Unit=../a.service", "x.service"},
	} {
		if got := unitFromText(c.timer, "[Timer]\n"+c.settings+"\n").triggeredUnit(); got != c.want {
			t.Errorf("%s %q starts %s; want %s", c.timer, c.settings, got, c.want)
		}
	}
	j := newTimerJob(unitFromText("copy@daily.timer", "[Timer]\nOnCalendar=%i\n"), unitFromText("copy@daily.service", "[Service]\nUser=%i\nExecStart=/x\n"), "UTC", noon)
	if diff := cmp.Diff([]string{"daily"}, j.OnCalendar); diff != "" || j.User != "daily" {
		t.Errorf("user %s (-want +got):\n%s", j.User, diff)
	}
}

// TestResolveSchedule_ExpectsTheFirstPingByTheSecondRun: a job that never succeeds must not stay a
// new heartbeat, which sends no alert.
func TestResolveSchedule_ExpectsTheFirstPingByTheSecondRun(t *testing.T) {
	for settings, want := range map[string]time.Time{
		"OnCalendar=*-*-* 13:00":          time.Date(2026, 3, 5, 14, 1, 0, 0, time.UTC),
		"OnCalendar=hourly":               time.Date(2026, 3, 4, 14, 16, 0, 0, time.UTC),
		"OnBootSec=1\nOnUnitActiveSec=2h": time.Date(2026, 3, 4, 16, 31, 0, 0, time.UTC),
		"OnCalendar=2026-12-24 18:00":     time.Date(2026, 12, 24, 19, 1, 0, 0, time.UTC),
		"OnBootSec=1":                     {},
		"OnCalendar=daily\nOnCalendar=%H": {},
	} {
		j := newTimerJob(unitFromText("x.timer", "[Timer]\n"+settings+"\n"), unitFromText("x.service", "[Service]\nExecStart=/x\n"), "UTC", noon)
		j.resolveSchedule(noon)
		if !j.FirstPingBy.Equal(want) {
			t.Errorf("%q: %s; want %s", settings, j.FirstPingBy, want)
		}
	}
}
