package systemd

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// TriggeredUnit returns the unit that a timer starts: Unit=, or the service of the same name. Like
// systemd, it returns the latter if the value of Unit= is not a unit name.
func (u *Unit) TriggeredUnit() string {
	all := u.Settings["Timer.Unit"]
	for i := len(all) - 1; i >= 0; i-- {
		if name, ok := u.Expand(all[i], nameSpecifiers); ok && path.Base(name) == name && path.Ext(name) != ".timer" {
			return name
		}
	}
	return strings.TrimSuffix(u.Name, ".timer") + ".service"
}

// OnCalendarValues returns the OnCalendar= values that systemd obeys. systemd ignores values that
// it cannot parse; ignored says why. unclear is not empty if systemd can run at times that discover
// does not know.
func (u *Unit) OnCalendarValues(zone string) (values, ignored []string, unclear string) {
	for _, value := range u.Settings["Timer.OnCalendar"] {
		expanded, ok := u.Expand(value, TextSpecifiers)
		if !ok {
			unclear = fmt.Sprintf("OnCalendar=%s has a specifier that discover does not support", value)
			continue
		}
		_, err := schedule.OnCalendar([]string{expanded}, zone)
		switch {
		case err == nil:
			values = append(values, expanded)
		case strings.ContainsAny(value, "#;"):
			ignored = append(ignored, fmt.Sprintf("systemd ignores OnCalendar=%s: a comment cannot follow a value", value))
		case strings.ContainsAny(value, `"'`):
			ignored = append(ignored, fmt.Sprintf("systemd ignores OnCalendar=%s: remove the quotes", value))
		case zoneAbbreviationPattern.MatchString(value):
			unclear = fmt.Sprintf("OnCalendar=%s: write the time zone as a name such as Europe/Berlin: not every machine knows this abbreviation", value)
		default:
			ignored = append(ignored, fmt.Sprintf("systemd ignores OnCalendar=%s: %v", value, err))
		}
	}
	return values, ignored, unclear
}

// zoneAbbreviationPattern matches a calendar expression that may end with the abbreviation of a
// time zone. systemd knows only the abbreviations of the zone of the machine.
var zoneAbbreviationPattern = regexp.MustCompile(`[0-9a-z:*] [A-Z]{3,5}$`)

// ShortestInterval returns the shortest interval at which the timer starts its unit, counted from
// the last start or, if fromEnd, from the last end. ignored says what systemd cannot parse.
func (u *Unit) ShortestInterval() (least time.Duration, ok, fromEnd bool, ignored []string) {
	for _, name := range []string{"OnUnitActiveSec", "OnUnitInactiveSec"} {
		for _, value := range u.Settings["Timer."+name] {
			d, err := parseTimeSpan(value)
			if err != nil && value != "infinity" { // it never elapses
				ignored = append(ignored, fmt.Sprintf("systemd ignores %s=%s: it is not a time span", name, value))
			}
			if err != nil {
				continue
			}
			if !ok || d < least {
				least, ok, fromEnd = d, true, name == "OnUnitInactiveSec"
			}
		}
	}
	return least, ok, fromEnd, ignored
}

// StartsByItself reports whether the timer starts its unit without help: an interval alone counts
// from a run that something else must start.
func (u *Unit) StartsByItself() bool {
	return u.Has("Timer.OnBootSec") || u.Has("Timer.OnStartupSec") || u.Has("Timer.OnActiveSec")
}

// NoScheduleProblem returns why a timer without OnCalendar= and without an interval cannot be
// monitored.
func (u *Unit) NoScheduleProblem() string {
	switch {
	case u.StartsByItself():
		return "runs once after the machine or the timer starts, not on a schedule"
	case IsTrue(u.LastValue("Timer.OnClockChange")) || IsTrue(u.LastValue("Timer.OnTimezoneChange")):
		return "runs when the clock or the time zone changes, not on a schedule"
	}
	return "has no setting in [Timer] that starts it, so systemd rejects it"
}

// MaxStartDelay returns how long after its time a run can start.
func (u *Unit) MaxStartDelay() time.Duration {
	sum, ok := u.timeSpan("Timer.AccuracySec")
	if !ok {
		sum = defaultAccuracy
	}
	for _, key := range []string{"Timer.RandomizedDelaySec", "Timer.RandomizedOffsetSec"} {
		more, _ := u.timeSpan(key)
		sum += more
	}
	return sum.Round(time.Second)
}

// defaultAccuracy is the default of systemd.timer(5).
const defaultAccuracy = time.Minute
