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

	Words      string        // the schedule for people
	Grace      time.Duration // suggested, see graceOf
	FirstBy    time.Time     // the deadline of the second run from now: by then a first ping is expected
	Persistent bool          // a timer that makes up for runs that the machine missed

	Name, Slug string
	Wired      bool   // pings already
	Problem    string // why it is left alone; empty for a job that can be watched

	place place
}

// place is where the job stands in what was read.
type place struct {
	table   int // index of its crontab in Found
	entry   entry
	direct  bool          // the command needs no shell, see wrap
	differs bool          // the daemon does not run the line when Overdue would expect it
	unit    *unitFile     // the service of a timer; nil for crontab entries
	delay   time.Duration // how much later than its time the work may begin
	ofUser  bool          // belongs to the service manager of a user
	notes   []string      // about a timer and its service: what an operator should know
}

// Open reports whether the job can be watched and is not yet.
func (j Job) Open() bool { return !j.Wired && j.Problem == "" }

// judge reads the schedule of a job, or says what is wrong with it. A job that has a
// problem already is shown with its schedule where it has one.
func (j *Job) judge(now time.Time) {
	if j.Problem != "" && (j.place.differs || j.place.entry.foreign()) {
		return // the line means something else to cron
	}
	when, err := j.schedule()
	if err != nil {
		j.Problem = firstOf(j.Problem, err.Error())
		return
	}
	j.Words = when.Words()
	j.Grace = graceOf(when, now) + j.place.delay
	if j.Problem == "" {
		j.FirstBy = firstBy(when, now, j.Grace)
	}
}

// firstBy is the deadline of the second run: the first one may come before the job is
// wired. A schedule with one run left has that of the last.
func firstBy(when schedule.Schedule, now time.Time, grace time.Duration) time.Time {
	at, ok := when.Next(now)
	if !ok {
		return time.Time{}
	}
	if second, more := when.Next(at); more {
		at = second
	}
	return at.Add(grace)
}

// errNone is of a timer that starts once, which has a problem that says so.
var errNone = errors.New("schedule: there is none")

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
		return nil, errNone
	}
}

// Bounds of the suggested grace.
const (
	leastGrace = 5 * time.Minute
	mostGrace  = time.Hour
	mostSlots  = 200 // looked at to find the smallest gap: a week of hourly runs, and more
)

// graceOf suggests a quarter of the smallest gap between two runs, at least five
// minutes and at most an hour: a job that is late by more than that is worth a
// look, one that is late by less seldom is.
func graceOf(when schedule.Schedule, now time.Time) time.Duration {
	gap := 4 * mostGrace
	at, ok := when.Next(now)
	for range mostSlots {
		if !ok || gap <= 4*leastGrace {
			break
		}
		var next time.Time
		if next, ok = when.Next(at); ok {
			gap = min(gap, next.Sub(at))
			at = next
		}
	}
	return max(leastGrace, min(mostGrace, gap/4)).Round(time.Minute)
}
