package systemd

import "testing"

func TestTriggeredUnit_IsTheUnitThatSystemdStarts(t *testing.T) {
	for _, c := range []struct{ timer, settings, want string }{
		{"x.timer", "", "x.service"},
		{"copy@home.timer", "Unit=copy@%i.service", "copy@home.service"},
		{"copy@home.timer", "", "copy@home.service"},
		{"copy@home.timer", "Unit=run-%j@%i.service", "run-copy@home.service"},
		{"copy@home.timer", "Unit=copy@%I.service", "copy@home.service"}, // %I is not a valid name: the default applies
		{"x.timer", "Unit=a.service\nUnit=other.timer", "a.service"},
		{"x.timer", "Unit=a.service\nUnit=", "x.service"},
		{"x.timer", "Unit=../a.service", "x.service"},
	} {
		if got := NewUnit(c.timer, false, "[Timer]\n"+c.settings+"\n").TriggeredUnit(); got != c.want {
			t.Errorf("%s %q starts %s; want %s", c.timer, c.settings, got, c.want)
		}
	}
}
