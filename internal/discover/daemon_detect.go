package discover

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"overdue/internal/discover/crontab"
)

// installedDaemon is a cron daemon that was found.
type installedDaemon struct {
	daemon  crontab.Daemon
	version string // "" if it is not known
}

// String returns the daemon with its version.
func (i installedDaemon) String() string {
	return strings.TrimSpace(string(i.daemon) + " " + i.version)
}

// detectDaemons returns the daemons that read the crontabs of this machine: the configured one, the
// one that was found, or all candidates if none or several were found.
func (m Machine) detectDaemons(f *Result) crontab.DaemonSet {
	if m.Daemon != "" {
		f.Daemon = string(m.Daemon) + " (as given)"
		return crontab.DaemonSet{crontab.RulesOf(m.Daemon)}
	}
	found := m.installedDaemons()
	if running := m.runningDaemons(found); len(running) == 1 {
		found = running
	}
	var names []string
	var read crontab.DaemonSet
	for _, one := range found {
		names = append(names, one.String())
		if r := crontab.RulesOf(one.daemon); r != nil {
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
	return crontab.DaemonSet(crontab.KnownDaemons)
}

// uncertainSuffix follows the names of the daemons if it is not certain which one runs.
const uncertainSuffix = ": only lines with the same meaning in every daemon are offered; set --cron-daemon to the one that runs here"

// installedDaemons finds daemons by files that only one package has, and by the package databases.
func (m Machine) installedDaemons() []installedDaemon {
	packages := m.packageVersions()
	var found []installedDaemon
	add := func(d crontab.Daemon, version string) {
		if !slices.ContainsFunc(found, func(i installedDaemon) bool { return i.daemon == d }) {
			found = append(found, installedDaemon{d, cmp.Or(packages[string(d)], version)})
		}
	}
	for _, dir := range []string{"/lib", "/usr/lib"} {
		if m.exists(dir + "/systemd/system-generators/systemd-crontab-generator") {
			add(crontab.SystemdCron, "")
		}
	}
	if m.exists("/usr/sbin/bcron-sched") || m.exists("/usr/bin/bcron-sched") {
		add(crontab.Bcron, "")
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

// daemonOfBinary identifies a daemon by texts in its binary, without running it.
func (m Machine) daemonOfBinary(path string) (crontab.Daemon, string) {
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
		return crontab.BusyBox, string(found[1])
	}
	if found := cronieVersionPattern.FindSubmatch(text); found != nil {
		return crontab.Cronie, string(found[1])
	}
	if bytes.Contains(text, debianCronMessage) {
		return crontab.DebianCron, ""
	}
	return "", ""
}

// packageVersions returns the versions of the packages that dpkg or apk installed.
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

// parseParagraph parses the lines of a paragraph that have a name and a value.
func parseParagraph(text, separator string) map[string]string {
	values := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, separator); ok && !strings.HasPrefix(line, " ") {
			values[name] = value
		}
	}
	return values
}

// runningDaemons returns the installed daemons that run on this machine. systemd-cron has no
// process: it counts as running if systemd has timers for its crontabs.
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
	running := map[crontab.Daemon]bool{crontab.SystemdCron: m.exists("/run/systemd/generator/cron.target.wants")}
	for _, link := range programs {
		target, err := os.Readlink(link)
		if err != nil {
			continue // another user's process, or one that has ended
		}
		switch filepath.Base(target) {
		case "cron", "crond", "busybox":
			if d, _ := (Machine{}).daemonOfBinary(target); d != crontab.BusyBox || isBusyBoxCrond(filepath.Dir(link)) {
				running[d] = true
			}
		case "bcron-sched":
			running[crontab.Bcron] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(found), func(i installedDaemon) bool { return !running[i.daemon] })
}

// isBusyBoxCrond reports whether a busybox process is its crond.
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
		f.addNote("%s uses tables in another format, which discover does not support, and does not read these crontabs", f.unsupportedDaemon)
	case len(f.daemons) == 1 && f.daemons[0].Daemon == crontab.SystemdCron && f.daemonVersion != "" && !strings.HasPrefix(f.daemonVersion, "1.15") && !strings.HasPrefix(f.daemonVersion, "2.5"):
		f.addNote("the rules for systemd-cron are those of versions 1.15 and 2.5; this is %s", f.daemonVersion)
	}
	if m.exists("/etc/anacrontab") && m.exists("/usr/sbin/anacron") {
		f.addNote("/etc/anacrontab: discover does not read its jobs, because they have no fixed time; use a heartbeat with an interval")
	}
}
