package discover

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// addCrontabJobs makes jobs of the lines of a crontab.
func (f *Result) addCrontabJobs(m Machine, i int, zone string) {
	t := f.crontabs[i]
	seen := map[string]int{} // lines by what they run and when
	for _, e := range t.entries {
		e.setLoginShell(m, t)
		g := m.splitGuard(e)
		e.guard = g.guard
		e.namesShell = !t.daemons.all(func(r *daemonRules) bool { return r.setsShellVariable })
		j := Job{
			Source: t.displayName, Line: e.lineNumber, User: firstNonEmpty(e.user, t.user), Command: e.command, Zone: zone,
			Cron: []string{e.schedule}, Problem: firstNonEmpty(t.ignoredBecause, e.problem), HasPing: pingPattern.MatchString(e.command),
			origin: jobOrigin{tableIndex: i, entry: e, needsNoShell: m.startsWithoutShell(strings.TrimPrefix(e.command, e.guard)), maxDelay: g.delay},
		}
		f.setDaemonSchedule(&j, t, m)
		same := strings.Join([]string{e.schedule, j.User, unwrapCommand(e.command), e.stdin}, "\x00")
		if line, ok := seen[same]; ok {
			j.Problem = firstNonEmpty(j.Problem, fmt.Sprintf("is the same as line %d, and both would ping one heartbeat: remove one", line))
		} else {
			seen[same] = e.lineNumber
		}
		if !j.HasPing {
			j.Problem = firstNonEmpty(j.Problem, m.wrapProblem(t, e), g.problem)
		}
		f.Jobs = append(f.Jobs, j)
	}
}

// setLoginShell fills in the shell of a job if the daemon takes that of the user.
func (e *crontabEntry) setLoginShell(m Machine, t crontabFile) {
	if e.shellIsSet || !t.daemons.any(func(r *daemonRules) bool { return r.usesLoginShell }) {
		return
	}
	e.loginShell = m.loginShellOf(firstNonEmpty(e.user, t.user))
	if e.loginShell != "" && t.daemons.all(func(r *daemonRules) bool { return r.usesLoginShell }) {
		e.shell = e.loginShell
	}
}

// setDaemonSchedule gives a job the schedule that the daemons make of its line.
func (f *Result) setDaemonSchedule(j *Job, t crontabFile, m Machine) {
	e := j.origin.entry
	if j.Problem != "" || len(t.daemons) == 0 {
		return
	}
	zone := j.Zone
	if problem := t.daemons.applyCronTZ(e, m, &zone); problem != "" {
		if !j.HasPing {
			j.Problem = problem
		}
		return
	}
	if e.cronTZ != "" && m.Zone == "" && zone == j.Zone {
		f.addNote("%s, line %d: %s ignores the CRON_TZ above it", t.displayName, e.lineNumber, t.daemons[0].title)
	}
	got := t.daemons.commonSchedule(strings.Fields(e.schedule), zone, m.Now)
	if got.problem != "" && !j.HasPing {
		j.Problem, j.origin.daemonDiffers = got.problem, true
	}
	if got.problem == "" {
		j.Cron, j.OnCalendar, j.Zone = got.cron, got.onCalendar, zone
	}
	if got.note != "" {
		f.addNote("%s, line %d: %s", t.displayName, e.lineNumber, got.note)
	}
	if e.stdin != "" && t.daemons.all(func(r *daemonRules) bool { return r.percentStartsStdin }) {
		f.addNote("%s, line %d: the command ends at the first %% without a backslash; what follows is its standard input", t.displayName, e.lineNumber)
	}
	if delay, err := strconv.Atoi(e.randomDelay); err == nil && delay > 0 && delay <= 24*60 && t.daemons.any(func(r *daemonRules) bool { return r.obeysRandomDelay }) {
		j.origin.maxDelay += time.Duration(delay) * time.Minute
	}
}

// applyCronTZ sets the zone to that of CRON_TZ if the daemon obeys it, and returns why the line is left
// alone, or "". Of the daemons known here, only cronie obeys CRON_TZ.
func (r daemonSet) applyCronTZ(e crontabEntry, m Machine, zone *string) string {
	if e.cronTZ == "" || m.Zone != "" || r.all(func(one *daemonRules) bool { return one.daemon == DebianCron || one.daemon == Bcron }) {
		return ""
	}
	own := canonicalZone(e.cronTZ)
	if len(r) > 1 || r[0].daemon != Cronie || own == "" {
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
	return zone == "" || affectedByClockChange(strings.Fields("0 0,1,2,3,23 * * *"), zone, now)
}

// wrapProblem returns why a line is not wrapped, whatever its schedule, or "".
func (m Machine) wrapProblem(t crontabFile, e crontabEntry) string {
	_, balanced := findOperators(e.command)
	switch {
	case len(t.daemons) == 0:
		return ""
	case e.unterminated && !t.daemons.all(func(r *daemonRules) bool { return r.runsUnterminatedLine }):
		return "the last line has no line end, so cron does not run it: add one"
	case t.userColumn && m.isUnknownUser(e.user):
		return "there is no user “" + e.user + "” here, so cron does not run the line"
	case e.stdin != "" && !t.daemons.all(func(r *daemonRules) bool { return r.percentStartsStdin }):
		return t.daemons.uncertaintyPrefix() + "some of the daemons end the command at the %, and others pass it to the shell: write \\%"
	case t.daemons.any(func(r *daemonRules) bool { return r.daemon == SystemdCron }) && hasStdin(e.command):
		return t.daemons.uncertaintyPrefix() + "systemd-cron 1.15 passes the % to the shell, and 2.5 ends the command there: put the command into a script"
	case e.stdin != "" && !balanced:
		return "the first % without a backslash ends the command, inside a quote or a bracket: write \\%"
	case strings.Contains(e.command, "#") && t.daemons.any(func(r *daemonRules) bool { return r.cutsAtHash }):
		return t.daemons.uncertaintyPrefix() + "busybox crond ends the line at the #: put the command into a script"
	case e.loginShell != "" && e.loginShell != e.shell && !t.daemons.all(func(r *daemonRules) bool { return r.usesLoginShell }):
		return t.daemons.uncertaintyPrefix() + "busybox crond runs the job with " + e.loginShell + ", and others with " + e.shell
	case !isPOSIXShell(e.shell):
		return "SHELL is " + e.shell + ", whose quoting is not known here"
	case !path.IsAbs(e.shell) || !safePath.MatchString(e.shell):
		return "SHELL is " + e.shell + ": must be an absolute path"
	case t.path == "/etc/crontab" && slices.ContainsFunc(t.daemons, func(r *daemonRules) bool { return r.daemon == SystemdCron }) && isRunPartsLine(e.command):
		return t.daemons.uncertaintyPrefix() + "does nothing here: systemd-cron has timers for these directories"
	}
	return ""
}

// hasStdin reports whether a command has a % without a backslash.
func hasStdin(command string) bool {
	_, input := splitStdin(command)
	return input != ""
}

// isRunPartsLine reports whether a line of /etc/crontab is one that systemd-cron leaves out.
func isRunPartsLine(command string) bool {
	return slices.ContainsFunc([]string{"hourly", "daily", "weekly", "monthly"}, func(period string) bool { return strings.Contains(command, "/etc/cron."+period) })
}
