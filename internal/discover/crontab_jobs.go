package discover

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/discover/crontab"
)

// addCrontabJobs adds a job for each line of a crontab.
func (f *Result) addCrontabJobs(m Machine, i int, zone string) {
	t := f.crontabs[i]
	seen := map[string]int{} // line numbers by command and schedule
	for _, e := range t.entries {
		m.setLoginShell(&e, t)
		g := m.splitGuard(e)
		e.Guard = g.guard
		e.NamesShell = !t.daemons.All(func(r *crontab.DaemonRules) bool { return r.SetsShellVariable })
		j := Job{
			Source: t.displayName, Line: e.LineNumber, User: cmp.Or(e.User, t.user), Command: e.Command, Zone: zone,
			Cron: []string{e.Schedule}, Problem: cmp.Or(t.ignoredBecause, e.Problem), HasPing: pingPattern.MatchString(e.Command),
			origin: jobOrigin{tableIndex: i, entry: e, needsNoShell: m.startsWithoutShell(strings.TrimPrefix(e.Command, e.Guard)), maxDelay: g.delay},
		}
		f.setDaemonSchedule(&j, t, m)
		same := strings.Join([]string{e.Schedule, j.User, unwrapCommand(e.Command), e.Stdin}, "\x00")
		if line, ok := seen[same]; ok {
			j.Problem = cmp.Or(j.Problem, fmt.Sprintf("is the same as line %d, and both would ping the same heartbeat: remove one", line))
		} else {
			seen[same] = e.LineNumber
		}
		if !j.HasPing {
			j.Problem = cmp.Or(j.Problem, m.wrapProblem(t, e), g.problem)
		}
		f.Jobs = append(f.Jobs, j)
	}
}

// setLoginShell sets the shell of a job if the daemon uses the login shell of the user.
func (m Machine) setLoginShell(e *crontab.Entry, t crontabFile) {
	if e.ShellIsSet || !t.daemons.Any(func(r *crontab.DaemonRules) bool { return r.UsesLoginShell }) {
		return
	}
	e.LoginShell = m.loginShellOf(cmp.Or(e.User, t.user))
	if e.LoginShell != "" && t.daemons.All(func(r *crontab.DaemonRules) bool { return r.UsesLoginShell }) {
		e.Shell = e.LoginShell
	}
}

// setDaemonSchedule sets the schedule of a job as the daemons interpret its line.
func (f *Result) setDaemonSchedule(j *Job, t crontabFile, m Machine) {
	e := j.origin.entry
	if j.Problem != "" || len(t.daemons) == 0 {
		return
	}
	zone := j.Zone
	if problem := m.applyCronTZ(t.daemons, e, &zone); problem != "" {
		if !j.HasPing {
			j.Problem = problem
		}
		return
	}
	if e.CronTZ != "" && m.Zone == "" && zone == j.Zone {
		f.addNote("%s, line %d: %s ignores the CRON_TZ above it", t.displayName, e.LineNumber, t.daemons[0].Title)
	}
	got := t.daemons.CommonSchedule(strings.Fields(e.Schedule), zone, m.Now)
	if got.Problem != "" && !j.HasPing {
		j.Problem, j.origin.daemonDiffers = got.Problem, true
	}
	if got.Problem == "" {
		j.Cron, j.OnCalendar, j.Zone = got.Cron, got.OnCalendar, zone
	}
	if got.Note != "" {
		f.addNote("%s, line %d: %s", t.displayName, e.LineNumber, got.Note)
	}
	if e.Stdin != "" && t.daemons.All(func(r *crontab.DaemonRules) bool { return r.PercentStartsStdin }) {
		f.addNote("%s, line %d: the command ends at the first %% without a backslash; the rest is its standard input", t.displayName, e.LineNumber)
	}
	if delay, err := strconv.Atoi(e.RandomDelay); err == nil && delay > 0 && delay <= 24*60 && t.daemons.Any(func(r *crontab.DaemonRules) bool { return r.ObeysRandomDelay }) {
		j.origin.maxDelay += time.Duration(delay) * time.Minute
	}
}

// applyCronTZ sets the zone to CRON_TZ if the daemon obeys it, and returns why the line must not be
// edited, or "". Of the known daemons, only cronie obeys CRON_TZ.
func (m Machine) applyCronTZ(r crontab.DaemonSet, e crontab.Entry, zone *string) string {
	if e.CronTZ == "" || m.Zone != "" || r.All(func(one *crontab.DaemonRules) bool {
		return one.Daemon == crontab.DebianCron || one.Daemon == crontab.Bcron
	}) {
		return ""
	}
	own := canonicalZone(e.CronTZ)
	if len(r) > 1 || r[0].Daemon != crontab.Cronie || own == "" {
		return "CRON_TZ is set above it, which Debian's cron ignores and others obey: set the zone with --timezone"
	}
	if own != *zone && (hasClockChanges(own, m.Now) || hasClockChanges(*zone, m.Now)) {
		return "CRON_TZ is " + own + ": when the clock changes there or on this machine, cronie skips runs or repeats them"
	}
	*zone = own
	return ""
}

// hasClockChanges reports whether the clock of a zone changes within a year.
func hasClockChanges(zone string, now time.Time) bool {
	return zone == "" || crontab.AffectedByClockChange(strings.Fields("0 0,1,2,3,23 * * *"), zone, now)
}

// wrapProblem returns why a line cannot be wrapped, whatever its schedule, or "".
func (m Machine) wrapProblem(t crontabFile, e crontab.Entry) string {
	_, balanced := findOperators(e.Command)
	switch {
	case len(t.daemons) == 0:
		return ""
	case e.Unterminated && !t.daemons.All(func(r *crontab.DaemonRules) bool { return r.RunsUnterminatedLine }):
		return "the last line has no newline, so cron does not run it: add one"
	case t.userColumn && m.isUnknownUser(e.User):
		return "there is no user “" + e.User + "”, so cron does not run the line"
	case e.Stdin != "" && !t.daemons.All(func(r *crontab.DaemonRules) bool { return r.PercentStartsStdin }):
		return t.daemons.UncertaintyPrefix() + "some of the daemons end the command at the %, and others pass it to the shell: write \\%"
	case t.daemons.Any(func(r *crontab.DaemonRules) bool { return r.Daemon == crontab.SystemdCron }) && hasStdin(e.Command):
		return t.daemons.UncertaintyPrefix() + "systemd-cron 1.15 passes the % to the shell, and 2.5 ends the command there: put the command into a script"
	case e.Stdin != "" && !balanced:
		return "the first unescaped % ends the command inside quotes or brackets: write \\%"
	case strings.Contains(e.Command, "#") && t.daemons.Any(func(r *crontab.DaemonRules) bool { return r.CutsAtHash }):
		return t.daemons.UncertaintyPrefix() + "busybox crond ends the line at the #: put the command into a script"
	case e.LoginShell != "" && e.LoginShell != e.Shell && !t.daemons.All(func(r *crontab.DaemonRules) bool { return r.UsesLoginShell }):
		return t.daemons.UncertaintyPrefix() + "busybox crond runs the job with " + e.LoginShell + ", and others with " + e.Shell
	case !isPOSIXShell(e.Shell):
		return "SHELL is " + e.Shell + ", which discover does not support"
	case !path.IsAbs(e.Shell) || !safePath.MatchString(e.Shell):
		return "SHELL is " + e.Shell + ": must be an absolute path"
	case t.path == "/etc/crontab" && slices.ContainsFunc(t.daemons, func(r *crontab.DaemonRules) bool { return r.Daemon == crontab.SystemdCron }) && isRunPartsLine(e.Command):
		return t.daemons.UncertaintyPrefix() + "has no effect here: systemd-cron has timers for these directories"
	}
	return ""
}

// hasStdin reports whether a command has an unescaped %.
func hasStdin(command string) bool {
	_, input := crontab.SplitStdin(command)
	return input != ""
}

// isRunPartsLine reports whether systemd-cron skips a line of /etc/crontab.
func isRunPartsLine(command string) bool {
	return slices.ContainsFunc([]string{"hourly", "daily", "weekly", "monthly"}, func(period string) bool { return strings.Contains(command, "/etc/cron."+period) })
}
