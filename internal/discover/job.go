package discover

import (
	"errors"
	"time"

	"overdue/internal/schedule"
)

// Job is something that the machine runs on a schedule.
type Job struct {
	Source  string // "/etc/cron.d/app", "crontab of alice", "backup.timer"
	Line    int    // in the crontab; 0 for timers
	User    string // who it runs as
	Command string // as written; control characters and all
	Zone    string // in which the schedule is meant

	// One of these is the schedule, all of them are empty where Problem says why.
	Cron       []string
	OnCalendar []string
	Interval   time.Duration

	Description string        // the schedule for people
	Grace       time.Duration // suggested, see suggestGrace
	FirstPingBy time.Time     // the deadline of the second run from now: by then a first ping is expected
	Persistent  bool          // a timer that makes up for runs that the machine missed

	Name, Slug string
	HasPing    bool   // pings already
	Problem    string // why it is left alone; empty for a job that can be watched

	origin jobOrigin
}

// jobOrigin is where the job stands in what was read.
type jobOrigin struct {
	tableIndex    int // index of its crontab in Found
	entry         crontabEntry
	needsNoShell  bool          // the command needs no shell, see wrap
	daemonDiffers bool          // the daemon does not run the line when Overdue would expect it
	unit          *unitFile     // the service of a timer; nil for crontab entries
	maxDelay      time.Duration // how much later than its time the work may begin
	userManager   bool          // belongs to the service manager of a user
	notes         []string      // about a timer and its service: what an operator should know
}

// Watchable reports whether the job can be watched and is not yet.
func (j Job) Watchable() bool { return !j.HasPing && j.Problem == "" }

// resolveSchedule reads the schedule of a job, or says what is wrong with it. A job that has a
// problem already is shown with its schedule where it has one.
func (j *Job) resolveSchedule(now time.Time) {
	if j.Problem != "" && (j.origin.daemonDiffers || j.origin.entry.isDaemonSpecific()) {
		return // the line means something else to cron
	}
	when, err := j.schedule()
	if err != nil {
		j.Problem = firstNonEmpty(j.Problem, err.Error())
		return
	}
	j.Description = when.Describe()
	j.Grace = suggestGrace(when, now) + j.origin.maxDelay
	if j.Problem == "" {
		j.FirstPingBy = firstPingBy(when, now, j.Grace)
	}
}

// firstPingBy is the deadline of the second run: the first one may come before the job is
// wired. A schedule with one run left has that of the last.
func firstPingBy(when schedule.Schedule, now time.Time, grace time.Duration) time.Time {
	at, ok := when.Next(now)
	if !ok {
		return time.Time{}
	}
	if second, more := when.Next(at); more {
		at = second
	}
	return at.Add(grace)
}

// errNoSchedule is of a timer that starts once, which has a problem that says so.
var errNoSchedule = errors.New("schedule: there is none")

// schedule is what the job says of when it runs.
func (j *Job) schedule() (schedule.Schedule, error) {
	switch {
	case len(j.Cron) > 0:
		return schedule.Cron(j.Cron, j.Zone)
	case len(j.OnCalendar) > 0:
		return schedule.OnCalendar(j.OnCalendar, j.Zone)
	case j.Interval > 0:
		return schedule.Every(j.Interval), nil
	default:
		return nil, errNoSchedule
	}
}

// Bounds of the suggested grace.
const (
	minGrace         = 5 * time.Minute
	maxGrace         = time.Hour
	maxSlotsExamined = 200 // looked at to find the smallest gap: a week of hourly runs, and more
)

// suggestGrace suggests a quarter of the smallest gap between two runs, at least five
// minutes and at most an hour: a job that is late by more than that is worth a
// look, one that is late by less seldom is.
func suggestGrace(when schedule.Schedule, now time.Time) time.Duration {
	gap := 4 * maxGrace
	at, ok := when.Next(now)
	for range maxSlotsExamined {
		if !ok || gap <= 4*minGrace {
			break
		}
		var next time.Time
		if next, ok = when.Next(at); ok {
			gap = min(gap, next.Sub(at))
			at = next
		}
	}
	return max(minGrace, min(maxGrace, gap/4)).Round(time.Minute)
}
