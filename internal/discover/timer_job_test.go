package discover

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func unitFromText(name string, texts ...string) *unitFile {
	u := &unitFile{name: name, settings: map[string][]string{}}
	for _, text := range texts {
		u.parse(text)
	}
	return u
}

func TestUnitFile_IsParsedAsSystemdParsesIt(t *testing.T) {
	u := unitFromText("x.timer", "# OnCalendar=no\n; no=no\n[Unit]\nDescription=a=b\n[Timer]\n OnCalendar = Mon \\\n# between\n  03:00\nOnBootSec=5min\n\r\nUnit=a.service\nUnit=b.service\nloose\n",
		"[Timer]\nOnCalendar=\nOnCalendar=hourly\n", "[Timer]\nOnCalendar=Tue Europe/Berlin\n")
	want := map[string][]string{
		"Unit.Description": {"a=b"}, "Timer.OnCalendar": {"hourly", "Tue Europe/Berlin"}, "Timer.Unit": {"a.service", "b.service"},
	}
	if diff := cmp.Diff(want, u.settings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := unitFromText("x.timer", "[Timer]\nOnCalendar=Mon \\\n# between\n  03:00\n").lastValue("Timer.OnCalendar"); strings.Join(strings.Fields(got), " ") != "Mon 03:00" {
		t.Errorf("a continued line reads %q", got)
	}
}

func TestNewTimerJob_HasTheScheduleOfTheTimer(t *testing.T) {
	const service = "[Service]\nType=oneshot\nExecStart=-/opt/backup --all\nExecStart=/opt/other\n"
	for name, c := range map[string]struct {
		timer, service string
		want           Job
	}{
		"a calendar":        {"OnCalendar=*-*-* 3:00\nPersistent=true", service, Job{OnCalendar: []string{"*-*-* 3:00"}, Description: "at 03:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Persistent: true}},
		"a zone of its own": {"OnCalendar=hourly\nOnCalendar=Mon 03:30 UTC\nAccuracySec=1us", service, Job{OnCalendar: []string{"hourly", "Mon 03:30 UTC"}, Description: "every hour, Europe/Oslo; at 03:30 on Mondays, UTC", Grace: 8 * time.Minute}},
		"a delay":           {"OnCalendar=daily\nRandomizedDelaySec=12h\nAccuracySec=1h", service, Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: 14 * time.Hour}},
		"an interval":       {"OnBootSec=15min\nOnUnitActiveSec=1d\nOnUnitInactiveSec=2d", service, Job{Interval: day, Description: "every 24\u00a0h", Grace: time.Hour + time.Minute}},
		"boot only":         {"OnBootSec=15min", service, Job{Problem: "runs once after the machine or the timer starts, on no schedule"}},
		"too often":         {"OnUnitActiveSec=100ms", service, Job{Problem: "runs at an interval that no heartbeat can have: 1 s to 366 d"}},
		"unreadable":        {"OnUnitActiveSec=soon", service, Job{Problem: "systemd ignores OnUnitActiveSec=soon: it is not a time span"}},
		"no network":        {"OnCalendar=daily", service + "PrivateNetwork=yes\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Problem: "backup.service has no network (PrivateNetwork=)"}},
		"no addresses":      {"OnCalendar=daily", service + "IPAddressDeny=any\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Problem: "backup.service may not reach every address (IPAddressDeny=)"}},
		"stays":             {"OnCalendar=daily", service + "RemainAfterExit=1\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, Problem: "backup.service never ends (RemainAfterExit=), so its runs cannot be told apart"}},
		"wired":             {"OnCalendar=daily", service + "ExecStopPost=-/bin/curl " + aURL + "/$s\n", Job{OnCalendar: []string{"daily"}, Description: "at 00:00 every day, Europe/Oslo", Grace: time.Hour + time.Minute, HasPing: true}},
	} {
		got := newTimerJob(unitFromText("backup.timer", "[Timer]\n"+c.timer), unitFromText("backup.service", c.service), "Europe/Oslo", noon)
		got.resolveSchedule(noon)
		c.want.Source, c.want.User, c.want.Zone, c.want.Command = "backup.timer", "root", "Europe/Oslo", "/opt/backup --all"
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(Job{}), cmpopts.IgnoreFields(Job{}, "FirstBy")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := newTimerJob(unitFromText("x.timer", "[Timer]\nOnCalendar=daily\nUnit=y.target"), nil, "UTC", noon); got.Problem != "y.target is not a service whose file was found" {
		t.Errorf("a timer without a service: %q", got.Problem)
	}
}
