package discover

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// installedDaemon is a cron daemon that was found.
type installedDaemon struct {
	daemon  Daemon
	version string // "" if it is not known
}

// String is the daemon for people.
func (i installedDaemon) String() string {
	return strings.TrimSpace(string(i.daemon) + " " + i.version)
}

// detectDaemons decides which daemons read the crontabs of this machine: the one that was given, the one that was
// found, or, if none or several were found, all candidates.
func (m Machine) detectDaemons(f *Result) daemonSet {
	if m.Daemon != "" {
		f.Daemon = string(m.Daemon) + " (as given)"
		return daemonSet{rulesOf(m.Daemon)}
	}
	found := m.installedDaemons()
	if running := m.runningDaemons(found); len(running) == 1 {
		found = running
	}
	var names []string
	var read daemonSet
	for _, one := range found {
		names = append(names, one.String())
		if r := rulesOf(one.daemon); r != nil {
			read = append(read, r)
		}
	}
	switch {
	case len(found) == 0:
		f.Daemon = "unknown" + uncertainSuffix
	case len(read) == 0:
		f.Daemon = strings.Join(names, ", ")
		f.unsupportedDaemon = names[0]
		return nil
	case len(found) == 1:
		f.Daemon = names[0]
		f.daemonVersion = found[0].version
		return read
	default:
		f.Daemon = strings.Join(names, " and ") + uncertainSuffix
		return read
	}
	return daemonSet(knownDaemons)
}

// uncertainSuffix follows the names of the daemons if it is not certain which one runs.
const uncertainSuffix = ": only lines that mean the same to every daemon are offered; --cron-daemon says which one runs here"

// installedDaemons finds daemons by files that only one package has, and by the package databases.
func (m Machine) installedDaemons() []installedDaemon {
	packages := m.packageVersions()
	var found []installedDaemon
	add := func(d Daemon, version string) {
		if !slices.ContainsFunc(found, func(i installedDaemon) bool { return i.daemon == d }) {
			found = append(found, installedDaemon{d, firstNonEmpty(packages[string(d)], version)})
		}
	}
	for _, dir := range []string{"/lib", "/usr/lib"} {
		if m.exists(dir + "/systemd/system-generators/systemd-crontab-generator") {
			add(SystemdCron, "")
		}
	}
	if m.exists("/usr/sbin/bcron-sched") || m.exists("/usr/bin/bcron-sched") {
		add(Bcron, "")
	}
	if m.exists("/usr/sbin/fcron") || m.exists("/usr/bin/fcron") {
		add("fcron", "")
	}
	for _, path := range []string{"/usr/sbin/cron", "/usr/sbin/crond", "/usr/bin/crond", "/sbin/crond"} {
		if d, version := m.daemonOfBinary(path); d != "" {
			add(d, version)
		}
	}
	return found
}

// Texts in the binaries of the daemons: name and version, or a message that no other daemon has.
var (
	cronieVersionPattern  = regexp.MustCompile(`cronie ([0-9]+\.[0-9.]+)`)
	busyboxVersionPattern = regexp.MustCompile(`BusyBox v([0-9]+\.[0-9.]+)`)
	debianCronMessage     = []byte("Missing newline before EOF, this crontab file will be ignored")
)

// daemonOfBinary returns which daemon a program is, by texts in it, without running it.
func (m Machine) daemonOfBinary(path string) (Daemon, string) {
	file, err := openRegular(m.readPath(path))
	if err != nil {
		return "", ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileSize))
	if err != nil {
		return "", ""
	}
	if found := busyboxVersionPattern.FindSubmatch(text); found != nil {
		return BusyBox, string(found[1])
	}
	if found := cronieVersionPattern.FindSubmatch(text); found != nil {
		return Cronie, string(found[1])
	}
	if bytes.Contains(text, debianCronMessage) {
		return DebianCron, ""
	}
	return "", ""
}

// packageVersions are the versions of the packages that dpkg or apk installed.
func (m Machine) packageVersions() map[string]string {
	all := map[string]string{}
	if text, err := m.readText("/var/lib/dpkg/status"); err == nil {
		for paragraph := range strings.SplitSeq(string(text), "\n\n") {
			if control := parseParagraph(paragraph, ": "); strings.HasSuffix(control["Status"], " installed") {
				all[control["Package"]] = control["Version"]
			}
		}
	}
	if text, err := m.readText("/lib/apk/db/installed"); err == nil {
		for paragraph := range strings.SplitSeq(string(text), "\n\n") {
			entry := parseParagraph(paragraph, ":")
			all[entry["P"]] = entry["V"]
		}
	}
	return all
}

// parseParagraph reads the lines of a paragraph that have a name and a value.
func parseParagraph(text, separator string) map[string]string {
	values := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, separator); ok && !strings.HasPrefix(line, " ") {
			values[name] = value
		}
	}
	return values
}

// runningDaemons returns the installed daemons that run on this machine. systemd-cron has no process: it counts
// as running if systemd has timers for its crontabs.
func (m Machine) runningDaemons(found []installedDaemon) []installedDaemon {
	proc := m.ProcDir
	if proc == "" {
		if !m.isLive() {
			return nil
		}
		proc = "/proc"
	}
	programs, err := filepath.Glob(proc + "/[0-9]*/exe")
	if err != nil {
		return nil // only for a malformed pattern
	}
	running := map[Daemon]bool{SystemdCron: m.exists("/run/systemd/generator/cron.target.wants")}
	for _, link := range programs {
		target, err := os.Readlink(link)
		if err != nil {
			continue // a process of another user, or one that has ended
		}
		switch filepath.Base(target) {
		case "cron", "crond", "busybox":
			if d, _ := (Machine{}).daemonOfBinary(target); d != BusyBox || isBusyBoxCrond(filepath.Dir(link)) {
				running[d] = true
			}
		case "bcron-sched":
			running[Bcron] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(found), func(i installedDaemon) bool { return !running[i.daemon] })
}

// isBusyBoxCrond reports whether a process of busybox is its crond and not another of its programs.
func isBusyBoxCrond(process string) bool {
	text, err := os.ReadFile(process + "/cmdline")
	if err != nil {
		return false
	}
	words := strings.Split(string(text), "\x00")
	return filepath.Base(words[0]) == "crond" || len(words) > 1 && words[1] == "crond"
}

// addDaemonNotes adds notes about the daemons that were found.
func (m Machine) addDaemonNotes(f *Result) {
	switch {
	case f.unsupportedDaemon != "":
		f.addNote("%s keeps its jobs in tables of another format, which discover does not read; it does not read these crontabs", f.unsupportedDaemon)
	case len(f.daemons) == 1 && f.daemons[0].daemon == SystemdCron && f.daemonVersion != "" && !strings.HasPrefix(f.daemonVersion, "1.15") && !strings.HasPrefix(f.daemonVersion, "2.5"):
		f.addNote("the rules for systemd-cron are those of versions 1.15 and 2.5; this is %s", f.daemonVersion)
	}
	if m.exists("/etc/anacrontab") && m.exists("/usr/sbin/anacron") {
		f.addNote("/etc/anacrontab: discover does not read its jobs, because they have no fixed time; use a heartbeat with an interval")
	}
}
