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

// Daemons are all that [Machine.Daemon] may name.
func Daemons() []string {
	var names []string
	for _, r := range allRules {
		names = append(names, string(r.daemon))
	}
	return names
}

// rules are how one daemon reads crontabs. They were measured with the real
// programs; e2e/cron runs them again.
type rules struct {
	daemon Daemon
	title  string

	system  bool                     // reads /etc/crontab and /etc/cron.d
	ignores func(name string) string // why it does not read a file of this name in /etc/cron.d; "" if it does
	spools  []string                 // directories with one crontab for each user

	percent    bool // the first unescaped % of a command begins its standard input
	unfinished bool // runs a last line without a line end
	ownShell   bool // $SHELL of a job is the shell that runs it, or is not set
	loginShell bool // runs jobs with the shell of their user, unless the crontab sets SHELL
	wholeFile  bool // one line that it cannot read makes it ignore the file
	noExecBit  bool // ignores a file of /etc that is executable
	delay      bool // obeys RANDOM_DELAY, which makes jobs start later
	cutsAtHash bool // ends a line at a #, also in quotes
	emptyValue bool // accepts a setting without a value

	// schedule returns how the daemon reads the fields of a line.
	schedule func(fields []string, zone string, now time.Time) reading
}

// reading is how a daemon reads a schedule.
type reading struct {
	cron     []string // the schedule as a cron line of Overdue
	calendar []string // or as a calendar expression
	note     string   // what the daemon reads differently from crontab(5)
	problem  string   // why there is neither, a clause about the daemon
	invalid  bool     // the daemon rejects the line
}

var allRules = []*rules{
	{
		daemon: DebianCron, title: "Debian's cron", system: true, ignores: debianIgnores, spools: []string{"/var/spool/cron/crontabs"},
		percent: true, ownShell: true, wholeFile: true, schedule: debianSchedule,
	},
	{
		daemon: Cronie, title: "cronie", system: true, ignores: cronieIgnores, spools: []string{"/var/spool/cron"},
		percent: true, ownShell: true, noExecBit: true, delay: true, emptyValue: true, schedule: cronieSchedule,
	},
	{
		daemon: Bcron, title: "bcron", system: true, ignores: debianIgnores, spools: []string{"/var/spool/cron/crontabs"},
		unfinished: true, ownShell: true, emptyValue: true, schedule: bcronSchedule,
	},
	{
		daemon: SystemdCron, title: "systemd-cron", system: true, ignores: systemdCronIgnores, spools: []string{"/var/spool/cron/crontabs"},
		unfinished: true, delay: true, emptyValue: true, schedule: systemdCronSchedule,
	},
	{
		daemon: BusyBox, title: "busybox crond", ignores: func(string) string { return "" }, spools: []string{"/var/spool/cron/crontabs", "/etc/crontabs"},
		unfinished: true, ownShell: true, loginShell: true, cutsAtHash: true, emptyValue: true, schedule: busyboxSchedule,
	},
}

// rulesOf finds the rules of a daemon; nil if they are not known.
func rulesOf(d Daemon) *rules {
	for _, r := range allRules {
		if r.daemon == d {
			return r
		}
	}
	return nil
}

var lsbName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// debianIgnores is the rule of cron(8) in Debian; bcron 0.11 reads the same names.
func debianIgnores(name string) string {
	if lsbName.MatchString(name) {
		return ""
	}
	return "only letters, digits, dashes and underscores may be in its name"
}

// cronieIgnores follows the function not_a_crontab of cronie.
func cronieIgnores(name string) string {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"):
		return "its name begins with " + name[:1]
	case slices.ContainsFunc([]string{"~", ".rpmsave", ".rpmorig", ".rpmnew"}, func(end string) bool { return strings.HasSuffix(name, end) }):
		return "its name ends like that of a backup"
	}
	return ""
}

// systemdCronIgnores follows systemd-crontab-generator 1.15.
func systemdCronIgnores(name string) string {
	switch {
	case strings.HasPrefix(name, "."):
		return "its name begins with a dot"
	case strings.Contains(name, ".dpkg-"), strings.Contains(name, "~"):
		return "its name is that of a backup"
	}
	return ""
}

// readers are the daemons that read a crontab.
type readers []*rules

// all reports whether a condition is true for all of them.
func (r readers) all(is func(*rules) bool) bool {
	return !slices.ContainsFunc(r, func(one *rules) bool { return !is(one) })
}

// any reports whether a condition is true for one of them.
func (r readers) any(is func(*rules) bool) bool { return slices.ContainsFunc(r, is) }

// where returns those for which a condition is true.
func (r readers) where(is func(*rules) bool) readers {
	var kept readers
	for _, one := range r {
		if is(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// uncertain is the beginning of a problem with only some of the daemons that may run here.
func (r readers) uncertain() string {
	if len(r) == 1 {
		return ""
	}
	return "it is not certain which cron daemon runs here (give --cron-daemon): "
}

// reading returns how the daemons read a schedule. If there are several, it has a
// problem if one of them would run the line at other times than the others.
func (r readers) reading(fields []string, zone string, now time.Time) reading {
	var first reading
	for i, one := range r {
		got := one.schedule(fields, zone, now)
		if len(r) > 1 && one.daemon == SystemdCron && got.problem == "" {
			got = systemdCronLikeCron(fields, got, zone, now)
		}
		switch {
		case got.problem != "":
			got.problem = r.uncertain() + got.problem
			return got
		case i == 0:
			first = got
		case !slices.Equal(first.cron, got.cron):
			got.problem = r.uncertain() + one.title + " and " + r[0].title + " read the line differently"
			return got
		}
	}
	return first
}
