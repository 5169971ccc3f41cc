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
)

// table is a crontab as it was read.
type table struct {
	shown    string // for people
	path     string // of its file; "" where only crontab(1) may touch it
	user     string // whose it is; "" where lines have that column
	text     []byte
	entries  []entry
	ignored  string // why cron runs nothing of it; "" if it does
	readers  readers
	withUser bool
}

// readTables reads all crontabs.
func (m Machine) readTables(ctx context.Context, f *Found) {
	if m.live() {
		for _, user := range m.users(f) {
			m.readUser(ctx, f, user)
		}
	} else {
		m.readSpools(f)
	}
	system := f.readers.where(func(r *rules) bool { return r.system })
	m.readSystem(f, "/etc/crontab", system, "")
	names, err := os.ReadDir(m.resolve("/etc/cron.d"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.note("/etc/cron.d: %s", reason(err))
	}
	for _, entry := range names {
		m.readDropped(f, entry.Name(), system)
	}
}

// readDropped reads a file in /etc/cron.d if a daemon reads it.
func (m Machine) readDropped(f *Found, name string, system readers) {
	file := "/etc/cron.d/" + name
	ignored, readBy := "", system.where(func(r *rules) bool { return r.ignores(name) == "" })
	switch {
	case len(system) == 0: // readSystem says so
	case len(readBy) == 0:
		if !leftover.MatchString(name) {
			f.note("%s: %s ignores it: %s", file, system[0].title, system[0].ignores(name))
		}
		return
	case strings.Contains(name, backupMark):
		f.note("%s is a copy that overdue discover made, and %s runs it too: move it out of /etc/cron.d", file, readBy[0].title)
		return
	case len(readBy) < len(system):
		other := system.where(func(r *rules) bool { return r.ignores(name) != "" })[0]
		ignored = fmt.Sprintf("%s%s ignores the file (%s), and %s reads it", system.uncertain(), other.title, other.ignores(name), readBy[0].title)
	case len(system) == 1 && system[0].daemon == SystemdCron && m.native(name):
		ignored = "systemd-cron ignores the file, because there is a timer named " + name + ".timer"
	}
	m.readSystem(f, file, system, ignored)
}

// native reports whether systemd-cron leaves a file of /etc/cron.d alone for a timer of the same name.
func (m Machine) native(name string) bool {
	return slices.ContainsFunc([]string{"/lib", "/etc", "/run"}, func(dir string) bool { return m.exists(dir + "/systemd/system/" + name + ".timer") })
}

// leftover is not worth a note: placeholders, and what packages, editors and we
// leave there because cron ignores it.
var leftover = regexp.MustCompile(`^\.|\.dpkg-|~$|` + regexp.QuoteMeta(backupMark))

// spools are the directories with the crontabs of users, and who reads each.
func (f *Found) spools() map[string]readers {
	all := map[string]readers{}
	for _, r := range f.readers {
		for _, dir := range r.spools {
			all[dir] = append(all[dir], r)
		}
	}
	return all
}

// readSpools reads the crontabs of users in an image.
func (m Machine) readSpools(f *Found) {
	spools := f.spools()
	dirs := make([]string, 0, len(spools))
	for dir := range spools {
		if target, err := filepath.EvalSymlinks(m.resolve(dir)); err != nil || dir == "/var/spool/cron/crontabs" || target != m.resolve("/var/spool/cron/crontabs") {
			dirs = append(dirs, dir) // Alpine's /etc/crontabs may be a link to the other
		}
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		users := []string{m.User}
		if m.AllUsers {
			users = m.usersIn(f, dir)
		}
		for _, user := range users {
			if filepath.Base(user) != user {
				continue
			}
			file := path.Join(dir, user)
			if text, ok := m.readFile(f, file); ok {
				f.add(m, table{shown: "crontab of " + user, user: user, path: file, text: text, readers: spools[dir]})
			}
		}
	}
}

// usersIn returns the users that have a file in a spool directory.
func (m Machine) usersIn(f *Found, dir string) []string {
	names, err := os.ReadDir(m.resolve(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.note("%s: %s", dir, reason(err))
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

// users returns the users whose crontabs are read on this machine.
func (m Machine) users(f *Found) []string {
	if !m.AllUsers {
		return []string{m.User}
	}
	if os.Geteuid() > 0 && m.Command == nil {
		f.note("only root may read the crontabs of all users: only that of %s is read", m.User)
		return []string{m.User}
	}
	var users []string
	for dir := range f.spools() {
		users = append(users, m.usersIn(f, dir)...)
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// readUser reads the crontab of a user through crontab(1).
func (m Machine) readUser(ctx context.Context, f *Found, user string) {
	if len(f.readers) == 0 {
		return
	}
	t := table{shown: "crontab of " + user, user: user, readers: f.readers}
	text, err := m.run(ctx, "crontab", m.crontabArgs(user, "-l")...)
	switch {
	case err == nil:
		t.text = text
		f.add(m, t)
	case !strings.Contains(err.Error(), "no crontab for") && !strings.Contains(err.Error(), "can't open '"+user+"'"):
		f.note("%s: %v", t.shown, err)
	}
}

// crontabArgs names another user only where it must: who is not root may not.
func (m Machine) crontabArgs(user string, args ...string) []string {
	if user == m.User {
		return args
	}
	return append([]string{"-u", user}, args...)
}

// readSystem reads a crontab with a user column, and notes what keeps cron from
// reading it as well.
func (m Machine) readSystem(f *Found, path string, system readers, ignored string) {
	text, ok := m.readFile(f, path)
	if !ok {
		return
	}
	about, err := os.Stat(m.resolve(path))
	if err != nil {
		f.note("%s: %s", path, reason(err))
		return
	}
	t := table{shown: path, path: path, withUser: true, text: text, readers: system, ignored: ignored}
	uid, _ := ownerOf(about)
	mode := about.Mode().Perm()
	switch {
	case len(system) == 0 && f.foreign != "":
		t.ignored = f.foreign + " does not read it"
	case len(system) == 0:
		t.ignored = f.readers[0].title + " does not read it"
	case m.live() && uid > 0:
		t.ignored = "cron ignores the file, because its owner is not root"
	case mode&0o022 != 0:
		t.ignored = "cron ignores the file, because others than its owner may write it"
	case mode&0o111 != 0 && system.any(func(r *rules) bool { return r.noExecBit }):
		t.ignored = system.uncertain() + "cronie ignores the file, because it is executable"
	}
	f.add(m, t)
}

// add reads the lines of a crontab.
func (f *Found) add(m Machine, t table) {
	percent := t.readers.any(func(r *rules) bool { return r.percent })
	empty := len(t.readers) > 0 && t.readers.all(func(r *rules) bool { return r.emptyValue })
	t.entries = readCrontab(t.text, syntax{withUser: t.withUser, percent: percent, emptyValue: empty})
	if n := bytes.Count(t.text, []byte("\n")); n > mostLines && t.readers.any(func(r *rules) bool { return r.daemon == DebianCron }) {
		t.ignored = fmt.Sprintf("Debian's cron ignores the file, because it has more than %d lines", mostLines)
	}
	if t.ignored == "" && t.readers.any(func(r *rules) bool { return r.wholeFile }) {
		t.ignored = m.unreadableFile(t)
	}
	if t.ignored != "" {
		f.note("%s: %s", t.shown, t.ignored)
	}
	f.tables = append(f.tables, t)
}

// unreadableFile returns why Debian's cron ignores a whole file, or "" if it reads it.
func (m Machine) unreadableFile(t table) string {
	const ignores = "Debian's cron ignores the whole file, because "
	if last := t.text[bytes.LastIndexByte(t.text, '\n')+1:]; len(bytes.Trim(last, " \t")) > 0 && bytes.TrimLeft(last, " \t")[0] != '#' {
		return t.readers.uncertain() + ignores + "its last line has no line end: add one"
	}
	for _, e := range t.entries {
		fields := strings.Fields(e.schedule)
		why := ""
		switch {
		case e.schedule == "@reboot":
		case debianSchedule(fields, "", m.Now).invalid:
			why = debianSchedule(fields, "", m.Now).problem
		case t.withUser && m.noUser(e.user):
			why = "there is no user “" + e.user + "”"
		case t.withUser && e.invalid:
			why = "there is no command after the schedule"
		}
		if why != "" {
			return fmt.Sprintf("%s%sof line %d: %s", t.readers.uncertain(), ignores, e.number, strings.TrimPrefix(why, "Debian's cron "))
		}
	}
	return ""
}

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*\$?$`)

// noUser reports whether it is certain that the machine has no such user.
func (m Machine) noUser(name string) bool {
	if !userName.MatchString(name) || slices.Contains(preludes, name) {
		return true
	}
	text, err := m.text("/etc/passwd")
	if err != nil || bytes.HasPrefix(text, []byte(name+":")) || bytes.Contains(text, []byte("\n"+name+":")) {
		return false
	}
	if !m.live() {
		return true
	}
	_, err = m.run(context.Background(), "getent", "passwd", name) // the user may be in LDAP or the like
	return err != nil
}

// shellOf returns the login shell of a user in /etc/passwd, or "" if it is not known.
func (m Machine) shellOf(user string) string {
	text, err := m.text("/etc/passwd")
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
	_, err := os.Stat(m.resolve(path))
	return err == nil
}

// startable reports whether a command can be started without a shell: it is
// words only, and its program is a binary or names its interpreter. A shell runs even a
// script without such a line; nobody else does.
func (m Machine) startable(command string) bool {
	if !wordsOnly.MatchString(command) {
		return false
	}
	file, err := openPlain(m.resolve(strings.Fields(command)[0]))
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, 4)
	n, _ := file.Read(start) // a file that cannot be read begins with nothing
	return bytes.HasPrefix(start[:n], []byte("#!")) || bytes.HasPrefix(start[:n], []byte("\x7fELF"))
}
