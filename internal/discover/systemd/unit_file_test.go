package systemd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnit_IsParsedAsSystemdParsesIt(t *testing.T) {
	u := NewUnit("x.timer", false, "# OnCalendar=no\n; no=no\n[Unit]\nDescription=a=b\n[Timer]\n OnCalendar = Mon \\\n# between\n  03:00\nOnBootSec=5min\n\r\nUnit=a.service\nUnit=b.service\nloose\n",
		"[Timer]\nOnCalendar=\nOnCalendar=hourly\n", "[Timer]\nOnCalendar=Tue Europe/Berlin\n")
	want := map[string][]string{
		"Unit.Description": {"a=b"}, "Timer.OnCalendar": {"hourly", "Tue Europe/Berlin"}, "Timer.Unit": {"a.service", "b.service"},
	}
	if diff := cmp.Diff(want, u.Settings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := NewUnit("x.timer", false, "[Timer]\nOnCalendar=Mon \\\n# between\n  03:00\n").LastValue("Timer.OnCalendar"); strings.Join(strings.Fields(got), " ") != "Mon 03:00" {
		t.Errorf("a continued line reads %q", got)
	}
}
