package discover

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"overdue/internal/discover/systemd"
)

// unitFromText returns a unit of the system.
func unitFromText(name string, texts ...string) *systemd.Unit {
	return systemd.NewUnit(name, false, texts...)
}

func TestNewTimerJob_HasTheScheduleOfTheTimer(t *testing.T) {
	const service = "[Service]\nType=oneshot\nExecStart=-/opt/backup --all\nExecStart=/opt/other\n"
	for name, c := range map[string]struct {
		timer, service string
		want           Job
	}{
		"a calendar":      {"OnCalendar=*-*-* 3:00\nPersistent=true", service, Job{OnCalendar: []string{"*-*-* 3:00"}, Description: "at 03:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Persistent: true}},
		"a separate zone": {"OnCalendar=hourly\nOnCalendar=Mon 03:30 UTC\nAccuracySec=1us", service, Job{OnCalendar: []string{"hourly", "Mon 03:30 UTC"}, Description: "every hour, Europe/Oslo; at 03:30 on Mondays, UTC", Grace: 8 * time.Minute}},
		"a delay":         {"OnCalendar=daily\nRandomizedDelaySec=12h\nAccuracySec=1h", service, Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: 14 * time.Hour}},
		"an interval":     {"OnBootSec=15min\nOnUnitActiveSec=1d\nOnUnitInactiveSec=2d", service, Job{Interval: 24 * time.Hour, Description: "every 24\u00a0h", Grace: time.Hour + time.Minute}},
		"boot only":       {"OnBootSec=15min", service, Job{Problem: "runs once after the machine or the timer starts, not on a schedule"}},
		"too often":       {"OnUnitActiveSec=100ms", service, Job{Problem: "runs at an interval outside the range of a heartbeat (1 s to 366 d)"}},
		"unreadable":      {"OnUnitActiveSec=soon", service, Job{Problem: "systemd ignores OnUnitActiveSec=soon: it is not a time span"}},
		"no network":      {"OnCalendar=daily", service + "PrivateNetwork=yes\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Problem: "backup.service has no network (PrivateNetwork=)"}},
		"no addresses":    {"OnCalendar=daily", service + "IPAddressDeny=any\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Problem: "backup.service cannot reach every address (IPAddressDeny=)"}},
		"stays":           {"OnCalendar=daily", service + "RemainAfterExit=1\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Problem: "backup.service never ends (RemainAfterExit=), so its runs cannot be distinguished"}},
		"wired":           {"OnCalendar=daily", service + "ExecStopPost=-/bin/curl " + aURL + "/$s\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, HasPing: true}},
	} {
		got := newTimerJob(unitFromText("backup.timer", "[Timer]\n"+c.timer), unitFromText("backup.service", c.service), "Europe/Oslo", noon)
		got.resolveSchedule(noon)
		c.want.Source, c.want.User, c.want.Zone, c.want.Command = "backup.timer", "root", "Europe/Oslo", "/opt/backup --all"
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(Job{}), cmpopts.IgnoreFields(Job{}, "FirstPingBy")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := newTimerJob(unitFromText("x.timer", "[Timer]\nOnCalendar=daily\nUnit=y.target"), nil, "UTC", noon); got.Problem != "y.target is not a service with a unit file" {
		t.Errorf("a timer without a service: %q", got.Problem)
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
		{"OnClockChange=yes", time.Minute, "OnClockChange= also starts it at other times: such a run can hide a missed scheduled run"},
		{"OnTimezoneChange=1\nOnClockChange=no", time.Minute, "OnTimezoneChange= also starts it at other times: such a run can hide a missed scheduled run"},
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
		{"OnUnitActiveSec=2d", time.Minute, ""}, // the calendar is always earlier
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
		"OnBootSec=5min":                             "runs once after the machine or the timer starts, not on a schedule",
		"OnActiveSec=1\nOnClockChange=1":             "runs once after the machine or the timer starts, not on a schedule",
		"OnClockChange=yes":                          "runs when the clock or the time zone changes, not on a schedule",
		"OnTimezoneChange=on":                        "runs when the clock or the time zone changes, not on a schedule",
		"OnCalendar=daily # nightly":                 "systemd ignores OnCalendar=daily # nightly: a comment cannot follow a value",
		"OnCalendar=2020-01-01":                      "has no run in the future: 2020-01-01",
		"OnCalendar=2020-01-01\nOnCalendar=2021-*-*": "has no run in the future: 2020-01-01; 2021-*-*",
		"OnCalendar=daily\nOnCalendar=%H":            "OnCalendar=%H has a specifier that discover does not support",
		"OnCalendar=daily\nOnCalendar=daily CEST":    "OnCalendar=daily CEST: write the time zone as a name such as Europe/Berlin: not every machine knows this abbreviation",
		"OnUnitActiveSec=0":                          "runs at an interval outside the range of a heartbeat (1 s to 366 d)",
	} {
		j := newTimerJob(unitFromText("x.timer", "[Timer]\n"+settings+"\n"), unitFromText("x.service", "[Service]\nExecStart=/x\n"), "UTC", noon)
		j.resolveSchedule(noon)
		if j.Problem != want {
			t.Errorf("%q: %q; want %q", settings, j.Problem, want)
		}
	}
}

// A heartbeat must never expect a run that systemd does not start, and must notice when systemd
// stops starting runs.
func TestNewTimerJob_WithAnIntervalUsesTheLongestGap(t *testing.T) {
	for _, c := range []struct {
		settings, words, notes string
	}{
		{"OnBootSec=5min\nOnUnitActiveSec=6h", "every 6 h", ""},
		{"OnUnitActiveSec=6h", "every 6 h", "starts nothing until x.service has run once, for example by systemctl start: it has an interval and no OnBootSec="},
		{"OnCalendar=daily\nOnUnitActiveSec=6h", "every 6 h", "has OnCalendar= and an interval: the interval of 6 h is used, because the runs of the two cannot be distinguished"},
		{"OnCalendar=Mon..Fri 03:00\nOnUnitActiveSec=2d", "every 2 d", "has OnCalendar= and an interval: the interval of 2 d is used, because the runs of the two cannot be distinguished"},
		{"OnCalendar=Mon..Fri 03:00\nOnUnitActiveSec=3d", "at 03:00 on weekdays, UTC", ""},
		{"OnCalendar=2027-01-01\nOnUnitActiveSec=1w", "every 7 d", "has OnCalendar= and an interval: the interval of 7 d is used, because the runs of the two cannot be distinguished"},
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

func TestNewTimerJob_ReplacesSpecifiers(t *testing.T) {
	j := newTimerJob(unitFromText("copy@daily.timer", "[Timer]\nOnCalendar=%i\n"), unitFromText("copy@daily.service", "[Service]\nUser=%i\nExecStart=/x\n"), "UTC", noon)
	if diff := cmp.Diff([]string{"daily"}, j.OnCalendar); diff != "" || j.User != "daily" {
		t.Errorf("user %s (-want +got):\n%s", j.User, diff)
	}
}

// A job that never succeeds must not stay a new heartbeat, which sends no alert.
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
