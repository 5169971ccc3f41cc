package systemd

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// installedSettings are the settings of a section in the installed systemd.
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
	// Added after systemd 252. The installed systemd can be older.
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

// Only these settings of a unit can skip a run without a trace.
func TestConditions_FindsThemByName(t *testing.T) {
	count := 0
	for _, name := range installedSettings(t, "Unit") {
		u := NewUnit("x.service", false, "[Unit]\n"+name+"=x\n")
		is := len(u.conditions()) == 1
		if skips := strings.HasPrefix(name, "Condition") || strings.HasPrefix(name, "Assert"); is != skips {
			t.Errorf("%s= is taken for a condition: %v", name, is)
		}
		if notes := u.RunNotes(); is && (len(notes) != 1 || !strings.Contains(notes[0], name+"=") || !strings.Contains(notes[0], "counts as missed")) {
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
