package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"overdue/internal/discover/crontab"
)

// crontabFile is a crontab as it was read.
type crontabFile struct {
	displayName    string // for people
	path           string // "" if only crontab(1) can edit it
	user           string // owner; "" if lines have a user column
	text           []byte
	entries        []crontab.Entry
	ignoredBecause string // why cron runs none of it; "" if it does
	daemons        crontab.DaemonSet
	userColumn     bool
}

// readCrontabs reads all crontabs.
func (m Machine) readCrontabs(ctx context.Context, f *Result) {
	if m.isLive() {
		for _, user := range m.crontabUsers(f) {
			m.readUserCrontab(ctx, f, user)
		}
	} else {
		m.readSpools(f)
	}
	system := f.daemons.Filter(func(r *crontab.DaemonRules) bool { return r.ReadsEtc })
	m.readSystemCrontab(f, "/etc/crontab", system, "")
	names, err := os.ReadDir(m.readPath("/etc/cron.d"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.addNote("/etc/cron.d: %s", withoutPath(err))
	}
	for _, entry := range names {
		m.readCronDFile(f, entry.Name(), system)
	}
}

// readCronDFile reads a file in /etc/cron.d if a daemon reads it.
func (m Machine) readCronDFile(f *Result, name string, system crontab.DaemonSet) {
	file := "/etc/cron.d/" + name
	ignored, readBy := "", system.Filter(func(r *crontab.DaemonRules) bool { return r.IgnoresFile(name) == "" })
	switch {
	case len(system) == 0: // readSystemCrontab adds a note
	case len(readBy) == 0:
		if !leftoverPattern.MatchString(name) {
			f.addNote("%s: %s ignores it: %s", file, system[0].Title, system[0].IgnoresFile(name))
		}
		return
	case strings.Contains(name, backupInfix):
		f.addNote("%s is a backup by overdue discover, and %s runs it too: move it out of /etc/cron.d", file, readBy[0].Title)
		return
	case len(readBy) < len(system):
		other := system.Filter(func(r *crontab.DaemonRules) bool { return r.IgnoresFile(name) != "" })[0]
		ignored = fmt.Sprintf("%s%s ignores the file (%s), and %s reads it", system.UncertaintyPrefix(), other.Title, other.IgnoresFile(name), readBy[0].Title)
	case len(system) == 1 && system[0].Daemon == crontab.SystemdCron && m.hasNativeTimer(name):
		ignored = "systemd-cron ignores the file, because there is a timer named " + name + ".timer"
	}
	m.readSystemCrontab(f, file, system, ignored)
}

// hasNativeTimer reports whether systemd-cron ignores a file of /etc/cron.d because of a timer of
// the same name.
func (m Machine) hasNativeTimer(name string) bool {
	return slices.ContainsFunc([]string{"/lib", "/etc", "/run"}, func(dir string) bool { return m.exists(dir + "/systemd/system/" + name + ".timer") })
}

// leftoverPattern matches files that need no note: placeholders, and files that packages, editors
// and Overdue leave there because cron ignores them.
var leftoverPattern = regexp.MustCompile(`^\.|\.dpkg-|~$|` + regexp.QuoteMeta(backupInfix))

// spoolDirs returns the directories with crontabs of users, and the daemons that read each.
func (f *Result) spoolDirs() map[string]crontab.DaemonSet {
	all := map[string]crontab.DaemonSet{}
	for _, r := range f.daemons {
		for _, dir := range r.SpoolDirs {
			all[dir] = append(all[dir], r)
		}
	}
	return all
}

// readSpools reads the crontabs of users in an image.
func (m Machine) readSpools(f *Result) {
	spools := f.spoolDirs()
	dirs := make([]string, 0, len(spools))
	for dir := range spools {
		if target, err := filepath.EvalSymlinks(m.readPath(dir)); err != nil || dir == "/var/spool/cron/crontabs" || target != m.readPath("/var/spool/cron/crontabs") {
			dirs = append(dirs, dir) // Alpine's /etc/crontabs can be a symlink to the other
		}
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		users := []string{m.User}
		if m.AllUsers {
			users = m.usersOfSpool(f, dir)
		}
		for _, user := range users {
			if filepath.Base(user) != user {
				continue
			}
			file := path.Join(dir, user)
			if text, ok := m.readFileOrNote(f, file); ok {
				f.addCrontab(m, crontabFile{displayName: "crontab of " + user, user: user, path: file, text: text, daemons: spools[dir]})
			}
		}
	}
}

// usersOfSpool returns the users that have a file in a spool directory.
func (m Machine) usersOfSpool(f *Result, dir string) []string {
	names, err := os.ReadDir(m.readPath(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.addNote("%s: %s", dir, withoutPath(err))
	}
	var users []string
	for _, entry := range names {
		name := entry.Name()
		if entry.Type().IsRegular() && !strings.HasPrefix(name, "tmp.") && !strings.ContainsAny(name, ".:#~") && name != "cron.update" {
			users = append(users, name)
		}
	}
	slices.Sort(users)
	return users
}

// crontabUsers returns the users whose crontabs are read on this machine.
func (m Machine) crontabUsers(f *Result) []string {
	if !m.AllUsers {
		return []string{m.User}
	}
	if os.Geteuid() > 0 && m.Command == nil {
		f.addNote("only root can read the crontabs of all users: only that of %s is read", m.User)
		return []string{m.User}
	}
	var users []string
	for dir := range f.spoolDirs() {
		users = append(users, m.usersOfSpool(f, dir)...)
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// readUserCrontab reads the crontab of a user with crontab(1).
func (m Machine) readUserCrontab(ctx context.Context, f *Result, user string) {
	if len(f.daemons) == 0 {
		return
	}
	t := crontabFile{displayName: "crontab of " + user, user: user, daemons: f.daemons}
	text, err := m.runCommand(ctx, "crontab", m.crontabArgs(user, "-l")...)
	switch {
	case err == nil:
		t.text = text
		f.addCrontab(m, t)
	case !strings.Contains(err.Error(), "no crontab for") && !strings.Contains(err.Error(), "can't open '"+user+"'"):
		f.addNote("%s: %v", t.displayName, err)
	}
}

// crontabArgs names the user only if it is another one, because only root can do that.
func (m Machine) crontabArgs(user string, args ...string) []string {
	if user == m.User {
		return args
	}
	return append([]string{"-u", user}, args...)
}

// readSystemCrontab reads a crontab with a user column, and notes why cron ignores it.
func (m Machine) readSystemCrontab(f *Result, path string, system crontab.DaemonSet, ignored string) {
	text, ok := m.readFileOrNote(f, path)
	if !ok {
		return
	}
	about, err := os.Stat(m.readPath(path))
	if err != nil {
		f.addNote("%s: %s", path, withoutPath(err))
		return
	}
	t := crontabFile{displayName: path, path: path, userColumn: true, text: text, daemons: system, ignoredBecause: ignored}
	uid, _ := fileOwner(about)
	mode := about.Mode().Perm()
	switch {
	case len(system) == 0 && f.unsupportedDaemon != "":
		t.ignoredBecause = f.unsupportedDaemon + " does not read it"
	case len(system) == 0:
		t.ignoredBecause = f.daemons[0].Title + " does not read it"
	case m.isLive() && uid > 0:
		t.ignoredBecause = "cron ignores the file, because its owner is not root"
	case mode&0o022 != 0:
		t.ignoredBecause = "cron ignores the file, because users other than its owner can write it"
	case mode&0o111 != 0 && system.Any(func(r *crontab.DaemonRules) bool { return r.IgnoresExecutable }):
		t.ignoredBecause = system.UncertaintyPrefix() + "cronie ignores the file, because it is executable"
	}
	f.addCrontab(m, t)
}

// addCrontab parses a crontab and adds it.
func (f *Result) addCrontab(m Machine, t crontabFile) {
	percent := t.daemons.Any(func(r *crontab.DaemonRules) bool { return r.PercentStartsStdin })
	empty := len(t.daemons) > 0 && t.daemons.All(func(r *crontab.DaemonRules) bool { return r.AllowsEmptyValue })
	t.entries = crontab.Parse(t.text, crontab.LineSyntax{UserColumn: t.userColumn, PercentStartsStdin: percent, AllowsEmptyValue: empty})
	if n := bytes.Count(t.text, []byte("\n")); n > crontab.MaxLines && t.daemons.Any(func(r *crontab.DaemonRules) bool { return r.Daemon == crontab.DebianCron }) {
		t.ignoredBecause = fmt.Sprintf("Debian's cron ignores the file, because it has more than %d lines", crontab.MaxLines)
	}
	if t.ignoredBecause == "" && t.daemons.Any(func(r *crontab.DaemonRules) bool { return r.RejectsWholeFile }) {
		t.ignoredBecause = m.wholeFileProblem(t)
	}
	if t.ignoredBecause != "" {
		f.addNote("%s: %s", t.displayName, t.ignoredBecause)
	}
	f.crontabs = append(f.crontabs, t)
}

// wholeFileProblem returns why Debian's cron ignores a whole file, or "" if it reads it.
func (m Machine) wholeFileProblem(t crontabFile) string {
	const ignores = "Debian's cron ignores the whole file, because "
	if last := t.text[bytes.LastIndexByte(t.text, '\n')+1:]; len(bytes.Trim(last, " \t")) > 0 && bytes.TrimLeft(last, " \t")[0] != '#' {
		return t.daemons.UncertaintyPrefix() + ignores + "its last line has no newline: add one"
	}
	for _, e := range t.entries {
		fields := strings.Fields(e.Schedule)
		why := ""
		switch {
		case e.Schedule == "@reboot":
		case crontab.ParseDebianSchedule(fields, "", m.Now).Rejected:
			why = crontab.ParseDebianSchedule(fields, "", m.Now).Problem
		case t.userColumn && m.isUnknownUser(e.User):
			why = "there is no user “" + e.User + "”"
		case t.userColumn && e.Invalid:
			why = "there is no command after the schedule"
		}
		if why != "" {
			return fmt.Sprintf("%s%sof line %d: %s", t.daemons.UncertaintyPrefix(), ignores, e.LineNumber, strings.TrimPrefix(why, "Debian's cron "))
		}
	}
	return ""
}

var userNamePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*\$?$`)

// isUnknownUser reports whether the machine certainly has no such user.
func (m Machine) isUnknownUser(name string) bool {
	if !userNamePattern.MatchString(name) || slices.Contains(preparatoryCommands, name) {
		return true
	}
	text, err := m.readText("/etc/passwd")
	if err != nil || bytes.HasPrefix(text, []byte(name+":")) || bytes.Contains(text, []byte("\n"+name+":")) {
		return false
	}
	if !m.isLive() {
		return true
	}
	_, err = m.runCommand(context.Background(), "getent", "passwd", name) // the user can be in LDAP, for example
	return err != nil
}

// loginShellOf returns the login shell of a user in /etc/passwd, or "" if it is not known.
func (m Machine) loginShellOf(user string) string {
	text, err := m.readText("/etc/passwd")
	if err != nil {
		return ""
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if columns := strings.Split(line, ":"); len(columns) == 7 && columns[0] == user {
			return columns[6]
		}
	}
	return ""
}

func (m Machine) exists(path string) bool {
	_, err := os.Stat(m.readPath(path))
	return err == nil
}

// startsWithoutShell reports whether a command can start without a shell: it has only plain words,
// and its program is a binary or names its interpreter. Only a shell can run a script without such
// a line.
func (m Machine) startsWithoutShell(command string) bool {
	if !plainCommandPattern.MatchString(command) {
		return false
	}
	file, err := openRegular(m.readPath(strings.Fields(command)[0]))
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, 4)
	n, _ := file.Read(start) // an unreadable file is empty
	return bytes.HasPrefix(start[:n], []byte("#!")) || bytes.HasPrefix(start[:n], []byte("\x7fELF"))
}
