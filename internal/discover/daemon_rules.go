package discover

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Daemon is a cron daemon with known rules, by the name of its package.
type Daemon string

// The daemons. Fcron and anacron use tables in another format, which are not supported.
const (
	DebianCron  Daemon = "cron"
	Cronie      Daemon = "cronie"
	Bcron       Daemon = "bcron"
	SystemdCron Daemon = "systemd-cron"
	BusyBox     Daemon = "busybox"
)

// DaemonNames returns the valid values of [Machine.Daemon].
func DaemonNames() []string {
	var names []string
	for _, r := range knownDaemons {
		names = append(names, string(r.daemon))
	}
	return names
}

// daemonRules describe how one daemon reads crontabs. They were measured with the real programs;
// e2e/cron measures them again.
type daemonRules struct {
	daemon Daemon
	title  string

	readsEtc    bool                     // reads /etc/crontab and /etc/cron.d
	ignoresFile func(name string) string // why it ignores a file of this name in /etc/cron.d; "" if it does not
	spoolDirs   []string                 // directories with one crontab per user

	percentStartsStdin   bool // the first unescaped % of a command starts its standard input
	runsUnterminatedLine bool // runs a last line without a newline
	setsShellVariable    bool // $SHELL of a job is the shell that runs it, or is not set
	usesLoginShell       bool // runs jobs with the login shell of the user, unless the crontab sets SHELL
	rejectsWholeFile     bool // one invalid line makes it ignore the whole file
	ignoresExecutable    bool // ignores an executable file in /etc
	obeysRandomDelay     bool // obeys RANDOM_DELAY, which delays jobs
	cutsAtHash           bool // ends a line at a #, even in quotes
	allowsEmptyValue     bool // accepts a setting without a value

	// parseSchedule returns how the daemon interprets the fields of a line.
	parseSchedule func(fields []string, zone string, now time.Time) daemonSchedule
}

// daemonSchedule is how a daemon interprets a schedule.
type daemonSchedule struct {
	cron       []string // as a cron line of Overdue
	onCalendar []string // or as a calendar expression
	note       string   // difference from crontab(5)
	problem    string   // why there is no schedule, as a clause about the daemon
	rejected   bool     // the daemon rejects the line
}

var knownDaemons = []*daemonRules{
	{
		daemon: DebianCron, title: "Debian's cron", readsEtc: true, ignoresFile: debianIgnoresFile, spoolDirs: []string{"/var/spool/cron/crontabs"},
		percentStartsStdin: true, setsShellVariable: true, rejectsWholeFile: true, parseSchedule: parseDebianSchedule,
	},
	{
		daemon: Cronie, title: "cronie", readsEtc: true, ignoresFile: cronieIgnoresFile, spoolDirs: []string{"/var/spool/cron"},
		percentStartsStdin: true, setsShellVariable: true, ignoresExecutable: true, obeysRandomDelay: true, allowsEmptyValue: true, parseSchedule: parseCronieSchedule,
	},
	{
		daemon: Bcron, title: "bcron", readsEtc: true, ignoresFile: debianIgnoresFile, spoolDirs: []string{"/var/spool/cron/crontabs"},
		runsUnterminatedLine: true, setsShellVariable: true, allowsEmptyValue: true, parseSchedule: parseBcronSchedule,
	},
	{
		daemon: SystemdCron, title: "systemd-cron", readsEtc: true, ignoresFile: systemdCronIgnoresFile, spoolDirs: []string{"/var/spool/cron/crontabs"},
		runsUnterminatedLine: true, obeysRandomDelay: true, allowsEmptyValue: true, parseSchedule: parseSystemdCronSchedule,
	},
	{
		daemon: BusyBox, title: "busybox crond", ignoresFile: func(string) string { return "" }, spoolDirs: []string{"/var/spool/cron/crontabs", "/etc/crontabs"},
		runsUnterminatedLine: true, setsShellVariable: true, usesLoginShell: true, cutsAtHash: true, allowsEmptyValue: true, parseSchedule: parseBusyBoxSchedule,
	},
}

// rulesOf returns the rules of a daemon, or nil if they are not known.
func rulesOf(d Daemon) *daemonRules {
	for _, r := range knownDaemons {
		if r.daemon == d {
			return r
		}
	}
	return nil
}

var lsbNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// debianIgnoresFile is the rule of cron(8) in Debian; bcron 0.11 reads the same names.
func debianIgnoresFile(name string) string {
	if lsbNamePattern.MatchString(name) {
		return ""
	}
	return "its name can contain only letters, digits, dashes and underscores"
}

// cronieIgnoresFile follows the function not_a_crontab of cronie.
func cronieIgnoresFile(name string) string {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"):
		return "its name starts with " + name[:1]
	case slices.ContainsFunc([]string{"~", ".rpmsave", ".rpmorig", ".rpmnew"}, func(end string) bool { return strings.HasSuffix(name, end) }):
		return "its name ends like a backup"
	}
	return ""
}

// systemdCronIgnoresFile follows systemd-crontab-generator 1.15.
func systemdCronIgnoresFile(name string) string {
	switch {
	case strings.HasPrefix(name, "."):
		return "its name starts with a dot"
	case strings.Contains(name, ".dpkg-"), strings.Contains(name, "~"):
		return "its name looks like a backup"
	}
	return ""
}

// daemonSet is the set of daemons that may read a crontab.
type daemonSet []*daemonRules

// all reports whether a condition is true for every daemon.
func (r daemonSet) all(is func(*daemonRules) bool) bool {
	return !slices.ContainsFunc(r, func(one *daemonRules) bool { return !is(one) })
}

// any reports whether a condition is true for at least one daemon.
func (r daemonSet) any(is func(*daemonRules) bool) bool { return slices.ContainsFunc(r, is) }

// filter returns the daemons for which a condition is true.
func (r daemonSet) filter(is func(*daemonRules) bool) daemonSet {
	var kept daemonSet
	for _, one := range r {
		if is(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// uncertaintyPrefix is the start of a problem that applies only to some of the daemons, or "" if
// there is one daemon.
func (r daemonSet) uncertaintyPrefix() string {
	if len(r) == 1 {
		return ""
	}
	return "it is not known which cron daemon runs here (set --cron-daemon): "
}

// commonSchedule returns how the daemons interpret a schedule. If there are several, it has a
// problem if one of them would run the line at other times than the others.
func (r daemonSet) commonSchedule(fields []string, zone string, now time.Time) daemonSchedule {
	var first daemonSchedule
	for i, one := range r {
		got := one.parseSchedule(fields, zone, now)
		if len(r) > 1 && one.daemon == SystemdCron && got.problem == "" {
			got = systemdCronAsCron(fields, got, zone, now)
		}
		switch {
		case got.problem != "":
			got.problem = r.uncertaintyPrefix() + got.problem
			return got
		case i == 0:
			first = got
		case !slices.Equal(first.cron, got.cron):
			got.problem = r.uncertaintyPrefix() + one.title + " and " + r[0].title + " interpret the line differently"
			return got
		}
	}
	return first
}
