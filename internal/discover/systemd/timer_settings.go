package systemd

import (
	"fmt"
	"slices"
	"strings"
)

// settingUse is how discover uses a setting of the [Timer] section.
type settingUse int

const (
	useStart  settingUse = iota // starts the service: at a time, after an interval, or once
	useDelay                    // delays a start, so it is part of the grace period
	useEvent                    // also starts the service at an unknown time: a note
	useTarget                   // selects the unit to start
	useDefer                    // can skip a start: a note
	useShown                    // is shown, and does not change when a run is expected
	useNone                     // does not change when a run is expected
)

// timerSettings are all settings of systemd.timer(5), up to systemd 258. A test compares them with
// the installed systemd.
var timerSettings = map[string]settingUse{
	"OnCalendar": useStart, "OnActiveSec": useStart, "OnBootSec": useStart, "OnStartupSec": useStart,
	"OnUnitActiveSec": useStart, "OnUnitInactiveSec": useStart,
	"AccuracySec": useDelay, "RandomizedDelaySec": useDelay, "RandomizedOffsetSec": useDelay,
	"OnClockChange": useEvent, "OnTimezoneChange": useEvent,
	"Unit":              useTarget,
	"DeferReactivation": useDefer,
	"Persistent":        useShown,
	"FixedRandomDelay":  useNone, // the delay stays within RandomizedDelaySec=
	"WakeSystem":        useNone, // it wakes up the machine for a run
	"RemainAfterElapse": useNone, // only for timers that do not start again
}

// startSettings are the settings of a timer that systemd resets together.
var startSettings = []string{"Timer.OnCalendar", "Timer.OnActiveSec", "Timer.OnBootSec", "Timer.OnStartupSec", "Timer.OnUnitActiveSec", "Timer.OnUnitInactiveSec"}

// SettingNotes returns a sentence for each setting of a timer that an operator should know:
// settings that add or skip runs, unknown settings, and settings in a section where systemd ignores
// them.
func (u *Unit) SettingNotes() []string {
	var notes []string
	for key := range u.Settings {
		section, name, _ := strings.Cut(key, ".")
		use, known := timerSettings[name]
		switch {
		case strings.HasPrefix(name, "X-"), strings.HasPrefix(section, "X-"): // systemd ignores both
		case section == "Timer" && !known:
			notes = append(notes, fmt.Sprintf("%s= is not a setting that discover knows: check whether it moves the runs", name))
		case section == "Timer" && use == useEvent && IsTrue(u.LastValue(key)):
			notes = append(notes, fmt.Sprintf("%s= also starts it at other times: such a run can hide a missed scheduled run", name))
		case section == "Timer" && use == useDefer && IsTrue(u.LastValue(key)):
			notes = append(notes, fmt.Sprintf("%s= skips the runs that are due while one is still running: they count as missed", name))
		case known && name != "Unit" && section != "Timer":
			notes = append(notes, fmt.Sprintf("%s= is in [%s], where systemd ignores it: it belongs in [Timer]", name, section))
		}
	}
	if all := u.conditions(); len(all) > 0 {
		notes = append(notes, fmt.Sprintf("%s: if a condition does not hold, systemd does not start the timer", strings.Join(all, " ")))
	}
	slices.Sort(notes)
	return notes
}
