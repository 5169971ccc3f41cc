package discover

import (
	"cmp"
	"errors"
	"time"

	"overdue/internal/discover/crontab"
	"overdue/internal/discover/systemd"
	"overdue/internal/schedule"
)

// Job is a command or service that the machine runs on a schedule.
type Job struct {
	Source  string // "/etc/cron.d/app", "crontab of alice", "backup.timer"
	Line    int    // line number in the crontab; 0 for timers
	User    string // user that it runs as
	Command string // as written, including control characters
	Zone    string // time zone of the schedule

	// One of these is the schedule. All are empty if Problem says why.
	Cron       []string
	OnCalendar []string
	Interval   time.Duration

	Description string        // the schedule for people
	Grace       time.Duration // suggested, see suggestGrace
	FirstPingBy time.Time     // deadline of the second run from now, for the first ping
	Persistent  bool          // a timer that runs missed runs later

	Name, Slug string
	HasPing    bool   // already pings
	Problem    string // why it cannot be monitored; "" if it can

	origin jobOrigin
}

// jobOrigin is the place of a job.
type jobOrigin struct {
	tableIndex    int // of its crontab in Result
	entry         crontab.Entry
	needsNoShell  bool          // the command starts without a shell, see wrapCommand
	daemonDiffers bool          // the daemon does not run the line when Overdue would expect it
	unit          *systemd.Unit // the service of a timer; nil for crontab entries
	maxDelay      time.Duration // maximum delay of a run after its time
	userManager   bool          // belongs to the service manager of a user
	notes         []string      // about a timer and its service, for the operator
}

// Watchable reports whether the job can be monitored and does not ping yet.
func (j Job) Watchable() bool { return !j.HasPing && j.Problem == "" }

// resolveSchedule parses the schedule of a job, or sets its problem. A job that already has a
// problem is shown with its schedule if it has one.
func (j *Job) resolveSchedule(now time.Time) {
	if j.Problem != "" && (j.origin.daemonDiffers || j.origin.entry.IsDaemonSpecific()) {
		return // the line has another meaning in cron
	}
	when, err := j.schedule()
	if err != nil {
		j.Problem = cmp.Or(j.Problem, err.Error())
		return
	}
	j.Description = when.Describe()
	j.Grace = suggestGrace(when, now) + j.origin.maxDelay
	if j.Problem == "" {
		j.FirstPingBy = firstPingBy(when, now, j.Grace)
	}
}

// firstPingBy returns the deadline of the second run: the first one can start before the job is
// edited. If only one run is left, it returns the deadline of that.
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

// errNoSchedule is for a timer that starts once. Its problem says so.
var errNoSchedule = errors.New("no schedule")

// schedule returns the schedule of the job.
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

// Limits of the suggested grace.
const (
	minGrace         = 5 * time.Minute
	maxGrace         = time.Hour
	maxSlotsExamined = 200 // to find the smallest gap: more than a week of hourly runs
)

// suggestGrace returns a quarter of the smallest gap between two runs, at least five minutes and at
// most an hour: a longer delay is worth a look, a shorter one rarely is.
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
