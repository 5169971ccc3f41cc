package discover

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/discover/crontab"
)

// measuredDaemons are the columns of the table below.
var measuredDaemons = []crontab.Daemon{crontab.DebianCron, crontab.Cronie, crontab.Bcron, crontab.BusyBox, crontab.SystemdCron}

// measuredSchedules are how the daemons interpret a line, in the order of the columns. "=" is the
// line as Overdue interprets it, another text is an equivalent schedule, and "!" with a text is a
// problem with these words.
var measuredSchedules = map[string][5]string{
	"0 3 * * *":       {"=", "=", "=", "=", "*-*-* 3:0:00"},
	"*/5 * * * 1-5":   {"=", "=", "=", "=", "Mon,Tue,Wed,Thu,Fri *-*-* *:0/5:00"},
	"0 0 1-7 * 1":     {"=", "=", "!only on days that match both", "=", "Mon *-*-1..7 0:0:00"},
	"0 0 */2 * 1":     {"=", "=", "=", "!counts the step", "Mon *-*-1/2 0:0:00"},
	"0 4 * * 7":       {"=", "=", "=", "!every day", "Sun *-*-* 4:0:00"},
	"0 0 * * 5-7":     {"=", "=", "=", "!every day", "!never runs"},
	"@weekly":         {"=", "=", "!skips", "!write five fields", "weekly"},
	"@daily":          {"=", "=", "!skips", "!write five fields", "daily"},
	"@hourly":         {"=", "=", "!skips", "!write five fields", "hourly"},
	"@Daily":          {"!does not support @Daily", "!does not support @Daily", "!skips", "!write five fields", "!does not support @Daily"},
	"0 0 1 dec *":     {"=", "=", "=", "!write numbers", "!interprets dec as November"},
	"0 0 1 nov *":     {"=", "=", "=", "!write numbers", "!interprets dec as November"},
	"0 0 1 oct *":     {"=", "=", "=", "!write numbers", "!ignores oct"},
	"0 0 1 jan *":     {"=", "=", "=", "!write numbers", "!skips lines with month names"},
	"0~59 3 * * *":    {"0 3 * * *", "!chooses a random time", "!skips", "!does not run", "!skips"},
	"~ * * * *":       {"!cannot parse “~”", "!chooses a random time", "!skips", "!does not run", "!skips"},
	"1? 3 * * *":      {"1 3 * * *", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 * * 5#2":     {"0 0 * * 5", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 * * fri#2":   {"0 0 * * fri", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 * * 1,5#2,3": {"0 0 * * 1,5", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 15W * *":     {"!cannot parse “15W”", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 L * *":       {"!cannot parse “L”", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 LW * *":      {"!cannot parse “LW”", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 * * 5L":      {"!cannot parse “5L”", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 * * friL":    {"!cannot parse “friL”", "!skips", "!skips", "!does not run", "!skips"},
	"0 0 * * monday":  {"!cannot parse", "!skips", "!skips", "!does not run", "!skips"},
	"5/15 3 * * *":    {"!cannot parse", "!skips", "!skips", "!does not run", "!skips"},
	"*-5 3 * * *":     {"* 3 * * *", "!skips", "!skips", "!does not run", "!skips"},
	"60 3 * * *":      {"!cannot parse", "!skips", "!skips", "!does not run", "!skips"},
	"3 3 *":           {"!cannot parse", "!skips", "!skips", "!does not run", "!skips"},
	"0 3 * * fri-sun": {"=", "!never runs", "!never runs", "!does not run", "!skips"},
	"0 22-4 * * *":    {"=", "!never runs", "!never runs", "!does not run", "!skips"},
	"0 0 1 */3 *":     {"=", "=", "=", "!counts the step", "*-1/3-1 0:0:00"},
	"0 2 * * sun":     {"=", "=", "=", "!write numbers", "!every day"},
	"0 2 * * 0":       {"=", "=", "=", "=", "Sun *-*-* 2:0:00"},
	"0 6-20/2 * * *":  {"=", "=", "=", "=", "*-*-* 6..20/2:0:00"},
}

func TestCommonSchedule_IsTheMeasuredBehaviourOfEachDaemon(t *testing.T) {
	for line, want := range measuredSchedules {
		for i, daemon := range measuredDaemons {
			got := crontab.RulesOf(daemon).ParseSchedule(strings.Fields(line), "UTC", noon)
			read := strings.Join(slices.Concat(got.Cron, got.OnCalendar), "")
			problem, rejected := strings.CutPrefix(want[i], "!")
			switch {
			case rejected && (!strings.Contains(got.Problem, problem) || read != ""):
				t.Errorf("%s, %s: %q, %q; want a problem with %q", daemon, line, read, got.Problem, problem)
			case !rejected && want[i] == "=" && read != line, !rejected && want[i] != "=" && read != want[i], !rejected && got.Problem != "":
				t.Errorf("%s, %s: %q, %q; want %q", daemon, line, read, got.Problem, want[i])
			}
		}
	}
}

// After a clock change, bcron has its own rule for skipped runs, and busybox does not run them.
func TestCommonSchedule_RejectsLinesThatClockChangesMove(t *testing.T) {
	for line, want := range map[string][5]bool{
		"30 2 * * *":   {true, true, false, false, true},
		"*/30 2 * * *": {true, true, false, false, true},
		"30 2-3 * * *": {true, true, false, false, true},
		"*/15 * * * *": {true, true, true, true, true},
		"0 12 * * *":   {true, true, true, true, true},
	} {
		for i, daemon := range measuredDaemons {
			got := crontab.RulesOf(daemon).ParseSchedule(strings.Fields(line), "Europe/Berlin", noon)
			if offered := got.Problem == ""; offered != want[i] {
				t.Errorf("%s, %s in Berlin: %q; want it offered: %v", daemon, line, got.Problem, want[i])
			}
		}
	}
}

func TestDiscover_WithAnUnknownDaemonOffersOnlyUnambiguousLines(t *testing.T) {
	for line, open := range map[string]bool{
		"0 3 * * *": true, "*/5 * * * *": true, "0 0 1 6 *": true, "0 0 1-7 * 1": false, "@weekly": false, "@daily": false, "0 0 * * 5-7": false, "0 0 * * 5#2": false, "0 0 1 oct *": false,
	} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon}
		writeFile(t, m.Root, "/etc/cron.d/app", line+" root /opt/x\n")
		found := mustDiscover(t, m)
		if len(found.Jobs) != 1 || found.Jobs[0].Watchable() != open || !open && !strings.Contains(found.Jobs[0].Problem, "--cron-daemon") || !strings.HasPrefix(found.Daemon, "unknown") {
			t.Errorf("%s: %+v, daemon %q", line, found.Jobs, found.Daemon)
		}
	}
}

// installDaemon writes the files that identify a daemon into an image.
func installDaemon(t *testing.T, root string, daemon crontab.Daemon) {
	t.Helper()
	switch daemon {
	case crontab.DebianCron:
		writeFile(t, root, "/usr/sbin/cron", "\x7fELF…"+string(debianCronMessage)+"…")
	case crontab.Cronie:
		writeFile(t, root, "/usr/sbin/crond", "\x7fELF…cronie 1.6.1\x00…")
	case crontab.Bcron:
		writeFile(t, root, "/usr/sbin/bcron-sched", "")
	case crontab.SystemdCron:
		writeFile(t, root, "/lib/systemd/system-generators/systemd-crontab-generator", "")
	case crontab.BusyBox:
		writeFile(t, root, "/bin/busybox", "\x7fELF…BusyBox v1.36.1 (2024)…")
		if err := os.MkdirAll(root+"/usr/sbin", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/bin/busybox", root+"/usr/sbin/crond"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDetectDaemons_ByFilesAndPackages(t *testing.T) {
	const dpkg = "Package: cron\nStatus: install ok installed\nVersion: 3.0pl1-162\nDescription: x\n y: z\n\nPackage: bcron\nStatus: deinstall ok config-files\nVersion: 0.11-19\n"
	for name, c := range map[string]struct {
		daemons []crontab.Daemon
		files   map[string]string
		want    string
	}{
		"Debian":           {[]crontab.Daemon{crontab.DebianCron}, map[string]string{"/var/lib/dpkg/status": dpkg}, "cron 3.0pl1-162"},
		"cronie":           {[]crontab.Daemon{crontab.Cronie}, nil, "cronie 1.6.1"},
		"bcron":            {[]crontab.Daemon{crontab.Bcron}, map[string]string{"/var/lib/dpkg/status": dpkg}, "bcron"},
		"systemd-cron":     {[]crontab.Daemon{crontab.SystemdCron}, nil, "systemd-cron"},
		"Alpine":           {[]crontab.Daemon{crontab.BusyBox}, map[string]string{"/lib/apk/db/installed": "P:busybox\nV:1.36.1-r2\n"}, "busybox 1.36.1-r2"},
		"two":              {[]crontab.Daemon{crontab.DebianCron, crontab.SystemdCron}, nil, "systemd-cron and cron" + uncertainSuffix},
		"none":             {nil, map[string]string{"/usr/sbin/crond": "\x7fELF another\n"}, "unknown" + uncertainSuffix},
		"fcron":            {nil, map[string]string{"/usr/sbin/fcron": ""}, "fcron"},
		"a binary alone":   {[]crontab.Daemon{crontab.DebianCron}, nil, "cron"},
		"a package no one": {nil, map[string]string{"/var/lib/dpkg/status": dpkg}, "unknown" + uncertainSuffix},
	} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon}
		for _, daemon := range c.daemons {
			installDaemon(t, m.Root, daemon)
		}
		for path, text := range c.files {
			writeFile(t, m.Root, path, text)
		}
		if got := mustDiscover(t, m).Daemon; got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}

func TestDetectDaemons_PrefersTheRunningDaemon(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, ProcDir: t.TempDir()}
	installDaemon(t, m.Root, crontab.DebianCron)
	installDaemon(t, m.Root, crontab.Cronie)
	process := filepath.Join(m.ProcDir, "17")
	if err := os.MkdirAll(process, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(m.Root+"/usr/sbin/crond", process+"/exe"); err != nil {
		t.Fatal(err)
	}
	if got := mustDiscover(t, m).Daemon; got != "cronie 1.6.1" {
		t.Errorf("%q; want the one that runs", got)
	}
}

func TestDiscover_ReadsTheFilesThatTheDaemonReads(t *testing.T) {
	names := []string{"app", "app.bak", "app~", "#app", "app.rpmsave", "app.dpkg-old", "a+b", ".app"}
	for daemon, want := range map[crontab.Daemon][]string{
		crontab.DebianCron: {"app"}, crontab.Bcron: {"app"}, crontab.Cronie: {"a+b", "app", "app.bak", "app.dpkg-old"}, crontab.SystemdCron: {"#app", "a+b", "app", "app.bak", "app.rpmsave"}, crontab.BusyBox: nil,
	} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "alice", AllUsers: true, Zone: "UTC", Now: noon}
		installDaemon(t, m.Root, daemon)
		for _, name := range names {
			writeFile(t, m.Root, "/etc/cron.d/"+name, "0 3 * * * root /opt/x\n")
		}
		spools := map[string]string{"/var/spool/cron/crontabs/alice": "a", "/var/spool/cron/bob": "b", "/etc/crontabs/carol": "c"}
		for path := range spools {
			writeFile(t, m.Root, path, "0 4 * * * /opt/y\n")
		}
		wantUsers := map[crontab.Daemon][]string{crontab.DebianCron: {"alice"}, crontab.Bcron: {"alice"}, crontab.SystemdCron: {"alice"}, crontab.Cronie: {"bob"}, crontab.BusyBox: {"carol", "alice"}}[daemon]
		var got, users []string
		for _, j := range mustDiscover(t, m).Jobs {
			switch name, ok := strings.CutPrefix(j.Source, "/etc/cron.d/"); {
			case ok && j.Watchable():
				got = append(got, name)
			case !ok:
				users = append(users, j.User)
			}
		}
		slices.Sort(users)
		slices.Sort(wantUsers)
		if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(users, wantUsers) {
			t.Errorf("%s: users %v, want %v; files (-want +got):\n%s", daemon, users, wantUsers, diff)
		}
	}
}

// An edit must not make a job run twice.
func TestApply_WritesBackupsWhereNoDaemonReadsThem(t *testing.T) {
	for _, daemon := range measuredDaemons[:4] {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "root", AllUsers: true, Zone: "UTC", Now: noon, StateDir: t.TempDir() + "/state"}
		installDaemon(t, m.Root, daemon)
		files := map[string]string{
			"/etc/cron.d/app": "0 3 * * * root /opt/x\n", "/etc/crontab": "5 3 * * * root /opt/x\n",
			"/var/spool/cron/crontabs/root": "7 3 * * * /opt/x\n", "/var/spool/cron/root": "7 3 * * * /opt/x\n", "/etc/crontabs/root": "7 3 * * * /opt/x\n",
		}
		for path, text := range files {
			writeFile(t, m.Root, path, text)
		}
		before := listFiles(t, m.Root)
		edits := planAll(m, mustDiscover(t, m))
		for _, e := range edits {
			backup, err := m.Apply(t.Context(), e)
			kept, _ := os.ReadFile(backup)
			if err != nil || filepath.Dir(backup) != m.StateDir || string(kept) != string(e.Before) || m.RestoreCommand(e, backup) != "cp "+backup+" "+m.writePath(e.path) {
				t.Errorf("%s: %s: %v, copy %s %q", daemon, e.Location, err, backup, kept)
			}
		}
		if len(edits) == 0 {
			t.Errorf("%s: nothing was edited", daemon)
		}
		if diff := cmp.Diff(before, listFiles(t, m.Root)); diff != "" {
			t.Errorf("%s: other files in the image (-before +after):\n%s", daemon, diff)
		}
	}
}

func TestWriteAtomically_UsesATemporaryNameThatDaemonsIgnore(t *testing.T) {
	err := writeAtomically(t.TempDir()+"/app", []byte("0 3 * * * root x\n"), fileAttributes{mode: 0o644, uid: -1, gid: -1}, func(from, to string) error {
		for _, r := range crontab.KnownDaemons {
			if r.ReadsEtc && r.IgnoresFile(filepath.Base(from)) == "" {
				t.Errorf("%s reads %s", r.Daemon, filepath.Base(from))
			}
		}
		return os.Rename(from, to)
	})
	if err != nil {
		t.Error(err)
	}
}

// listFiles lists the files below a directory.
func listFiles(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDiscover_ReportsABackupThatADaemonRuns(t *testing.T) {
	for daemon, named := range map[crontab.Daemon]bool{crontab.DebianCron: false, crontab.Cronie: true, crontab.SystemdCron: true, crontab.Bcron: false} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon}
		installDaemon(t, m.Root, daemon)
		writeFile(t, m.Root, "/etc/cron.d/app.overdue-backup-20260101T000000Z", "0 3 * * * root /opt/x\n")
		found := mustDiscover(t, m)
		if said := strings.Contains(fmt.Sprint(found.Notes), "runs it too"); said != named || len(found.Jobs) != 0 {
			t.Errorf("%s: %v, jobs %v", daemon, found.Notes, jobRows(found))
		}
	}
}
