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

// discoverCmd finds jobs, creates heartbeats for them, and edits them so that they ping.
// Without flags it only prints; --create changes the server only, --edit also files.
type discoverCmd struct {
	apiFlags

	Slugs    []string `arg:"" optional:"" name:"slug" help:"Only these jobs, by the last column of the table. Default: all jobs."`
	Create   bool     `help:"Create a heartbeat for each job, or update its schedule, and print the line that makes the job ping."`
	Edit     bool     `help:"Do the same, show the changes of files, ask for confirmation, and write them. Copies of crontabs are kept."`
	Yes      bool     `help:"Do not ask for confirmation."`
	With     string   `default:"run" enum:"run,curl" placeholder:"PROGRAM" help:"Program that pings: run (start, finish and output) or curl (finish only). Default: ${default}."`
	Program  string   `placeholder:"PATH" help:"Path of overdue in the lines. Default: this program."`
	Grace    string   `placeholder:"DURATION" help:"Grace period of all heartbeats. Default: a quarter of the shortest gap between runs, at least 5m, at most 1h."`
	Tags     []string `name:"tag" placeholder:"TAG" help:"Tag in addition to the name of the machine. Can be repeated."`
	Timezone string   `placeholder:"ZONE" help:"Time zone of the schedules. Default: the zone of the machine."`
	Host     string   `placeholder:"NAME" help:"Name of the machine in names and slugs. Default: its host name, or with --root the name in /etc/hostname."`
	Daemon   string   `name:"cron-daemon" placeholder:"NAME" help:"Cron daemon that reads the crontabs: cron, cronie, bcron, systemd-cron or busybox. Default: the one that is found."`
	AllUsers bool     `help:"Read the crontabs of all users. Requires root."`
	Backups  string   `name:"backup-dir" placeholder:"DIR" help:"Directory for copies of crontabs. Default: ~/.local/state/overdue."`
	Root     string   `placeholder:"DIR" help:"Read and write files in an image of a machine, below this directory, and run no command."`
	JSON     bool     `name:"json" help:"Print all fields as JSON."`
}

// Help is the long part of --help.
func (discoverCmd) Help() string {
	return `Reads your crontab, /etc/crontab, /etc/cron.d and the systemd timers, and prints the jobs in a table. Standard error names files that cannot be read and the cron daemon that was found, whose rules apply to crontabs. If no daemon or several are found, only lines that mean the same to all of them get a heartbeat.

A crontab line keeps its schedule, environment, input and exit code, and the same shell runs its command between two pings. The service of a timer gets a drop-in. Jobs that ping already stay as they are, so the command can be run repeatedly.

Examples:

    overdue discover
    overdue discover --create web1-backup
    sudo -E overdue discover --all-users --edit --with curl`
}

// Run prints the jobs, and creates heartbeats and edits files if the flags say so.
func (c *discoverCmd) Run(ctx context.Context, std Streams) error {
	if c.JSON && c.Edit {
		return usageError("--json and --edit exclude each other: set only one of them")
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
	named, err := c.namedJobs(found.Jobs)
	if err != nil {
		return err
	}
	if !c.Create && !c.Edit {
		return c.printJobs(std, named, nil)
	}
	return c.createAndAddPings(ctx, std, machine, found, named)
}

// machine returns this machine, or the image in --root. A missing image is an error,
// because it would look like a machine without jobs.
func (c *discoverCmd) machine() (discover.Machine, error) {
	if c.Root != "" {
		info, err := os.Stat(c.Root)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
			return discover.Machine{}, usageError("--root: there is no directory %s", printable(c.Root))
		case err != nil:
			return discover.Machine{}, usageError("--root: %w", err)
		}
	}
	if c.Daemon != "" && !slices.Contains(crontab.DaemonNames(), c.Daemon) {
		return discover.Machine{}, usageError("--cron-daemon %s: must be one of %s", c.Daemon, strings.Join(crontab.DaemonNames(), ", "))
	}
	m := discover.Machine{Root: c.Root, Zone: c.Timezone, AllUsers: c.AllUsers, Daemon: crontab.Daemon(c.Daemon), Method: discover.PingMethod(c.With), Now: time.Now()}
	if c.Host == "" {
		name, failed := m.Hostname()
		if failed != nil {
			return m, fmt.Errorf("host name: %w; set --host", failed)
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
	m.StateDir = os.Getenv("XDG_STATE_HOME") // the XDG specification requires an absolute path
	if !filepath.IsAbs(m.StateDir) || me.Uid == "0" {
		// Under "sudo -E" the variable of root is that of another user, who can write there.
		m.StateDir = filepath.Join(me.HomeDir, ".local/state")
	}
	m.StateDir = filepath.Join(m.StateDir, "overdue")
	if c.Backups != "" {
		if m.StateDir, err = filepath.Abs(c.Backups); err != nil {
			return m, usageError("--backup-dir: %w", err)
		}
	}
	return m, nil
}

// currentUser returns the user who runs this program. In a container, the user can be a
// number without an account: then its name is the number, and HOME is its home.
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

// pingSettings returns the program in the lines, and how it pings.
func (c *discoverCmd) pingSettings() (discover.PingSettings, error) {
	w := discover.PingSettings{Method: discover.PingMethod(c.With), Program: c.Program}
	if w.Method == discover.PingWithRun && w.Program == "" {
		path, err := os.Executable()
		if err != nil {
			return w, fmt.Errorf("path of this program: %w; set --program", err)
		}
		if isTemporary(path) {
			return w, usageError("this program is in %s, a temporary directory: install it, or set --program or --with curl", filepath.Dir(path))
		}
		w.Program = path
	}
	if err := w.Validate(); err != nil {
		return w, usageError("%w", err)
	}
	return w, nil
}

// isTemporary reports whether a path is in a temporary directory, as after "go run".
func isTemporary(path string) bool {
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if strings.HasPrefix(path, filepath.Clean(dir)+"/") {
			return true
		}
	}
	return false
}

// createAndAddPings creates the heartbeats of the named jobs, and then prints or writes the
// lines.
func (c *discoverCmd) createAndAddPings(ctx context.Context, std Streams, m discover.Machine, found *discover.Result, named []discover.Job) error {
	pinging, err := c.pingSettings()
	if err != nil {
		return err
	}
	if c.Edit && !c.Yes && !isTerminal(std.In) {
		return errNoTerminal("--edit")
	}
	jobs, err := c.selectJobs(named)
	if err != nil {
		return err
	}
	server, err := c.newClient()
	if err != nil {
		return err
	}
	watched, err := c.create(ctx, server, jobs)
	if err != nil {
		return err
	}
	lines := watched.lines(std, m, pinging)
	switch {
	case c.Edit:
		return c.edit(ctx, std, m, m.PlanEdits(found, watched.pings, pinging))
	case c.JSON:
		return c.printJobs(std, named, lines)
	}
	return printPingLines(std, lines)
}

// namedJobs returns the jobs whose slugs are arguments, or all jobs without arguments.
func (c *discoverCmd) namedJobs(all []discover.Job) ([]discover.Job, error) {
	if len(c.Slugs) == 0 {
		return all, nil
	}
	var named []discover.Job
	unknown := slices.Clone(c.Slugs)
	for _, j := range all {
		if slices.Contains(c.Slugs, j.Slug) {
			named = append(named, j)
			unknown = slices.DeleteFunc(unknown, func(slug string) bool { return slug == j.Slug })
		}
	}
	if len(unknown) > 0 {
		return nil, usageError("%s: no job has this slug; overdue discover shows them in its last column", strings.Join(unknown, ", "))
	}
	return named, nil
}

// selectJobs returns the jobs that get a heartbeat. Naming one that cannot is an error.
func (c *discoverCmd) selectJobs(named []discover.Job) ([]discover.Job, error) {
	var jobs []discover.Job
	for _, j := range named {
		switch {
		case len(c.Slugs) > 0 && j.Problem != "":
			return nil, fmt.Errorf("%s: %s", j.Slug, j.Problem)
		case j.Watchable():
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// createdHeartbeats are jobs with their heartbeats.
type createdHeartbeats struct {
	pings   []discover.JobPing
	created []bool // false: the heartbeat existed
}

// create creates the heartbeats that do not exist and updates the schedule of the
// others. It changes nothing else of those, because people may have set it.
func (c *discoverCmd) create(ctx context.Context, server *client.Client, jobs []discover.Job) (createdHeartbeats, error) {
	var done createdHeartbeats
	if len(jobs) == 0 {
		return done, nil
	}
	exists := map[string]bool{}
	for h, err := range server.AllHeartbeats(ctx, client.HeartbeatQuery{}) {
		if err != nil {
			return done, fmt.Errorf("heartbeats: %w", err)
		}
		exists[h.Slug] = true
	}
	for _, j := range jobs {
		h, created, err := server.PutHeartbeat(ctx, j.Slug, c.settings(j, exists[j.Slug]))
		switch {
		case err != nil:
			return done, fmt.Errorf("heartbeat %s: %w", j.Slug, err)
		case h.PingURL == nil:
			return done, errors.New("heartbeat: the response has no ping URL: the API key is read-only")
		}
		done.pings = append(done.pings, discover.JobPing{Job: j, URL: *h.PingURL})
		done.created = append(done.created, created)
	}
	return done, nil
}

// settings returns the settings of the heartbeat for a job. They do not contain the
// command, which can contain passwords: every member of the project reads descriptions.
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

// expectFirstBy returns the time by which the first ping is expected. Without it, a job
// that never succeeds or never runs would stay new, and a new heartbeat sends no alert.
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

// jobSource returns the file of a job and its line.
func jobSource(j discover.Job) string {
	where := j.Source
	if j.Line > 0 {
		where += fmt.Sprintf(", line %d", j.Line)
	}
	return where
}

// edit prints the changes, asks for confirmation, and writes file by file.
func (c *discoverCmd) edit(ctx context.Context, std Streams, m discover.Machine, edits []discover.Edit) error {
	if len(edits) == 0 {
		return printLine(std, "Nothing to write.")
	}
	for _, e := range edits {
		if err := printLine(std, strings.TrimSuffix(printableText(e.Diff()), "\n")); err != nil {
			return err
		}
	}
	if !c.Yes && !confirm(std, fmt.Sprintf("Write this to %s?", countText(len(edits), "file"))) {
		return errors.New("nothing written, but the heartbeats exist now and alert if their jobs do not ping: " +
			"run this command again to write the files, or delete the heartbeats")
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
