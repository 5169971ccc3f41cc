package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	withUser bool
	text     []byte
	entries  []entry
	ignored  string // why cron runs nothing of it; "" if it does
}

const spool = "/var/spool/cron/crontabs"

// readTables reads all crontabs.
func (m Machine) readTables(ctx context.Context, f *Found) {
	for _, user := range m.users(f) {
		m.readUser(ctx, f, user)
	}
	m.readSystem(f, "/etc/crontab")
	names, err := os.ReadDir(m.resolve("/etc/cron.d"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.note("/etc/cron.d: %s", reason(err))
	}
	for _, entry := range names {
		path := "/etc/cron.d/" + entry.Name()
		switch {
		case leftover.MatchString(entry.Name()):
		case !cronName.MatchString(entry.Name()):
			f.note("%s: cron ignores it, for its name: only letters, digits, dashes and underscores may be in it", path)
		default:
			m.readSystem(f, path)
		}
	}
}

// cronName is what Debian's cron reads in /etc/cron.d (cron(8)).
var cronName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// leftover is not worth a note: placeholders, and what packages, editors and we
// leave there because cron ignores it.
var leftover = regexp.MustCompile(`^\.|\.dpkg-|~$|` + regexp.QuoteMeta(backupMark))

// users are those whose crontabs are read.
func (m Machine) users(f *Found) []string {
	if !m.AllUsers {
		return []string{m.User}
	}
	names, err := os.ReadDir(m.resolve(spool))
	if err != nil {
		f.note("%s: %s; only root may read the crontabs of everybody", spool, reason(err))
		return []string{m.User}
	}
	users := make([]string, 0, len(names))
	for _, entry := range names {
		if entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), "tmp.") && !strings.Contains(entry.Name(), backupMark) {
			users = append(users, entry.Name())
		}
	}
	slices.Sort(users)
	return users
}

// readUser reads the crontab of a user: through crontab(1) on this machine, in the
// spool below another root.
func (m Machine) readUser(ctx context.Context, f *Found, user string) {
	t := table{shown: "crontab of " + user, user: user}
	if !m.live() {
		if filepath.Base(user) != user {
			return
		}
		t.path = filepath.Join(spool, user)
		text, ok := m.readFile(f, t.path)
		if ok {
			t.text = text
			f.add(t)
		}
		return
	}
	text, err := m.run(ctx, "crontab", m.crontabArgs(user, "-l")...)
	switch {
	case err == nil:
		t.text = text
		f.add(t)
	case !strings.Contains(err.Error(), "no crontab for"):
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
func (m Machine) readSystem(f *Found, path string) {
	text, ok := m.readFile(f, path)
	if !ok {
		return
	}
	about, err := os.Stat(m.resolve(path))
	if err != nil {
		f.note("%s: %s", path, reason(err))
		return
	}
	t := table{shown: path, path: path, withUser: true, text: text}
	if uid, _ := ownerOf(about); m.live() && uid > 0 {
		t.ignored = "cron ignores the file, because its owner is not root"
	}
	if about.Mode().Perm()&0o022 != 0 {
		t.ignored = "cron ignores the file, because others than its owner may write it"
	}
	f.add(t)
}

// add reads the lines of a crontab.
func (f *Found) add(t table) {
	t.entries = readCrontab(t.text, t.withUser)
	if n := bytes.Count(t.text, []byte("\n")); n > mostLines {
		t.ignored = fmt.Sprintf("Debian's cron ignores the file, because it has more than %d lines", mostLines)
	}
	if t.ignored != "" {
		f.note("%s: %s", t.shown, t.ignored)
	}
	f.tables = append(f.tables, t)
}

// addEntries makes jobs of the lines of a crontab.
func (f *Found) addEntries(m Machine, i int, zone string) {
	t := f.tables[i]
	for _, e := range t.entries {
		j := Job{
			Source: t.shown, Line: e.number, User: firstOf(e.user, t.user), Command: e.command, Zone: zone,
			Cron: []string{e.schedule}, Problem: firstOf(t.ignored, e.problem), Wired: pings.MatchString(e.command),
			place: place{table: i, entry: e, direct: m.startable(e.command)},
		}
		switch {
		case j.Problem != "" || j.Wired:
		case !knownShell(e.shell):
			j.Problem = "SHELL is " + e.shell + ", whose quoting is not known here"
		case e.ownZone != "" && m.Zone == "":
			j.Problem = "CRON_TZ stands above it, which Debian's cron ignores and others obey: say which zone is meant with --timezone"
		case strings.Contains(e.command, "/usr/sbin/anacron") && strings.Contains(e.command, "||") && m.exists("/usr/sbin/anacron"):
			j.Problem = "does nothing here: anacron is installed and runs it instead"
		}
		f.Jobs = append(f.Jobs, j)
		if _, err := j.schedule(); err != nil && e.problem == "" {
			what := "the schedule cannot be read; Debian's cron ignores a whole file for one line that it cannot read"
			if strings.Contains(e.schedule, "~") {
				what = "a random range (~) has no fixed time: cronie and OpenBSD cron run the line, Debian's cron ignores the whole file for it"
			}
			f.note("%s, line %d: %s", t.shown, e.number, what)
		}
	}
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
