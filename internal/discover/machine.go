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

	"overdue/internal/discover/crontab"
	"overdue/internal/schedule"
)

// Machine describes where to look. Root, Host and User are required; the rest is optional.
type Machine struct {
	Root     string         // read the files in this directory and run no command; "" means this machine
	Host     string         // part of names and slugs
	User     string         // user whose crontab is read
	Home     string         // home of that user, for user timers; "" skips them
	StateDir string         // directory for backups of crontabs
	Zone     string         // of the schedules; "" uses the zone of the machine
	AllUsers bool           // read the crontabs of all users, which requires root
	Daemon   crontab.Daemon // the cron daemon; "" detects it
	Method   PingMethod     // what sends the pings: with curl, jobs are rejected if it is too old
	ProcDir  string         // directory of running processes; "" is /proc on this machine, and none for an image
	Now      time.Time

	// Command runs a program. nil runs the real program.
	Command func(ctx context.Context, name string, args ...string) ([]byte, error)
}

// Result is the result of Discover.
type Result struct {
	Jobs  []Job
	Notes []string // one sentence each: what could not be read, what cron does not run

	// Daemon is the cron daemon that was found, with its version, such as "cronie 1.6.1", or why
	// none was found.
	Daemon string

	crontabs          []crontabFile
	daemons           crontab.DaemonSet // whose rules apply
	unsupportedDaemon string            // the only daemon that was found, if its rules are not known
	daemonVersion     string            // if there is one daemon
}

// HasCrontabs reports whether a job is in a crontab.
func (f *Result) HasCrontabs() bool {
	return slices.ContainsFunc(f.Jobs, func(j Job) bool { return j.Line > 0 })
}

func (f *Result) addNote(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// maxFileSize is the largest file that is read. Debian's cron reads 10,000 lines of 1,000 bytes.
const maxFileSize = 16 << 20

// Discover reads everything that the schedulers of the machine read, as far as permissions allow.
// It adds a note for each file that it cannot read. The error is for problems that prevent any result, such as an
// unknown time zone.
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
			j.Problem = "the time zone of this machine has no name in /etc/localtime or /etc/timezone: set --timezone"
		}
	}
	m.checkCurl(ctx, f)
	nameJobs(f.Jobs, m.Host)
	return f, nil
}

// timeZone returns the time zone of the schedulers, or "" if it has no name. Debian's cron and
// systemd ask the C library, which reads /etc/localtime; older start scripts of cron used
// /etc/timezone (cron(8)).
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
	text, _ := os.ReadFile(m.readPath("/etc/timezone")) // the file is optional
	written := ""
	if s := strings.TrimSpace(string(text)); s != "" {
		written = canonicalZone(s)
	}
	if local != "" && written != "" && local != written {
		f.addNote("/etc/localtime says %s and /etc/timezone says %s; /etc/localtime is used", local, written)
	}
	if local == "" && written == "" {
		// The C library and systemd use UTC, and so do most container images.
		if _, err := os.Lstat(filepath.Join(m.readPath("/etc"), "localtime")); errors.Is(err, fs.ErrNotExist) {
			f.addNote("there is no /etc/localtime: schedules are in UTC")
			return "UTC", nil
		}
	}
	return cmp.Or(local, written), nil
}

// canonicalZone returns the current name of a zone, or "" if there is no zone of this name.
func canonicalZone(name string) string {
	zone, err := schedule.CanonicalZone(name)
	if err != nil {
		return ""
	}
	return zone
}

// writePath returns the path for writing a file of the machine.
func (m Machine) writePath(path string) string { return filepath.Join(m.Root, path) }

// readPath returns the path for reading a file of the machine. It resolves the symlinks of an image
// inside the image, so that none leads to a file of the host.
func (m Machine) readPath(path string) string {
	if m.isLive() {
		return path
	}
	resolved, err := securejoin.SecureJoin(m.Root, path)
	if err != nil {
		return m.writePath(path) // a loop or an unreadable directory: reading the file fails in the same way
	}
	return resolved
}

// isLive reports whether commands of the machine can be run.
func (m Machine) isLive() bool { return m.Root == "" }

// runCommand runs a command with untranslated messages. The error contains its error output.
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
		if message := strings.TrimSpace(complaint.String()); message != "" {
			return nil, fmt.Errorf("%s: %s", name, strings.ReplaceAll(message, "\n", "; "))
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out.Bytes(), nil
}

// readFileOrNote reads a file up to maxFileSize. It returns false if none exists, or if it added
// a note about why it cannot be read.
func (m Machine) readFileOrNote(f *Result, path string) ([]byte, bool) {
	about, err := os.Stat(m.readPath(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false
	case err == nil && !about.Mode().IsRegular():
		f.addNote("%s is not a regular file: not read", path)
		return nil, false
	case err == nil && about.Size() > maxFileSize:
		f.addNote("%s is larger than cron allows: not read", path)
		return nil, false
	}
	text, err := m.readText(path)
	if err != nil {
		f.addNote("%s: %s", path, withoutPath(err))
		return nil, false
	}
	return text, true
}

// Hostname returns the name of the machine. An image without /etc/hostname has the name of this
// machine.
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

// readText returns the content of a regular file, up to maxFileSize.
func (m Machine) readText(path string) ([]byte, error) {
	file, err := openRegular(m.readPath(path))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFileSize))
}

// errNotRegular says that a path is not a regular file.
var errNotRegular = errors.New("is not a regular file")

// openRegular opens a regular file for reading. Users can name any path in their crontabs: opening
// a named pipe would wait without end, and opening a device can have side effects. So it checks the
// file first, and again after it is open in case it was replaced.
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

// withoutPath returns an error without the path, which the sentence already has.
func withoutPath(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
