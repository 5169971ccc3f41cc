package discover

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// addEntries makes jobs of the lines of a crontab.
func (f *Found) addEntries(m Machine, i int, zone string) {
	t := f.tables[i]
	seen := map[string]int{} // lines by what they run and when
	for _, e := range t.entries {
		e.login(m, t)
		g := m.guards(e)
		e.guard = g.guard
		e.named = !t.readers.all(func(r *rules) bool { return r.ownShell })
		j := Job{
			Source: t.shown, Line: e.number, User: firstOf(e.user, t.user), Command: e.command, Zone: zone,
			Cron: []string{e.schedule}, Problem: firstOf(t.ignored, e.problem), Wired: pings.MatchString(e.command),
			place: place{table: i, entry: e, direct: m.startable(strings.TrimPrefix(e.command, e.guard)), delay: g.delay},
		}
		f.read(&j, t, m)
		same := strings.Join([]string{e.schedule, j.User, unwrapped(e.command), e.input}, "\x00")
		if line, ok := seen[same]; ok {
			j.Problem = firstOf(j.Problem, fmt.Sprintf("is the same as line %d, and both would ping one heartbeat: remove one", line))
		} else {
			seen[same] = e.number
		}
		if !j.Wired {
			j.Problem = firstOf(j.Problem, m.lineProblem(t, e), g.problem)
		}
		f.Jobs = append(f.Jobs, j)
	}
}

// login fills in the shell of a job if the daemon takes that of the user.
func (e *entry) login(m Machine, t table) {
	if e.ownShell || !t.readers.any(func(r *rules) bool { return r.loginShell }) {
		return
	}
	e.loginShell = m.shellOf(firstOf(e.user, t.user))
	if e.loginShell != "" && t.readers.all(func(r *rules) bool { return r.loginShell }) {
		e.shell = e.loginShell
	}
}

// read gives a job the schedule that the daemons make of its line.
func (f *Found) read(j *Job, t table, m Machine) {
	e := j.place.entry
	if j.Problem != "" || len(t.readers) == 0 {
		return
	}
	zone := j.Zone
	if problem := t.readers.ownZone(e, m, &zone); problem != "" {
		if !j.Wired {
			j.Problem = problem
		}
		return
	}
	if e.ownZone != "" && m.Zone == "" && zone == j.Zone {
		f.note("%s, line %d: %s ignores the CRON_TZ above it", t.shown, e.number, t.readers[0].title)
	}
	got := t.readers.reading(strings.Fields(e.schedule), zone, m.Now)
	if got.problem != "" && !j.Wired {
		j.Problem, j.place.differs = got.problem, true
	}
	if got.problem == "" {
		j.Cron, j.OnCalendar, j.Zone = got.cron, got.calendar, zone
	}
	if got.note != "" {
		f.note("%s, line %d: %s", t.shown, e.number, got.note)
	}
	if e.input != "" && t.readers.all(func(r *rules) bool { return r.percent }) {
		f.note("%s, line %d: the command ends at the first %% without a backslash; what follows is its standard input", t.shown, e.number)
	}
	if delay, err := strconv.Atoi(e.delay); err == nil && delay > 0 && delay <= 24*60 && t.readers.any(func(r *rules) bool { return r.delay }) {
		j.place.delay += time.Duration(delay) * time.Minute
	}
}

// ownZone sets the zone to that of CRON_TZ if the daemon obeys it, and returns why the line is left
// alone, or "". Of the daemons known here, only cronie obeys CRON_TZ.
func (r readers) ownZone(e entry, m Machine, zone *string) string {
	if e.ownZone == "" || m.Zone != "" || r.all(func(one *rules) bool { return one.daemon == DebianCron || one.daemon == Bcron }) {
		return ""
	}
	own := known(e.ownZone)
	if len(r) > 1 || r[0].daemon != Cronie || own == "" {
		return "CRON_TZ is set above it, which Debian's cron ignores and others obey: set the zone with --timezone"
	}
	if own != *zone && (changes(own, m.Now) || changes(*zone, m.Now)) {
		return "CRON_TZ is " + own + ": when the clock changes there or on this machine, cronie skips runs or repeats them"
	}
	*zone = own
	return ""
}

// changes reports whether the clock of a zone changes within a year.
func changes(zone string, now time.Time) bool {
	return zone == "" || touched(strings.Fields("0 0,1,2,3,23 * * *"), zone, now)
}

// lineProblem returns why a line is not wrapped, whatever its schedule, or "".
func (m Machine) lineProblem(t table, e entry) string {
	_, balanced := operators(e.command)
	switch {
	case len(t.readers) == 0:
		return ""
	case e.unended && !t.readers.all(func(r *rules) bool { return r.unfinished }):
		return "the last line has no line end, so cron does not run it: add one"
	case t.withUser && m.noUser(e.user):
		return "there is no user “" + e.user + "” here, so cron does not run the line"
	case e.input != "" && !t.readers.all(func(r *rules) bool { return r.percent }):
		return t.readers.uncertain() + "some of the daemons end the command at the %, and others pass it to the shell: write \\%"
	case t.readers.any(func(r *rules) bool { return r.daemon == SystemdCron }) && hasInput(e.command):
		return t.readers.uncertain() + "systemd-cron 1.15 passes the % to the shell, and 2.5 ends the command there: put the command into a script"
	case e.input != "" && !balanced:
		return "the first % without a backslash ends the command, inside a quote or a bracket: write \\%"
	case strings.Contains(e.command, "#") && t.readers.any(func(r *rules) bool { return r.cutsAtHash }):
		return t.readers.uncertain() + "busybox crond ends the line at the #: put the command into a script"
	case e.loginShell != "" && e.loginShell != e.shell && !t.readers.all(func(r *rules) bool { return r.loginShell }):
		return t.readers.uncertain() + "busybox crond runs the job with " + e.loginShell + ", and others with " + e.shell
	case !knownShell(e.shell):
		return "SHELL is " + e.shell + ", whose quoting is not known here"
	case !path.IsAbs(e.shell) || !tamePath.MatchString(e.shell):
		return "SHELL is " + e.shell + ": must be an absolute path"
	case t.path == "/etc/crontab" && slices.ContainsFunc(t.readers, func(r *rules) bool { return r.daemon == SystemdCron }) && runParts(e.command):
		return t.readers.uncertain() + "does nothing here: systemd-cron has timers for these directories"
	}
	return ""
}

// hasInput reports whether a command has a % without a backslash.
func hasInput(command string) bool {
	_, input := cutInput(command)
	return input != ""
}

// runParts reports whether a line of /etc/crontab is one that systemd-cron leaves out.
func runParts(command string) bool {
	return slices.ContainsFunc([]string{"hourly", "daily", "weekly", "monthly"}, func(period string) bool { return strings.Contains(command, "/etc/cron."+period) })
}
