package discover

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Daemon is a cron daemon whose rules are known here, by the name of its package.
type Daemon string

// The daemons. Fcron and anacron keep tables of another form, which are not read here.
const (
	DebianCron  Daemon = "cron"
	Cronie      Daemon = "cronie"
	Bcron       Daemon = "bcron"
	SystemdCron Daemon = "systemd-cron"
	BusyBox     Daemon = "busybox"
)

// DaemonNames are all that [Machine.Daemon] may name.
func DaemonNames() []string {
	var names []string
	for _, r := range knownDaemons {
		names = append(names, string(r.daemon))
	}
	return names
}

// daemonRules are how one daemon reads crontabs. They were measured with the real
// programs; e2e/cron runs them again.
type daemonRules struct {
	daemon Daemon
	title  string

	readsEtc    bool                     // reads /etc/crontab and /etc/cron.d
	ignoresFile func(name string) string // why it does not read a file of this name in /etc/cron.d; "" if it does
	spoolDirs   []string                 // directories with one crontab for each user

	percentStartsStdin   bool // the first unescaped % of a command begins its standard input
	runsUnterminatedLine bool // runs a last line without a line end
	setsShellVariable    bool // $SHELL of a job is the shell that runs it, or is not set
	usesLoginShell       bool // runs jobs with the shell of their user, unless the crontab sets SHELL
	rejectsWholeFile     bool // one line that it cannot read makes it ignore the file
	ignoresExecutable    bool // ignores a file of /etc that is executable
	obeysRandomDelay     bool // obeys RANDOM_DELAY, which makes jobs start later
	cutsAtHash           bool // ends a line at a #, also in quotes
	allowsEmptyValue     bool // accepts a setting without a value

	// parseSchedule returns how the daemon reads the fields of a line.
	parseSchedule func(fields []string, zone string, now time.Time) daemonSchedule
}

// daemonSchedule is how a daemon reads a schedule.
type daemonSchedule struct {
	cron       []string // the schedule as a cron line of Overdue
	onCalendar []string // or as a calendar expression
	note       string   // what the daemon reads differently from crontab(5)
	problem    string   // why there is neither, a clause about the daemon
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

// rulesOf finds the rules of a daemon; nil if they are not known.
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
	return "only letters, digits, dashes and underscores may be in its name"
}

// cronieIgnoresFile follows the function not_a_crontab of cronie.
func cronieIgnoresFile(name string) string {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"):
		return "its name begins with " + name[:1]
	case slices.ContainsFunc([]string{"~", ".rpmsave", ".rpmorig", ".rpmnew"}, func(end string) bool { return strings.HasSuffix(name, end) }):
		return "its name ends like that of a backup"
	}
	return ""
}

// systemdCronIgnoresFile follows systemd-crontab-generator 1.15.
func systemdCronIgnoresFile(name string) string {
	switch {
	case strings.HasPrefix(name, "."):
		return "its name begins with a dot"
	case strings.Contains(name, ".dpkg-"), strings.Contains(name, "~"):
		return "its name is that of a backup"
	}
	return ""
}

// daemonSet are the daemons that read a crontab.
type daemonSet []*daemonRules

// all reports whether a condition is true for all of them.
func (r daemonSet) all(is func(*daemonRules) bool) bool {
	return !slices.ContainsFunc(r, func(one *daemonRules) bool { return !is(one) })
}

// any reports whether a condition is true for one of them.
func (r daemonSet) any(is func(*daemonRules) bool) bool { return slices.ContainsFunc(r, is) }

// filter returns those for which a condition is true.
func (r daemonSet) filter(is func(*daemonRules) bool) daemonSet {
	var kept daemonSet
	for _, one := range r {
		if is(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// uncertaintyPrefix is the beginning of a problem with only some of the daemons that may run here.
func (r daemonSet) uncertaintyPrefix() string {
	if len(r) == 1 {
		return ""
	}
	return "it is not certain which cron daemon runs here (give --cron-daemon): "
}

// commonSchedule returns how the daemons read a schedule. If there are several, it has a
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
			got.problem = r.uncertaintyPrefix() + one.title + " and " + r[0].title + " read the line differently"
			return got
		}
	}
	return first
}
