package discover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/discover/crontab"
)

// imageMachine is a machine with one job of each kind.
func imageMachine(t *testing.T) Machine {
	t.Helper()
	root := t.TempDir()
	writeFile(t, root, "/etc/timezone", "Europe/Berlin\n")
	writeFile(t, root, "/etc/crontab", "SHELL=/bin/sh\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n0 0 31 2 *\troot\tx\n")
	writeFile(t, root, "/etc/cron.d/app", "*/10 * * * * www-data /opt/app tick # often\r\n# CRLF above\n0 3 * * mon-fri www-data /opt/report.sh\n")
	writeFile(t, root, "/etc/cron.d/csh", "SHELL=/bin/tcsh\n0 3 * * * root x\n5 3 * * * root curl "+aURL+"\n")
	writeFile(t, root, "/etc/cron.d/zone", "CRON_TZ=Asia/Tokyo\n0 3 * * * root x\n")
	writeFile(t, root, "/etc/cron.d/app.bak", "0 3 * * * root never\n")
	writeFile(t, root, "/etc/cron.d/app.dpkg-old", "0 3 * * * root never\n")
	writeFile(t, root, "/etc/cron.d/.placeholder", "x\n")
	writeFile(t, root, "/var/spool/cron/crontabs/alice", "@reboot x\n0 4 * * * tar cz ~ > b-$(date +\\%F).tgz%in\n5 4 * * * x && curl "+aURL+"\n")
	writeFile(t, root, "/var/spool/cron/crontabs/bob", "0 5 * * * /opt/bob\n")
	writeFile(t, root, "/opt/report.sh", "#!/bin/sh\n")
	writeFile(t, root, "/usr/lib/systemd/system/db.timer", "[Timer]\nOnCalendar=daily\n")
	writeFile(t, root, "/usr/lib/systemd/system/db@.service", "[Service]\nExecStart=/opt/db\n")
	writeFile(t, root, "/etc/systemd/system/db.timer.d/when.conf", "[Timer]\nOnCalendar=\nOnCalendar=Mon 03:00\nUnit=db@main.service\n")
	writeFile(t, root, "/etc/systemd/system/unused.timer", "[Timer]\nOnCalendar=daily\n")
	wants := filepath.Join(root, "/etc/systemd/system/timers.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/lib/systemd/system/db.timer", filepath.Join(wants, "db.timer")); err != nil {
		t.Fatal(err)
	}
	return Machine{Root: root, Host: "web1", User: "alice", Now: noon, Daemon: crontab.DebianCron, StateDir: t.TempDir() + "/state"}
}

func mustDiscover(t *testing.T, m Machine) *Result {
	t.Helper()
	found, err := m.Discover(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// jobRows returns jobs as lines of text.
func jobRows(f *Result) []string {
	var all []string
	for _, j := range f.Jobs {
		state := j.Slug
		if j.Problem != "" {
			state = "! " + j.Problem
		} else if j.HasPing {
			state = "wired"
		}
		all = append(all, fmt.Sprintf("%s:%d %s | %s | %s | %s", j.Source, j.Line, j.User, j.Description, j.Zone, state))
	}
	return all
}

func TestDiscover_FindsCrontabsAndTimers(t *testing.T) {
	m := imageMachine(t)
	m.AllUsers = true
	found := mustDiscover(t, m)
	want := []string{
		"crontab of alice:1 alice |  | Europe/Berlin | ! runs at startup, not on a schedule",
		"crontab of alice:2 alice | at 04:00 every day, Europe/Berlin | Europe/Berlin | web1-alice-tar",
		"crontab of alice:3 alice | at 04:05 every day, Europe/Berlin | Europe/Berlin | wired",
		"crontab of bob:1 bob | at 05:00 every day, Europe/Berlin | Europe/Berlin | web1-bob-bob",
		"/etc/crontab:2 root | 17\u00a0min past every hour | Europe/Berlin | web1-cron-hourly",
		"/etc/crontab:3 root |  | Europe/Berlin | ! “0 0 31 2 *” never occurs: check the day of month and the month",
		"/etc/cron.d/app:1 www-data | every 10\u00a0min | Europe/Berlin | ! the line ends with a carriage return, which cron treats as part of the command: remove it",
		"/etc/cron.d/app:3 www-data | at 03:00 on weekdays, Europe/Berlin | Europe/Berlin | web1-www-data-report-sh",
		"/etc/cron.d/csh:2 root | at 03:00 every day, Europe/Berlin | Europe/Berlin | ! SHELL is /bin/tcsh, which discover does not support",
		"/etc/cron.d/csh:3 root | at 03:05 every day, Europe/Berlin | Europe/Berlin | wired",
		"/etc/cron.d/zone:2 root | at 03:00 every day, Europe/Berlin | Europe/Berlin | web1-x-c518b7",
		"db.timer:0 root | at 03:00 on Mondays, Europe/Berlin | Europe/Berlin | web1-db",
	}
	if diff := cmp.Diff(want, jobRows(found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantNotes := []string{
		"/etc/cron.d/app.bak: Debian's cron ignores it: its name can contain only letters, digits, dashes and underscores",
		"crontab of alice, line 2: the command ends at the first % without a backslash; the rest is its standard input",
		"/etc/cron.d/zone, line 2: Debian's cron ignores the CRON_TZ above it",
	}
	if diff := cmp.Diff(wantNotes, found.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestDiscover_UsesTheTimeZoneOfTheMachine(t *testing.T) {
	for name, c := range map[string]struct {
		link, file, flag, want string
		notes                  int
	}{
		"the link":        {"/usr/share/zoneinfo/US/Eastern", "", "", "America/New_York", 0},
		"the file":        {"", "Europe/Paris\n", "", "Europe/Paris", 0},
		"both":            {"../usr/share/zoneinfo/Europe/Paris", "Europe/Paris\n", "", "Europe/Paris", 0},
		"they disagree":   {"/usr/share/zoneinfo/Europe/Paris", "Etc/UTC\n", "", "Europe/Paris", 1},
		"the flag":        {"/usr/share/zoneinfo/Europe/Paris", "Etc/UTC\n", "Asia/Tokyo", "Asia/Tokyo", 0},
		"neither":         {"", "", "", "UTC", 1},
		"not a zone file": {"/etc/elsewhere", "nonsense\n", "", "", 0},
	} {
		m := Machine{Root: t.TempDir(), User: "x", Zone: c.flag}
		writeFile(t, m.Root, "/etc/timezone", c.file)
		writeFile(t, m.Root, "/etc/crontab", "0 3 * * * root x\n")
		if c.link != "" {
			if err := os.Symlink(c.link, m.writePath("/etc/localtime")); err != nil {
				t.Fatal(err)
			}
		}
		found := mustDiscover(t, m)
		if got := found.Jobs[0]; got.Zone != c.want || len(found.Notes) != c.notes || got.Watchable() != (c.want != "") {
			t.Errorf("%s: zone %q, %q, notes %v; want %q", name, got.Zone, got.Problem, found.Notes, c.want)
		}
	}
	if _, err := (Machine{Root: t.TempDir(), Zone: "CEST"}).Discover(context.Background()); err == nil {
		t.Error("CEST was taken for a zone")
	}
}

// planAll plans edits for all watchable jobs, with one URL.
func planAll(m Machine, f *Result) []Edit {
	var wires []JobPing
	for _, j := range f.Jobs {
		if j.Watchable() {
			wires = append(wires, JobPing{Job: j, URL: aURL})
		}
	}
	return m.PlanEdits(f, wires, PingSettings{Method: PingWithRun, Program: "/usr/bin/overdue"})
}

func TestApply_WritesEachEditOnceAndKeepsABackup(t *testing.T) {
	m := imageMachine(t)
	if err := os.Chmod(m.writePath("/etc/cron.d/app"), 0o640); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(m.writePath("/etc/cron.d/app"))
	edits := planAll(m, mustDiscover(t, m))
	var diff strings.Builder
	for _, e := range edits {
		diff.WriteString(e.Diff())
		if _, err := m.Apply(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	want := "--- /etc/cron.d/app\n+++ /etc/cron.d/app\n@@ -3 +3 @@\n-0 3 * * mon-fri www-data /opt/report.sh\n+0 3 * * mon-fri www-data /usr/bin/overdue run " + aURL + " -- /opt/report.sh\n"
	if !strings.Contains(diff.String(), want) || !strings.Contains(diff.String(), "--- /dev/null\n+++ /etc/systemd/system/db@main.service.d/overdue.conf\n@@ -0,0 +1,8 @@\n+# ") {
		t.Errorf("the diff is\n%s", diff.String())
	}
	if !strings.Contains(diff.String(), `+0 4 * * * /usr/bin/overdue run `+aURL+` -- "${SHELL:-/bin/sh}" -c 'tar cz ~ > b-$(date +\%F).tgz'%in`+"\n") {
		t.Errorf("the diff is\n%s", diff.String())
	}
	text, _ := os.ReadFile(m.writePath("/etc/cron.d/app"))
	if !strings.HasPrefix(string(text), "*/10 * * * * www-data /opt/app tick # often\r\n# CRLF above\n0 3") || strings.Count(string(text), "\n") != 3 {
		t.Errorf("the file is\n%q", text)
	}
	about, err := os.Stat(m.writePath("/etc/cron.d/app"))
	if err != nil || about.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want it kept", about.Mode(), err)
	}
	kept, err := os.ReadFile(m.StateDir + "/web1-etc-cron.d-app.overdue-backup-20260304T120000Z")
	if err != nil || string(kept) != string(before) {
		t.Errorf("the copy is %q, %v", kept, err)
	}
	again := mustDiscover(t, m)
	if left := planAll(m, again); len(left) != 0 {
		t.Errorf("looking again, there is more to write: %s", left[0].Diff())
	}
	if left, _ := filepath.Glob(m.writePath("/etc/cron.d/.overdue-*")); len(left) != 0 || len(again.Notes) != 3 {
		t.Errorf("left behind: %v, notes %v", left, again.Notes)
	}
}

func TestApply_RejectsAFileThatChangedSinceItWasRead(t *testing.T) {
	for name, c := range map[string]struct {
		meddle func(path string) error
		want   error
	}{
		"changed": {func(p string) error { return os.WriteFile(p, []byte("0 1 * * * root new\n"), 0o644) }, errChanged},
		"a link": {func(p string) error {
			return errors.Join(os.Rename(p, p+".real"), os.Symlink(p+".real", p))
		}, errSymlink},
		"read-only": {func(p string) error { return os.Chmod(p, 0o444) }, errReadOnly},
		"gone":      {os.Remove, os.ErrNotExist},
	} {
		m := imageMachine(t)
		edits := planAll(m, mustDiscover(t, m))
		at := slices.IndexFunc(edits, func(e Edit) bool { return e.Location == "/etc/cron.d/app" })
		if err := c.meddle(m.writePath("/etc/cron.d/app")); err != nil {
			t.Fatal(err)
		}
		now, _ := os.ReadFile(m.writePath("/etc/cron.d/app"))
		_, err := m.Apply(context.Background(), edits[at])
		after, _ := os.ReadFile(m.writePath("/etc/cron.d/app"))
		if !errors.Is(err, c.want) || string(now) != string(after) {
			t.Errorf("%s: %v; want %v, and the file as it is", name, err, c.want)
		}
	}
	m := imageMachine(t)
	edits := planAll(m, mustDiscover(t, m))
	writeFile(t, m.Root, "/etc/systemd/system/db@main.service.d/overdue.conf", "mine\n")
	if _, err := m.Apply(context.Background(), edits[len(edits)-1]); !errors.Is(err, errExists) {
		t.Errorf("a drop-in that is there already: %v", err)
	}
}

// fakeCrontabCommand is a crontab(1) with one crontab. suffix is appended to the text that it stores.
func fakeCrontabCommand(t *testing.T, text *string, suffix string) func(context.Context, string, ...string) ([]byte, error) {
	return func(_ context.Context, name string, args ...string) ([]byte, error) {
		switch {
		case name != "crontab":
			return nil, fmt.Errorf("%s: not here", name)
		case slices.Equal(args, []string{"-l"}) && *text == "":
			return nil, errors.New("crontab: no crontab for alice")
		case slices.Equal(args, []string{"-l"}):
			return []byte(*text), nil
		case len(args) == 1:
			next, err := os.ReadFile(args[0])
			*text = string(next) + suffix
			return nil, err
		}
		t.Errorf("crontab %v", args)
		return nil, errors.New("crontab: usage")
	}
}

func TestApply_InstallsAUserCrontabWithCrontabCommand(t *testing.T) {
	text := "MAILTO=x\n0 3 * * * /opt/nothing here\n"
	m := Machine{Host: "web1", User: "alice", StateDir: t.TempDir() + "/overdue", Zone: "UTC", Now: noon, Command: fakeCrontabCommand(t, &text, "")}
	edit := func() Edit {
		t.Helper()
		for _, e := range planAll(m, mustDiscover(t, m)) {
			if e.Location == "crontab of alice" {
				return e
			}
		}
		t.Fatal("nothing to edit")
		return Edit{}
	}
	e := edit()
	backup, err := m.Apply(context.Background(), e)
	kept, _ := os.ReadFile(backup)
	if err != nil || string(kept) != "MAILTO=x\n0 3 * * * /opt/nothing here\n" || text != string(e.After) || !strings.HasPrefix(backup, m.StateDir) {
		t.Errorf("%v, copy %s %q, crontab %q", err, backup, kept, text)
	}
	if left, _ := os.ReadDir(m.StateDir); len(left) != 1 {
		t.Errorf("left in the state directory: %v", left)
	}
	if _, err := m.Apply(context.Background(), e); !errors.Is(err, errChanged) {
		t.Errorf("a crontab that has changed: %v", err)
	}
	text, m.Now = "0 3 * * * y\n", noon.AddDate(0, 0, 1)
	m.Command = fakeCrontabCommand(t, &text, "# changed\n")
	if _, err := m.Apply(context.Background(), edit()); !errors.Is(err, errReadBackDiffers) {
		t.Errorf("a crontab that reads differently afterwards: %v", err)
	}
	text = ""
	if found := mustDiscover(t, m); slices.ContainsFunc(found.Notes, func(n string) bool { return strings.Contains(n, "alice") }) {
		t.Errorf("having no crontab is worth a note: %v", found.Notes)
	}
}

func TestDiscover_ListsTheTimersThatSystemdHasLoaded(t *testing.T) {
	// As systemctl(1) of systemd 252 prints it.
	const out = `[{"next":1772600000000000,"left":"5h","last":0,"passed":"-","unit":"b.timer","activates":"b.service"},
		{"next":null,"unit":"a@x.timer","activates":"a@x.service"},{"unit":"a@x.timer"},{"unit":"../../x.timer"},{"unit":"odd"}]`
	asked := ""
	m := serviceManager{isUser: true, Machine: Machine{Command: func(_ context.Context, name string, args ...string) ([]byte, error) {
		asked = name + " " + strings.Join(args, " ")
		return []byte(out), nil
	}}}
	got, err := m.loadedTimers(context.Background())
	if diff := cmp.Diff([]string{"a@x.timer", "b.timer"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if asked != "systemctl list-timers --all --output=json --no-pager --user" {
		t.Errorf("asked %s", asked)
	}
	m.Command = func(context.Context, string, ...string) ([]byte, error) { return []byte("no JSON"), nil }
	if _, err := m.loadedTimers(context.Background()); err == nil {
		t.Error("an answer that is not JSON was accepted")
	}
}

func TestDiscover_FindsUnitsWhereSystemdFindsThem(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "/usr/lib/systemd/system/x@.service", "[Service]\nExecStart=/lib\n")
	writeFile(t, root, "/etc/systemd/system/x@.service", "[Service]\nExecStart=/etc\nUser=a\n")
	writeFile(t, root, "/usr/lib/systemd/system/x@.service.d/10.conf", "[Service]\nUser=b\n")
	writeFile(t, root, "/etc/systemd/system/x@1.service.d/20.conf", "[Service]\nUser=c\n")
	writeFile(t, root, "/etc/systemd/system/x@.service.d/10.conf", "[Service]\nType=oneshot\n")
	writeFile(t, root, "/etc/systemd/system/x@1.service.d/30.txt", "[Service]\nUser=d\n")
	if err := os.Symlink("/dev/null", filepath.Join(root, "/etc/systemd/system/masked.service")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, root, "/usr/lib/systemd/system/masked.service", "[Service]\nExecStart=/x\n")
	m := Machine{Root: root}.serviceManagers()[0]
	u, ok := m.loadUnit(&Result{}, "x@1.service")
	want := map[string][]string{"Service.ExecStart": {"/etc"}, "Service.User": {"a", "c"}, "Service.Type": {"oneshot"}}
	if !ok {
		t.Fatal("an instance of a template was not found")
	}
	if diff := cmp.Diff(want, u.Settings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := m.loadUnit(&Result{}, "masked.service"); ok {
		t.Error("a masked unit was found")
	}
}

func TestDiscover_RejectsTwoTimersOfOneService(t *testing.T) {
	m := imageMachine(t)
	writeFile(t, m.Root, "/etc/systemd/system/other.timer", "[Timer]\nOnCalendar=hourly\nUnit=db@main.service\n")
	writeFile(t, m.Root, "/etc/systemd/system/timers.target.wants/other.timer", "")
	found := mustDiscover(t, m)
	for _, j := range found.Jobs[len(found.Jobs)-2:] {
		if j.Watchable() || !strings.HasPrefix(j.Problem, "starts the same service as ") {
			t.Errorf("%s: %q", j.Source, j.Problem)
		}
	}
}

func TestPingLine_OnlyForWatchableJobs(t *testing.T) {
	m := imageMachine(t)
	w := PingSettings{Method: PingWithCurl}
	for _, j := range mustDiscover(t, m).Jobs {
		at, text, err := m.PingLine(JobPing{Job: j, URL: aURL}, w)
		if (err == nil) != j.Watchable() {
			t.Errorf("%s:%d: %v; want a line only for a job that is open", j.Source, j.Line, err)
		}
		if j.Slug == "web1-alice-tar" && (at != "crontab of alice, line 2" || !strings.HasPrefix(text, `0 4 * * * "${SHELL:-/bin/sh}" -c`) || !strings.HasSuffix(text, "exit $s%in")) {
			t.Errorf("%s: %s", at, text)
		}
	}
}

func TestDiscover_AsksForTheCrontabsOfOtherUsersByName(t *testing.T) {
	var asked []string
	m := Machine{User: "root", Command: func(_ context.Context, name string, args ...string) ([]byte, error) {
		asked = append(asked, name+" "+strings.Join(args, " "))
		return []byte("0 3 * * * x\n"), nil
	}}
	f := &Result{daemons: crontab.DaemonSet{crontab.RulesOf(crontab.DebianCron)}}
	m.readUserCrontab(context.Background(), f, "root")
	m.readUserCrontab(context.Background(), f, "alice")
	if diff := cmp.Diff([]string{"crontab -l", "crontab -u alice -l"}, asked); diff != "" || len(f.crontabs) != 2 {
		t.Errorf("%d crontabs, asked (-want +got):\n%s", len(f.crontabs), diff)
	}
}

func TestDiscover_OffersNothingThatCronIgnores(t *testing.T) {
	m := Machine{Root: t.TempDir(), Zone: "UTC", User: "x", Now: noon}
	writeFile(t, m.Root, "/etc/cron.d/open", "0 3 * * * root a\n")
	writeFile(t, m.Root, "/etc/cron.d/long", strings.Repeat("#\n", 10000)+"0 3 * * * root b\n")
	writeFile(t, m.Root, "/etc/cron.d/longest", strings.Repeat("#\n", 9999)+"0 3 * * * root c\n")
	if err := os.Chmod(m.writePath("/etc/cron.d/open"), 0o664); err != nil {
		t.Fatal(err)
	}
	found := mustDiscover(t, m)
	for _, j := range found.Jobs {
		if ignored := strings.Contains(j.Problem, "cron ignores the file"); ignored == (j.Command == "c") {
			t.Errorf("%s: %q", j.Source, j.Problem)
		}
	}
	if len(found.Jobs) != 3 || len(found.Notes) != 2 {
		t.Errorf("%d jobs, notes %v", len(found.Jobs), found.Notes)
	}
}

func TestHostname_IsThatOfTheImage(t *testing.T) {
	m := Machine{Root: t.TempDir()}
	own, err := os.Hostname()
	if got, failed := m.Hostname(); err != nil || failed != nil || got != own {
		t.Errorf("%q, %v, %v; want that of this machine, because the image has no name", got, failed, err)
	}
	writeFile(t, m.Root, "/etc/hostname", "db7.example.org\n")
	if got, failed := m.Hostname(); failed != nil || got != "db7.example.org" {
		t.Errorf("%q, %v", got, failed)
	}
}
