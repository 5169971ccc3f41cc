package discover

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"overdue/internal/discover/systemd"
	"overdue/internal/schedule"
)

// newTimerJob returns the job of a timer and the service that it starts. service is nil if there is
// none.
func newTimerJob(timer, service *systemd.Unit, zone string, now time.Time) Job {
	j := Job{Source: timer.Name, Zone: zone, User: "root"}
	j.origin.unit = systemd.NewUnit("", timer.UserManager)
	j.origin.notes = timer.SettingNotes()
	j.Problem = j.setTimerSchedule(timer, service, now)
	j.origin.maxDelay += timer.MaxStartDelay()
	if service == nil || service.Masked {
		j.Command = timer.TriggeredUnit()
		reason := " is not a service with a unit file"
		if service != nil {
			reason = " is masked, so systemd does not start it"
		}
		j.Problem = cmp.Or(j.Problem, timer.TriggeredUnit()+reason)
		return j
	}
	j.origin.unit = service
	j.Command = strings.TrimLeft(cmp.Or(service.Settings["Service.ExecStart"]...), "@-:+!|")
	if user, ok := service.Expand(service.LastValue("Service.User"), systemd.TextSpecifiers); ok {
		j.User = cmp.Or(user, j.User)
	}
	j.HasPing = pingPattern.MatchString(service.Text)
	j.Problem = cmp.Or(j.Problem, service.PingProblem())
	if j.Problem == "" {
		j.origin.notes = append(j.origin.notes, service.RunNotes()...)
	}
	return j
}

// setTimerSchedule sets the schedule of a timer, or returns why it has none.
func (j *Job) setTimerSchedule(timer, service *systemd.Unit, now time.Time) string {
	calendars, ignored, unclear := timer.OnCalendarValues(cmp.Or(j.Zone, "UTC"))
	if unclear != "" {
		return unclear
	}
	interval, repeats, fromEnd, unreadable := timer.ShortestInterval()
	ignored = append(ignored, unreadable...)
	if len(calendars) == 0 && !repeats {
		return cmp.Or(append(ignored, timer.NoScheduleProblem())...)
	}
	for _, note := range ignored {
		j.addNote("%s", note)
	}
	longest, runs := longestGap(calendars, cmp.Or(j.Zone, "UTC"), now)
	switch {
	case repeats && (interval < time.Second || interval > 366*24*time.Hour):
		return "runs at an interval outside the range of a heartbeat (1 s to 366 d)"
	case !repeats && !runs:
		return "has no run in the future: " + strings.Join(calendars, "; ")
	case !repeats || interval >= longest:
		j.OnCalendar = calendars
		j.Persistent = systemd.IsTrue(timer.LastValue("Timer.Persistent"))
		return ""
	}
	j.Interval = interval.Truncate(time.Second)
	if len(calendars) > 0 {
		j.addNote("has OnCalendar= and an interval: the interval of %s is used, because the runs of the two cannot be distinguished", systemd.FormatDuration(j.Interval))
	} else if !timer.StartsByItself() {
		j.addNote("starts nothing until %s has run once, for example by systemctl start: it has an interval and no OnBootSec=", timer.TriggeredUnit())
	}
	if fromEnd {
		j.origin.maxDelay = service.MaxRunTime()
		j.addNote("OnUnitInactiveSec= counts from the end of a run, so the grace period must be longer than a run; %s is assumed", systemd.FormatDuration(j.origin.maxDelay))
	}
	return ""
}

// addNote adds a note about the job for the operator.
func (j *Job) addNote(format string, args ...any) {
	j.origin.notes = append(j.origin.notes, fmt.Sprintf(format, args...))
}

// noFurtherRun is the gap after the last run of a schedule.
const noFurtherRun = time.Duration(1<<63 - 1)

// longestGap returns the longest time between two runs of calendar expressions, within the examined
// slots, or noFurtherRun if there is a last run. It returns false if there is no run after now.
func longestGap(calendars []string, zone string, now time.Time) (time.Duration, bool) {
	when, err := schedule.OnCalendar(calendars, zone)
	if err != nil {
		return noFurtherRun, false // there is no schedule
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
