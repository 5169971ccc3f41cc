package crontab

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
	for _, r := range KnownDaemons {
		names = append(names, string(r.Daemon))
	}
	return names
}

// DaemonRules describe how one daemon reads crontabs. They were measured with the real programs;
// e2e/cron measures them again.
type DaemonRules struct {
	Daemon Daemon
	Title  string

	ReadsEtc    bool                     // reads /etc/crontab and /etc/cron.d
	IgnoresFile func(name string) string // why it ignores a file of this name in /etc/cron.d; "" if it does not
	SpoolDirs   []string                 // directories with one crontab per user

	PercentStartsStdin   bool // the first unescaped % of a command starts its standard input
	RunsUnterminatedLine bool // runs a last line without a newline
	SetsShellVariable    bool // $SHELL of a job is the shell that runs it, or is not set
	UsesLoginShell       bool // runs jobs with the login shell of the user, unless the crontab sets SHELL
	RejectsWholeFile     bool // one invalid line makes it ignore the whole file
	IgnoresExecutable    bool // ignores an executable file in /etc
	ObeysRandomDelay     bool // obeys RANDOM_DELAY, which delays jobs
	CutsAtHash           bool // ends a line at a #, even in quotes
	AllowsEmptyValue     bool // accepts a setting without a value

	// ParseSchedule returns how the daemon interprets the fields of a line.
	ParseSchedule func(fields []string, zone string, now time.Time) daemonSchedule
}

// daemonSchedule is how a daemon interprets a schedule.
type daemonSchedule struct {
	Cron       []string // as a cron line of Overdue
	OnCalendar []string // or as a calendar expression
	Note       string   // difference from crontab(5)
	Problem    string   // why there is no schedule, as a clause about the daemon
	Rejected   bool     // the daemon rejects the line
}

var KnownDaemons = []*DaemonRules{
	{
		Daemon: DebianCron, Title: "Debian's cron", ReadsEtc: true, IgnoresFile: debianIgnoresFile, SpoolDirs: []string{"/var/spool/cron/crontabs"},
		PercentStartsStdin: true, SetsShellVariable: true, RejectsWholeFile: true, ParseSchedule: ParseDebianSchedule,
	},
	{
		Daemon: Cronie, Title: "cronie", ReadsEtc: true, IgnoresFile: cronieIgnoresFile, SpoolDirs: []string{"/var/spool/cron"},
		PercentStartsStdin: true, SetsShellVariable: true, IgnoresExecutable: true, ObeysRandomDelay: true, AllowsEmptyValue: true, ParseSchedule: parseCronieSchedule,
	},
	{
		Daemon: Bcron, Title: "bcron", ReadsEtc: true, IgnoresFile: debianIgnoresFile, SpoolDirs: []string{"/var/spool/cron/crontabs"},
		RunsUnterminatedLine: true, SetsShellVariable: true, AllowsEmptyValue: true, ParseSchedule: parseBcronSchedule,
	},
	{
		Daemon: SystemdCron, Title: "systemd-cron", ReadsEtc: true, IgnoresFile: systemdCronIgnoresFile, SpoolDirs: []string{"/var/spool/cron/crontabs"},
		RunsUnterminatedLine: true, ObeysRandomDelay: true, AllowsEmptyValue: true, ParseSchedule: parseSystemdCronSchedule,
	},
	{
		Daemon: BusyBox, Title: "busybox crond", IgnoresFile: func(string) string { return "" }, SpoolDirs: []string{"/var/spool/cron/crontabs", "/etc/crontabs"},
		RunsUnterminatedLine: true, SetsShellVariable: true, UsesLoginShell: true, CutsAtHash: true, AllowsEmptyValue: true, ParseSchedule: parseBusyBoxSchedule,
	},
}

// RulesOf returns the rules of a daemon, or nil if they are not known.
func RulesOf(d Daemon) *DaemonRules {
	for _, r := range KnownDaemons {
		if r.Daemon == d {
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

// DaemonSet is the set of daemons that may read a crontab.
type DaemonSet []*DaemonRules

// All reports whether a condition is true for every daemon.
func (r DaemonSet) All(is func(*DaemonRules) bool) bool {
	return !slices.ContainsFunc(r, func(one *DaemonRules) bool { return !is(one) })
}

// Any reports whether a condition is true for at least one daemon.
func (r DaemonSet) Any(is func(*DaemonRules) bool) bool { return slices.ContainsFunc(r, is) }

// Filter returns the daemons for which a condition is true.
func (r DaemonSet) Filter(is func(*DaemonRules) bool) DaemonSet {
	var kept DaemonSet
	for _, one := range r {
		if is(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// UncertaintyPrefix is the start of a problem that applies only to some of the daemons, or "" if
// there is one daemon.
func (r DaemonSet) UncertaintyPrefix() string {
	if len(r) == 1 {
		return ""
	}
	return "it is not known which cron daemon runs here (set --cron-daemon): "
}

// CommonSchedule returns how the daemons interpret a schedule. If there are several, it has a
// problem if one of them would run the line at other times than the others.
func (r DaemonSet) CommonSchedule(fields []string, zone string, now time.Time) daemonSchedule {
	var first daemonSchedule
	for i, one := range r {
		got := one.ParseSchedule(fields, zone, now)
		if len(r) > 1 && one.Daemon == SystemdCron && got.Problem == "" {
			got = systemdCronAsCron(fields, got, zone, now)
		}
		switch {
		case got.Problem != "":
			got.Problem = r.UncertaintyPrefix() + got.Problem
			return got
		case i == 0:
			first = got
		case !slices.Equal(first.Cron, got.Cron):
			got.Problem = r.UncertaintyPrefix() + one.Title + " and " + r[0].Title + " interpret the line differently"
			return got
		}
	}
	return first
}
