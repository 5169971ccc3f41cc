package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/client"
	"overdue/internal/discover"
	"overdue/internal/discover/crontab"
	"overdue/internal/schedule"
)

// discoverCmd finds jobs, makes heartbeats for them, and wires them. Each step wants
// a flag of its own: looking changes nothing anywhere, --create changes nothing here.
type discoverCmd struct {
	apiFlags

	Slugs    []string `arg:"" optional:"" name:"slug" help:"Only these jobs; default: all that can be watched."`
	Create   bool     `help:"Create or update a heartbeat for each job, and print the line that makes it ping."`
	Edit     bool     `help:"Create, show what would change, ask, and write it; copies are kept."`
	Yes      bool     `help:"Do not ask."`
	With     string   `default:"run" enum:"run,curl" help:"What pings: run (start, end, output) or curl (end only). Default: ${default}."`
	Program  string   `placeholder:"PATH" help:"Where overdue is, for the lines. Default: this program."`
	Grace    string   `placeholder:"DURATION" help:"Grace period for all. Default: a quarter of the shortest gap between runs, from 5m to 1h."`
	Tags     []string `name:"tag" placeholder:"TAG" help:"Tag beside the name of the machine; may be given more than once."`
	Timezone string   `placeholder:"ZONE" help:"Time zone of the schedules. Default: the machine's."`
	Host     string   `placeholder:"NAME" help:"Name of the machine in names and slugs. Default: its host name, or that in /etc/hostname of the image."`
	Daemon   string   `name:"cron-daemon" placeholder:"NAME" help:"Cron daemon that reads the crontabs: cron, cronie, bcron, systemd-cron or busybox. Default: the one that is found."`
	AllUsers bool     `help:"Read the crontabs of all users, which only root may."`
	Backups  string   `name:"backup-dir" placeholder:"DIR" help:"Directory for copies of crontabs. Default: ~/.local/state/overdue."`
	Root     string   `placeholder:"DIR" help:"Read and write the files below this directory, an image of a machine, and run no command."`
	JSON     bool     `name:"json" help:"Print everything, as JSON."`
}

// Help is the long part of --help.
func (discoverCmd) Help() string {
	return `Reads your crontab, /etc/crontab, /etc/cron.d and the systemd timers, and shows the jobs in a table. Standard error lists what cannot be read and names the cron daemon that was found: crontabs are read by its rules. If none or several are found, only lines that mean the same to all of them are offered.

A crontab line keeps its schedule, environment, input and exit code; the same shell as before runs its command, between two pings. A timer's service gets a drop-in. Jobs that ping already are left alone, so it is safe to run this repeatedly.

Examples:

    overdue discover
    overdue discover --create web1-backup
    sudo -E overdue discover --all-users --edit --with curl`
}

// Run looks, and goes as far as the flags say.
func (c *discoverCmd) Run(ctx context.Context, std Streams) error {
	if c.JSON && c.Edit {
		return usageError("--json and --edit: give one of the two")
	}
	machine, err := c.machine()
	if err != nil {
		return err
	}
	found, err := machine.Discover(ctx)
	if err != nil {
		return usageError("%w", err)
	}
	if found.Daemon != "" && found.HasCrontabs() {
		warn(std, "cron daemon: %s", printable(found.Daemon))
	}
	for _, note := range found.Notes {
		warn(std, "%s", printable(note))
	}
	if !c.Create && !c.Edit {
		return c.printJobs(std, found.Jobs, nil)
	}
	return c.createAndWire(ctx, std, machine, found)
}

// machine is this one, or the image that --root names. An image that is not there
// would look like a machine without jobs.
func (c *discoverCmd) machine() (discover.Machine, error) {
	if c.Root != "" {
		info, err := os.Stat(c.Root)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
			return discover.Machine{}, usageError("there is no directory %s", printable(c.Root))
		case err != nil:
			return discover.Machine{}, usageError("root: %w", err)
		}
	}
	if c.Daemon != "" && !slices.Contains(crontab.DaemonNames(), c.Daemon) {
		return discover.Machine{}, usageError("cron daemon %q: must be one of %s", c.Daemon, strings.Join(crontab.DaemonNames(), ", "))
	}
	m := discover.Machine{Root: c.Root, Zone: c.Timezone, AllUsers: c.AllUsers, Daemon: crontab.Daemon(c.Daemon), Method: discover.PingMethod(c.With), Now: time.Now()}
	if c.Host == "" {
		name, failed := m.Hostname()
		if failed != nil {
			return m, fmt.Errorf("host name: %w; give --host", failed)
		}
		c.Host, _, _ = strings.Cut(name, ".")
	}
	var err error
	m.Host = c.Host
	me := currentUser()
	m.User = me.Username
	if me.Uid != "0" && c.Root == "" {
		m.Home = me.HomeDir
	}
	m.StateDir = os.Getenv("XDG_STATE_HOME") // must be absolute, says its specification
	if !filepath.IsAbs(m.StateDir) || me.Uid == "0" {
		// Nor root's: "sudo -E" brings that of another user, who may write there.
		m.StateDir = filepath.Join(me.HomeDir, ".local/state")
	}
	m.StateDir = filepath.Join(m.StateDir, "overdue")
	if c.Backups != "" {
		if m.StateDir, err = filepath.Abs(c.Backups); err != nil {
			return m, usageError("backup directory: %w", err)
		}
	}
	return m, nil
}

// currentUser is the user who runs this. In a container that may be a number which no database of users
// knows: then its name is the number, and its home is what HOME says.
func currentUser() user.User {
	if me, err := user.Current(); err == nil {
		return *me
	}
	id := strconv.Itoa(os.Getuid())
	home := os.Getenv("HOME")
	if !filepath.IsAbs(home) {
		home = os.TempDir()
	}
	return user.User{Uid: id, Username: id, HomeDir: home}
}

// wiring is what the lines will say.
func (c *discoverCmd) wiring() (discover.PingSettings, error) {
	w := discover.PingSettings{Method: discover.PingMethod(c.With), Program: c.Program}
	if w.Method == discover.PingWithRun && w.Program == "" {
		path, err := os.Executable()
		if err != nil {
			return w, fmt.Errorf("this program: %w; give --program", err)
		}
		if isTemporary(path) {
			return w, usageError("this program is in %s, where it will not stay: install it, or give --program or --with curl", filepath.Dir(path))
		}
		w.Program = path
	}
	if err := w.Validate(); err != nil {
		return w, usageError("%w", err)
	}
	return w, nil
}

// isTemporary reports whether a program is where files do not stay, as after "go run".
func isTemporary(path string) bool {
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if strings.HasPrefix(path, filepath.Clean(dir)+"/") {
			return true
		}
	}
	return false
}

// createAndWire makes the heartbeats, and then prints or writes the lines.
func (c *discoverCmd) createAndWire(ctx context.Context, std Streams, m discover.Machine, found *discover.Result) error {
	wiring, err := c.wiring()
	if err != nil {
		return err
	}
	if c.Edit && !c.Yes && !isTerminal(std.In) {
		return usageError("--edit asks before it writes, and there is no terminal to ask on: give --yes")
	}
	jobs, err := c.selectJobs(found.Jobs)
	if err != nil {
		return err
	}
	far, err := c.newClient()
	if err != nil {
		return err
	}
	watched, err := c.create(ctx, far, jobs)
	if err != nil {
		return err
	}
	lines := watched.lines(std, m, wiring)
	switch {
	case c.Edit:
		return c.edit(ctx, std, m, m.PlanEdits(found, watched.wires, wiring))
	case c.JSON:
		return c.printJobs(std, found.Jobs, lines)
	}
	return printWiring(std, lines)
}

// selectJobs are the jobs to be watched. Naming one that cannot be is a mistake.
func (c *discoverCmd) selectJobs(all []discover.Job) ([]discover.Job, error) {
	var jobs []discover.Job
	left := slices.Clone(c.Slugs)
	for _, j := range all {
		named := slices.Contains(c.Slugs, j.Slug)
		left = slices.DeleteFunc(left, func(slug string) bool { return slug == j.Slug })
		switch {
		case named && j.Problem != "":
			return nil, fmt.Errorf("%s: %s", j.Slug, j.Problem)
		case j.Watchable() && (named || len(c.Slugs) == 0):
			jobs = append(jobs, j)
		}
	}
	if len(left) > 0 {
		return nil, usageError("%s: no job has this slug; overdue discover shows them in its last column", strings.Join(left, ", "))
	}
	return jobs, nil
}

// createdHeartbeats are jobs with their heartbeats.
type createdHeartbeats struct {
	wires   []discover.JobPing
	created []bool // false: there was one
}

// create makes the heartbeats that do not exist and gives the others the schedule of
// today. Nothing else of those is changed: somebody may have set it by hand.
func (c *discoverCmd) create(ctx context.Context, far *client.Client, jobs []discover.Job) (createdHeartbeats, error) {
	var done createdHeartbeats
	if len(jobs) == 0 {
		return done, nil
	}
	exists := map[string]bool{}
	for h, err := range far.AllHeartbeats(ctx, client.HeartbeatQuery{}) {
		if err != nil {
			return done, fmt.Errorf("heartbeats: %w", err)
		}
		exists[h.Slug] = true
	}
	for _, j := range jobs {
		h, created, err := far.PutHeartbeat(ctx, j.Slug, c.settings(j, exists[j.Slug]))
		switch {
		case err != nil:
			return done, fmt.Errorf("heartbeat %s: %w", j.Slug, err)
		case h.PingURL == nil:
			return done, errors.New("heartbeat: the server did not tell its ping URL; is this key read-only?")
		}
		done.wires = append(done.wires, discover.JobPing{Job: j, URL: *h.PingURL})
		done.created = append(done.created, created)
	}
	return done, nil
}

// settings are those of a heartbeat for a job. The command is not among them: it may
// hold passwords, and everybody in the project reads descriptions.
func (c *discoverCmd) settings(j discover.Job, exists bool) client.HeartbeatSettings {
	var s client.HeartbeatSettings
	switch {
	case j.Interval > 0:
		s.Interval = int64(j.Interval / time.Second)
	case len(j.Cron) > 0:
		s.Cron, s.Timezone = &j.Cron, &j.Zone
	default:
		s.OnCalendar, s.Timezone = &j.OnCalendar, &j.Zone
	}
	if c.Grace != "" {
		s.Grace = c.Grace
	}
	if exists {
		return s
	}
	if c.Grace == "" {
		s.Grace = int64(j.Grace / time.Second)
	}
	about := "Found by overdue discover in " + jobSource(j)
	tags := append([]string{strings.ToLower(c.Host)}, c.Tags...)
	s.Name, s.Description, s.Tags = &j.Name, &about, &tags
	s.ExpectFirstBy = c.expectFirstBy(j)
	return s
}

// expectFirstBy is the time by which the first ping is expected. Without it, a job that never succeeds,
// or never runs, would stay new, and a new heartbeat sends no alert.
func (c *discoverCmd) expectFirstBy(j discover.Job) *string {
	if j.FirstPingBy.IsZero() {
		return nil
	}
	by := j.FirstPingBy
	if grace, err := schedule.ParseDuration(c.Grace); err == nil && grace > j.Grace {
		by = by.Add(grace - j.Grace)
	}
	text := by.UTC().Format(time.RFC3339)
	return &text
}

// jobSource says where a job is written.
func jobSource(j discover.Job) string {
	where := j.Source
	if j.Line > 0 {
		where += fmt.Sprintf(", line %d", j.Line)
	}
	return where
}

// edit shows what would change, asks, and writes file by file.
func (c *discoverCmd) edit(ctx context.Context, std Streams, m discover.Machine, edits []discover.Edit) error {
	if len(edits) == 0 {
		return printLine(std, "Nothing to write.")
	}
	for _, e := range edits {
		if err := printLine(std, strings.TrimSuffix(printableText(e.Diff()), "\n")); err != nil {
			return err
		}
	}
	if !c.Yes && !confirm(std, fmt.Sprintf("Write this to %d files?", len(edits))) {
		return errors.New("nothing written, but the heartbeats exist now and alert if their jobs do not ping: " +
			"run this again to write the files, or delete the heartbeats")
	}
	var wrong []error
	units := false
	for _, e := range edits {
		backup, err := m.Apply(ctx, e)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		units = units || e.NeedsDaemonReload()
		line := e.Location + ": written"
		if backup != "" {
			line += ", a copy is " + backup + "; to restore it: " + m.RestoreCommand(e, backup)
		}
		wrong = append(wrong, printLine(std, line))
	}
	if units {
		wrong = append(wrong, printLine(std, "Run systemctl daemon-reload (with --user for your own units) to make systemd read the new files."))
	}
	return errors.Join(wrong...)
}
