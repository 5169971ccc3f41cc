package discover

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// defaultAccuracy is that of systemd.timer(5).
const defaultAccuracy = time.Minute

// triggeredUnit returns the unit that a timer starts: Unit=, or the service of the same name.
// Like systemd, it returns the latter if the value of Unit= is not a unit name.
func (u *unitFile) triggeredUnit() string {
	all := u.settings["Timer.Unit"]
	for i := len(all) - 1; i >= 0; i-- {
		if name, ok := u.expand(all[i], nameSpecifiers); ok && path.Base(name) == name && path.Ext(name) != ".timer" {
			return name
		}
	}
	return strings.TrimSuffix(u.name, ".timer") + ".service"
}

// newTimerJob makes a job of a timer and the service that it starts, which is nil if
// there is none.
func newTimerJob(timer, service *unitFile, zone string, now time.Time) Job {
	j := Job{Source: timer.name, Zone: zone, User: "root"}
	j.origin.unit = &unitFile{userManager: timer.userManager}
	j.origin.notes = timer.settingNotes()
	j.Problem = j.setTimerSchedule(timer, service, now)
	j.origin.maxDelay += timer.maxStartDelay()
	if service == nil || service.masked {
		j.Command = timer.triggeredUnit()
		reason := " is not a service whose file was found"
		if service != nil {
			reason = " is masked, so systemd does not start it"
		}
		j.Problem = firstNonEmpty(j.Problem, timer.triggeredUnit()+reason)
		return j
	}
	j.origin.unit = service
	j.Command = strings.TrimLeft(firstNonEmpty(service.settings["Service.ExecStart"]...), "@-:+!|")
	if user, ok := service.expand(service.lastValue("Service.User"), textSpecifiers); ok {
		j.User = firstNonEmpty(user, j.User)
	}
	j.HasPing = pingPattern.MatchString(service.text)
	j.Problem = firstNonEmpty(j.Problem, service.pingProblem())
	if j.Problem == "" {
		j.origin.notes = append(j.origin.notes, service.runNotes()...)
	}
	return j
}

// setTimerSchedule gives the job the schedule of its timer, or returns why it has none.
func (j *Job) setTimerSchedule(timer, service *unitFile, now time.Time) string {
	calendars, ignored, unclear := timer.onCalendarValues(firstNonEmpty(j.Zone, "UTC"))
	if unclear != "" {
		return unclear
	}
	interval, repeats, fromEnd, unreadable := timer.shortestInterval()
	ignored = append(ignored, unreadable...)
	if len(calendars) == 0 && !repeats {
		return firstNonEmpty(append(ignored, timer.noScheduleProblem())...)
	}
	for _, note := range ignored {
		j.addNote("%s", note)
	}
	longest, runs := longestGap(calendars, firstNonEmpty(j.Zone, "UTC"), now)
	switch {
	case repeats && (interval < time.Second || interval > 366*day):
		return "runs at an interval that no heartbeat can have: 1 s to 366 d"
	case !repeats && !runs:
		return "has no run in the future: " + strings.Join(calendars, "; ")
	case !repeats || interval >= longest:
		j.OnCalendar = calendars
		j.Persistent = isTrue(timer.lastValue("Timer.Persistent"))
		return ""
	}
	j.Interval = interval.Truncate(time.Second)
	if len(calendars) > 0 {
		j.addNote("has OnCalendar= and an interval: the interval of %s is watched, because the runs of the two cannot be told apart", formatDuration(j.Interval))
	} else if !timer.startsByItself() {
		j.addNote("starts nothing until %s has run once, for example by systemctl start: it has an interval and no OnBootSec=", timer.triggeredUnit())
	}
	if fromEnd {
		j.origin.maxDelay = service.maxRunTime()
		j.addNote("OnUnitInactiveSec= counts from the end of a run, so the grace period must be longer than a run; %s is assumed", formatDuration(j.origin.maxDelay))
	}
	return ""
}

// addNote adds a sentence about the job that an operator should read.
func (j *Job) addNote(format string, args ...any) {
	j.origin.notes = append(j.origin.notes, fmt.Sprintf(format, args...))
}

// onCalendarValues returns the OnCalendar= values that systemd obeys. systemd ignores values that
// it cannot read; ignored says why. unclear is not empty if systemd may run at times that
// discover does not know.
func (u *unitFile) onCalendarValues(zone string) (values, ignored []string, unclear string) {
	for _, value := range u.settings["Timer.OnCalendar"] {
		expanded, ok := u.expand(value, textSpecifiers)
		if !ok {
			unclear = fmt.Sprintf("OnCalendar=%s has a specifier that discover does not know", value)
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

// zoneAbbreviationPattern matches a calendar expression that may end in the abbreviation of a time
// zone. systemd knows only the abbreviations of the machine's zone.
var zoneAbbreviationPattern = regexp.MustCompile(`[0-9a-z:*] [A-Z]{3,5}$`)

// shortestInterval is the shortest interval at which the timer starts its unit, counted from the
// last start or, if fromEnd, from the last end. ignored says what systemd cannot read.
func (u *unitFile) shortestInterval() (least time.Duration, ok, fromEnd bool, ignored []string) {
	for _, name := range []string{"OnUnitActiveSec", "OnUnitInactiveSec"} {
		for _, value := range u.settings["Timer."+name] {
			d, err := parseTimeSpan(value)
			if err != nil && value != "infinity" { // never elapses
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

// startsByItself reports whether the timer starts its unit by itself: an interval alone counts
// from a run that something else must start.
func (u *unitFile) startsByItself() bool {
	return u.has("Timer.OnBootSec") || u.has("Timer.OnStartupSec") || u.has("Timer.OnActiveSec")
}

// noScheduleProblem returns why a timer without OnCalendar= and without an interval cannot
// be watched.
func (u *unitFile) noScheduleProblem() string {
	switch {
	case u.startsByItself():
		return "runs once after the machine or the timer starts, on no schedule"
	case isTrue(u.lastValue("Timer.OnClockChange")) || isTrue(u.lastValue("Timer.OnTimezoneChange")):
		return "runs when the clock or the time zone changes, on no schedule"
	}
	return "has no setting in [Timer] that starts it, so systemd rejects it"
}

// maxStartDelay returns how long after its time a run may begin.
func (u *unitFile) maxStartDelay() time.Duration {
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

// noFurtherRun is the gap after the last run of a schedule.
const noFurtherRun = time.Duration(1<<63 - 1)

// longestGap returns the longest time between two runs of calendar expressions, within the
// time that it looks ahead; endless if there is a last run. It returns false if there is no
// run after now.
func longestGap(calendars []string, zone string, now time.Time) (time.Duration, bool) {
	when, err := schedule.OnCalendar(calendars, zone)
	if err != nil {
		return noFurtherRun, false // there are none
	}
	at, ok := when.Next(now)
	if !ok {
		return noFurtherRun, false
	}
	longest := time.Duration(0)
	for range maxSlotsExamined {
		next, more := when.Next(at)
		if !more {
			return noFurtherRun, true
		}
		longest, at = max(longest, next.Sub(at)), next
	}
	return longest, true
}
