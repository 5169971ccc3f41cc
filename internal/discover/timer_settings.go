package discover

import (
	"fmt"
	"slices"
	"strings"
)

// settingUse is how discover treats a setting of the [Timer] section.
type settingUse int

const (
	useStart  settingUse = iota // it starts the service: at a time, after an interval, or once
	useDelay                    // it moves a start to a later time, so it is part of the grace period
	useEvent                    // it starts the service in between, at an unknown time: a note
	useTarget                   // it says which unit is started
	useDefer                    // it can skip a start: a note
	useShown                    // it is shown, and changes nothing about when a run is expected
	useNone                     // it changes nothing about when a run is expected
)

// timerSettings are all settings of systemd.timer(5), up to systemd 258. A test compares
// them with the list of the systemd that is installed.
var timerSettings = map[string]settingUse{
	"OnCalendar": useStart, "OnActiveSec": useStart, "OnBootSec": useStart, "OnStartupSec": useStart,
	"OnUnitActiveSec": useStart, "OnUnitInactiveSec": useStart,
	"AccuracySec": useDelay, "RandomizedDelaySec": useDelay, "RandomizedOffsetSec": useDelay,
	"OnClockChange": useEvent, "OnTimezoneChange": useEvent,
	"Unit":              useTarget,
	"DeferReactivation": useDefer,
	"Persistent":        useShown,
	"FixedRandomDelay":  useNone, // the delay stays within RandomizedDelaySec=
	"WakeSystem":        useNone, // it wakes the machine up for a run
	"RemainAfterElapse": useNone, // it concerns timers that do not start again
}

// startSettings are the settings of a timer that systemd resets together.
var startSettings = []string{"Timer.OnCalendar", "Timer.OnActiveSec", "Timer.OnBootSec", "Timer.OnStartupSec", "Timer.OnUnitActiveSec", "Timer.OnUnitInactiveSec"}

// settingNotes returns a sentence for each setting of a timer that an operator should know
// about: settings that start runs in between or skip them, unknown settings, and settings in
// a section in which systemd ignores them.
func (u *unitFile) settingNotes() []string {
	var notes []string
	for key := range u.settings {
		section, name, _ := strings.Cut(key, ".")
		use, known := timerSettings[name]
		switch {
		case strings.HasPrefix(name, "X-"), strings.HasPrefix(section, "X-"): // systemd ignores both
		case section == "Timer" && !known:
			notes = append(notes, fmt.Sprintf("%s= is not a setting that discover knows: check whether it moves the runs", name))
		case section == "Timer" && use == useEvent && isTrue(u.lastValue(key)):
			notes = append(notes, fmt.Sprintf("%s= also starts it in between: such a run can stand in for a scheduled one", name))
		case section == "Timer" && use == useDefer && isTrue(u.lastValue(key)):
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
