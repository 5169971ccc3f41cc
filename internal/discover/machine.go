package discover

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"

	"overdue/internal/schedule"
)

// Machine is where to look. Root, Host and User are needed; the rest has
// defaults.
type Machine struct {
	Root     string     // read the files below this directory and run no command; "" is this machine
	Host     string     // becomes part of names and slugs
	User     string     // whose crontab is read
	Home     string     // that user's, for user timers; "" looks for none
	StateDir string     // directory for copies of crontabs that are no files
	Zone     string     // of the schedules; "" asks the machine
	AllUsers bool       // read the crontabs of everybody, which only root may
	Daemon   Daemon     // the cron daemon; "" detects it
	Method   PingMethod // what will ping: with curl, jobs are left alone where it is too old
	ProcDir  string     // directory of running processes; "" is /proc on this machine, and none for an image
	Now      time.Time

	// Command runs a program; nil runs it for real.
	Command func(ctx context.Context, name string, args ...string) ([]byte, error)
}

// Result is what Look found.
type Result struct {
	Jobs  []Job
	Notes []string // one sentence each: what could not be read, what cron will not run

	// Daemon is the cron daemon that was found, with its version, such as "cronie 1.6.1", or why
	// none was.
	Daemon string

	crontabs          []crontabFile
	daemons           daemonSet // the daemons whose rules hold
	unsupportedDaemon string    // the only daemon that was found, if its rules are not known
	daemonVersion     string    // of the daemon, if there is one
}

// HasCrontabs reports whether there is a job in a crontab.
func (f *Result) HasCrontabs() bool {
	return slices.ContainsFunc(f.Jobs, func(j Job) bool { return j.Line > 0 })
}

func (f *Result) addNote(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// maxFileSize is the biggest file that is read. Debian's cron takes 10,000 lines
// of 1,000 bytes.
const maxFileSize = 16 << 20

// Discover reads all that the machine's schedulers read and that we may. What may not
// be read becomes a note. The error is for what leaves nothing to say, such
// as a time zone that does not exist.
func (m Machine) Discover(ctx context.Context) (*Result, error) {
	f := &Result{}
	zone, err := m.timeZone(f)
	if err != nil {
		return nil, err
	}
	f.daemons = m.detectDaemons(f)
	m.addDaemonNotes(f)
	m.readCrontabs(ctx, f)
	for i := range f.crontabs {
		f.addCrontabJobs(m, i, zone)
	}
	m.readTimers(ctx, f, zone)
	for i := range f.Jobs {
		j := &f.Jobs[i]
		j.resolveSchedule(m.Now)
		if zone == "" && j.Problem == "" && j.Interval == 0 {
			j.Problem = "the time zone of this machine has no name in /etc/localtime or /etc/timezone: give --timezone"
		}
	}
	m.checkCurl(ctx, f)
	nameJobs(f.Jobs, m.Host)
	return f, nil
}

// timeZone is the time zone that the schedulers use, "" if it has no name. Debian's cron
// and systemd ask the C library, which reads /etc/localtime; older start
// scripts of cron took /etc/timezone (cron(8)).
func (m Machine) timeZone(f *Result) (string, error) {
	if m.Zone != "" {
		zone, err := schedule.CanonicalZone(m.Zone)
		if err != nil {
			return "", fmt.Errorf("time zone: %w", err)
		}
		return zone, nil
	}
	local := ""
	if target, err := os.Readlink(filepath.Join(m.readPath("/etc"), "localtime")); err == nil {
		if _, name, ok := strings.Cut(target, "zoneinfo/"); ok {
			local = canonicalZone(name)
		}
	}
	text, _ := os.ReadFile(m.readPath("/etc/timezone")) // there need not be one
	written := ""
	if s := strings.TrimSpace(string(text)); s != "" {
		written = canonicalZone(s)
	}
	if local != "" && written != "" && local != written {
		f.addNote("/etc/localtime says %s and /etc/timezone says %s; the first is taken", local, written)
	}
	if local == "" && written == "" {
		// The C library and systemd take UTC, as most images of containers do.
		if _, err := os.Lstat(filepath.Join(m.readPath("/etc"), "localtime")); errors.Is(err, fs.ErrNotExist) {
			f.addNote("there is no /etc/localtime: schedules are in UTC")
			return "UTC", nil
		}
	}
	return firstNonEmpty(local, written), nil
}

// canonicalZone is the name that a zone has today, "" if there is none of this name.
func canonicalZone(name string) string {
	zone, err := schedule.CanonicalZone(name)
	if err != nil {
		return ""
	}
	return zone
}

// writePath returns the path where a file of the machine is written.
func (m Machine) writePath(path string) string { return filepath.Join(m.Root, path) }

// readPath returns the path where a file of the machine is read. It follows the
// symbolic links of an image inside the image, so that none leads to a file of the
// host.
func (m Machine) readPath(path string) string {
	if m.isLive() {
		return path
	}
	resolved, err := securejoin.SecureJoin(m.Root, path)
	if err != nil {
		return m.writePath(path) // a loop, or a directory that cannot be read: reading the file fails the same way
	}
	return resolved
}

// isLive reports whether commands of the machine may be asked.
func (m Machine) isLive() bool { return m.Root == "" }

// runCommand runs a command in the plain language of programs. The error holds what the
// command said.
func (m Machine) runCommand(ctx context.Context, name string, args ...string) ([]byte, error) {
	if m.Command != nil {
		return m.Command(ctx, name, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		if said := strings.TrimSpace(complaint.String()); said != "" {
			return nil, fmt.Errorf("%s: %s", name, strings.ReplaceAll(said, "\n", "; "))
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out.Bytes(), nil
}

// readFileOrNote reads a file that is not absurdly big. It is false when there is none,
// or a note says why it could not be read.
func (m Machine) readFileOrNote(f *Result, path string) ([]byte, bool) {
	about, err := os.Stat(m.readPath(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false
	case err == nil && !about.Mode().IsRegular():
		f.addNote("%s is not a plain file: not read", path)
		return nil, false
	case err == nil && about.Size() > maxFileSize:
		f.addNote("%s is bigger than cron takes: not read", path)
		return nil, false
	}
	text, err := m.readText(path)
	if err != nil {
		f.addNote("%s: %s", path, withoutPath(err))
		return nil, false
	}
	return text, true
}

// Hostname is the name of the machine. An image without /etc/hostname has that of
// the machine that reads it.
func (m Machine) Hostname() (string, error) {
	if !m.isLive() {
		if text, err := m.readText("/etc/hostname"); err == nil {
			if name := strings.TrimSpace(string(text)); name != "" {
				return name, nil
			}
		}
	}
	return os.Hostname()
}

// readText is what a plain file has in it, up to the biggest that is read.
func (m Machine) readText(path string) ([]byte, error) {
	file, err := openRegular(m.readPath(path))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFileSize))
}

// errNotRegular says that a path leads to no plain file.
var errNotRegular = errors.New("is not a plain file")

// openRegular opens a plain file to read it. Anybody may name any path in a crontab of
// their own: to open a pipe would wait for ever, and to open a device may do what
// it is for. So it is looked at first, and again when it is open, in case it was exchanged.
func openRegular(path string) (*os.File, error) {
	if about, err := os.Stat(path); err != nil || !about.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: cmp.Or(err, errNotRegular)}
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if about, err := file.Stat(); err != nil || !about.Mode().IsRegular() {
		return nil, errors.Join(&fs.PathError{Op: "open", Path: path, Err: cmp.Or(err, errNotRegular)}, file.Close())
	}
	return file, nil
}

// withoutPath is an error without the path, which the sentence has already.
func withoutPath(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
