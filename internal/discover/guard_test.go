package discover

import (
	"os"
	"strings"
	"testing"
	"time"

	"overdue/internal/discover/crontab"
)

// guardedCommands maps commands to the part that is wrapped. A value that starts with ! is a
// problem.
var guardedCommands = map[string]string{
	"/opt/job":                                 "/opt/job",
	"cd /srv && php x.php":                     "cd /srv && php x.php",
	"[ -x /opt/x ] && /opt/x --go":             "/opt/x --go",
	"test -x /opt/x && cd / && /opt/x":         "cd / && /opt/x",
	"test -e /opt/x && a | b":                  "a | b",
	"[ -x /opt/none ] || { a && b; c; }":       "{ a && b; c; }",
	"[ -x /opt/x ] && [ ! -d /opt/none ] && y": "y",
	"test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew": "certbot -q renew",
	"command -v debian-sa1 > /dev/null && debian-sa1 1 1":                                                            "debian-sa1 1 1",
	"sleep 30; a; b":                              "a; b",
	`sleep $((RANDOM \% 60)) && a`:                "a",
	"flock /tmp/l /opt/job":                       "flock /tmp/l /opt/job",
	"a && [ -x /opt/none ]":                       "a && [ -x /opt/none ]",
	"echo '[ -x /opt/x ] && y'":                   "echo '[ -x /opt/x ] && y'",
	"[ -x /opt/x ] && job 'a; b' # c; d":          "job 'a; b' # c; d",
	"[ -x /opt/none ] && y":                       "!has no effect here, because of “[ -x /opt/none ]”",
	"[ -x /opt/plain ] && y":                      "!has no effect here",
	"[ -d /opt/plain ] && y":                      "!has no effect here",
	"[ -s /opt/plain ] || y":                      "y",
	"[ -r /opt/plain ] && y":                      "y",
	"grep -q x /opt/x | y":                        "grep -q x /opt/x | y",
	"which x; y":                                  "which x; y",
	"[ -x /opt/x ] || y":                          "!has no effect here",
	"command -v nosuch >/dev/null 2>&1 && nosuch": "!has no effect here",
	`[ "$(date +\%u)" = 5 ] && job`:               "!runs only if",
	"[ $(date +\\%d) -le 7 ] && job":              "!runs only if",
	"test -f /var/run/enabled && job":             "!runs only if",
	"pgrep -f worker || job":                      "!runs only if",
	"! mountpoint -q /b || job":                   "!runs only if",
	"[ -x /opt/x ] && a; b":                       "!a part of the command",
	"[ -x /opt/x ] && a || b":                     "!a part of the command",
	"[ -x /opt/none ] || a && b":                  "!a part of the command",
	"[ -x /opt/x ] && a & b":                      "!a part of the command",
	"if [ -x /opt/x ]; then /opt/x; fi":           "!begins with “if”",
	"case $(date +\\%u) in 5) job;; esac":         "!begins with “case”",
	"flock -n /tmp/l /opt/job":                    "!flock skips a run",
	"/usr/bin/flock -xn /tmp/l -c 'a b'":          "!flock skips a run",
	"flock -w 10 /tmp/l /opt/job":                 "!flock skips a run",
}

func TestSplitGuard_KeepsCertainTestsAndRejectsOthers(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"/usr/bin/certbot", "/opt/x", "/usr/lib/sysstat/debian-sa1"} {
		writeProgram(t, root, path)
	}
	writeFile(t, root, "/opt/plain", "")
	for command, want := range guardedCommands {
		m := Machine{Root: root}
		g := m.splitGuard(crontab.Entry{Command: command, Environment: crontab.Environment{Path: "/usr/lib/sysstat:/usr/bin"}})
		if problem, rejected := strings.CutPrefix(want, "!"); rejected {
			if !strings.HasPrefix(g.problem, problem) {
				t.Errorf("%s: %+v; want the problem %q", command, g, problem)
			}
		} else if g.problem != "" || g.work != want || g.guard+g.work != command {
			t.Errorf("%s: %+v; want %q wrapped and the rest in front of it", command, g, want)
		}
	}
}

// writeProgram writes an executable file below a root.
func writeProgram(t *testing.T, root, path string) {
	t.Helper()
	writeFile(t, root, path, "")
	if err := os.Chmod(root+path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// The commands are those of Debian packages.
func TestSplitGuard_RejectsJobsThatSystemdRunsInstead(t *testing.T) {
	for _, command := range []string{
		"test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew",
		"test -e /run/systemd/system || SERVICE_MODE=1 /usr/lib/e2fsprogs/e2scrub_all_cron",
		"[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi",
		"[ -d /run/systemd/system ] || /usr/bin/certbot",
	} {
		for _, systemd := range []bool{true, false} {
			m := Machine{Root: t.TempDir()}
			writeProgram(t, m.Root, "/usr/bin/certbot")
			writeProgram(t, m.Root, "/usr/lib/php/sessionclean")
			if systemd {
				writeFile(t, m.Root, "/lib/systemd/systemd", "")
			}
			g := m.splitGuard(crontab.Entry{Command: command})
			if nothing := g.problem == "has no effect here: systemd runs it instead"; nothing != systemd {
				t.Errorf("%s, with systemd %v: %+v", command, systemd, g)
			}
		}
	}
}

func TestSplitGuard_AddsASleepToTheGrace(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, Daemon: crontab.DebianCron}
	writeFile(t, m.Root, "/etc/cron.d/app", "0 3 * * * root sleep 1800; /opt/a\n0 4 * * * root perl -e 'sleep int(rand(43200))' && /opt/b\n0 5 * * * root sleep 5m && /opt/c\n")
	want := []time.Duration{90 * time.Minute, 13 * time.Hour, 65 * time.Minute}
	for i, j := range mustDiscover(t, m).Jobs {
		if j.Grace != want[i] || j.Problem != "" {
			t.Errorf("%s: grace %s, %q; want %s", j.Command, j.Grace, j.Problem, want[i])
		}
	}
}

// A run that the guard skips ends as before, and sends no ping.
func TestWrapCommand_KeepsAGuardInFront(t *testing.T) {
	bin := fakePrograms(t)
	for _, with := range []PingMethod{PingWithRun, PingWithCurl} {
		for guard, runs := range map[string]bool{"[ -x /bin/sh ] && ": true, "[ -x /bin/none ] && ": false} {
			e := crontab.Entry{Command: guard + `echo "it's" | cat; (exit 4)`, Guard: guard}
			wired, err := PingSettings{Method: with, Program: bin + "/overdue"}.wrapCommand(e, aURL, false)
			if err != nil || !strings.HasPrefix(wired, guard) || unwrapCommand(wired) != e.Command {
				t.Fatalf("%s: %s, %v; unwrapped %s", e.Command, wired, err, unwrapCommand(wired))
			}
			before, after := runAsCron(t, "/bin/sh", bin, guard+"{ "+strings.TrimPrefix(e.Command, guard)+"; }"), runAsCron(t, "/bin/sh", bin, wired)
			if before.out != after.out || before.code != after.code && with == PingWithRun || (after.pinged != "") != (runs && with == PingWithCurl) {
				t.Errorf("%s with %s: %+v became %+v", e.Command, with, before, after)
			}
		}
	}
}

// Debian's cron ignores the whole file; the other daemons skip the line.
func TestDiscover_RejectsADebianFileWithOneInvalidLine(t *testing.T) {
	const good = "0 3 * * * root /opt/good\n"
	for name, c := range map[string]struct {
		text string
		why  string // "" if Debian's cron reads the file
	}{
		"six fields":           {"0 10 4 * * * root /x\n" + good, "there is no user “*”"},
		"no user column":       {good + "0 4 * * * cd /srv && ./x\n", "line 2: there is no user “cd”"},
		"an unknown user":      {good + "0 4 * * * nobodyknows /x\n", "there is no user “nobodyknows”"},
		"export":               {"export PATH=/usr/bin\n" + good, "line 1"},
		"an empty setting":     {"MAILTO=\n" + good, "line 1"},
		"a capital letter":     {"@Daily root /x\n" + good, "does not support @Daily"},
		"L":                    {"0 3 L * * root /x\n" + good, "cannot parse “L”"},
		"15W":                  {"0 3 15W * * root /x\n" + good, "cannot parse “15W”"},
		"friL":                 {"0 3 * * friL root /x\n" + good, "cannot parse “friL”"},
		"a continued line":     {"0 3 * * * root /x \\\n  --more\n" + good, "line 2"},
		"no command":           {"0 3 * * * root\n" + good, "there is no command"},
		"no newline":           {good + "0 4 * * * root /x", "its last line has no newline"},
		"a setting at the end": {good + "A=b", "its last line has no newline"},
		"a comment at the end": {good + "# x", ""},
		"a range upwards":      {good + "0 3 * * fri-sun root /x\n", ""},
		"hours upwards":        {good + "0 22-4 * * * root /x\n", ""},
		"31 February":          {good + "0 0 31 2 * root /x\n", ""},
		"a dropped range":      {good + "*-5 4 * * * root /x\n", ""},
		"a quoted empty one":   {"MAILTO=\"\"\n" + good, ""},
		"at boot":              {"@reboot root /x\n" + good, ""},
	} {
		for _, daemon := range []crontab.Daemon{crontab.DebianCron, crontab.Cronie, crontab.Bcron} {
			m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, Daemon: daemon}
			writeFile(t, m.Root, "/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
			writeFile(t, m.Root, "/etc/cron.d/app", c.text)
			found := mustDiscover(t, m)
			open := 0
			for _, j := range found.Jobs {
				if j.Watchable() && j.Command == "/opt/good" {
					open++
				}
			}
			dropped := daemon == crontab.DebianCron && c.why != ""
			said := strings.Contains(strings.Join(found.Notes, "\n"), "ignores the whole file")
			if (open == 1) == dropped || said != dropped || dropped && !strings.Contains(found.Notes[0], c.why) {
				t.Errorf("%s with %s: %v, notes %v", name, daemon, jobRows(found), found.Notes)
			}
			if dropped && len(planAll(m, found)) > 0 {
				t.Errorf("%s: a line of a file that cron ignores is edited", name)
			}
		}
	}
}

func TestDiscover_ReportsLinesThatWouldShareAHeartbeat(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, Daemon: crontab.DebianCron, StateDir: t.TempDir() + "/state"}
	writeFile(t, m.Root, "/etc/cron.d/app", "0 3 * * * root /opt/x\n0 3 * * * root /opt/x\n0 4 * * * root /opt/x\n")
	for range 2 { // the second time, the first line already pings
		jobs := mustDiscover(t, m).Jobs
		if !strings.Contains(jobs[1].Problem, "is the same as line 1") || jobs[2].Problem != "" {
			t.Errorf("%q, %q", jobs[1].Problem, jobs[2].Problem)
		}
		for _, e := range planAll(m, mustDiscover(t, m)) {
			if _, err := m.Apply(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDiscover_RejectsAPercentSignInsideQuotes(t *testing.T) {
	for command, want := range map[string]string{
		"sleep $(( RANDOM % 60 )); /opt/x": "inside quotes or brackets", `tar cf "/b/$(date +%F).tar" /srv`: "inside quotes or brackets", "mail bob%hello": "",
	} {
		for _, daemon := range []crontab.Daemon{crontab.DebianCron, crontab.Bcron, crontab.SystemdCron} {
			m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, Daemon: daemon}
			writeFile(t, m.Root, "/etc/cron.d/app", "0 3 * * * root "+command+"\n")
			found := mustDiscover(t, m)
			if daemon == crontab.SystemdCron && found.Jobs[0].Watchable() {
				t.Errorf("%s is offered under systemd-cron", command)
			}
			if j := found.Jobs[0]; daemon == crontab.DebianCron && (!strings.Contains(j.Problem, want) || (want == "") != j.Watchable() || !strings.Contains(found.Notes[0], "first %")) || daemon == crontab.Bcron && !j.Watchable() {
				t.Errorf("%s with %s: %q, notes %v", command, daemon, j.Problem, found.Notes)
			}
		}
	}
}

// busybox ends the line there, even in the quotes that wrapping would add.
func TestDiscover_RejectsAHashUnderBusyBox(t *testing.T) {
	for daemon, open := range map[crontab.Daemon]bool{crontab.BusyBox: false, crontab.DebianCron: true} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "bob", Zone: "UTC", Now: noon, Daemon: daemon}
		writeFile(t, m.Root, "/var/spool/cron/crontabs/bob", "0 3 * * * /opt/x # nightly\n")
		if j := mustDiscover(t, m).Jobs[0]; j.Watchable() != open || !open && !strings.Contains(j.Problem, "ends the line at the #") {
			t.Errorf("%s: %q", daemon, j.Problem)
		}
	}
}

// bcron and the services of root do not set $SHELL. For jobs of users, systemd-cron sets another
// shell, and busybox uses the login shell.
func TestWrapCommand_UsesTheShellThatRunsTheJob(t *testing.T) {
	for _, c := range []struct {
		daemon  crontab.Daemon
		setting string
		want    string // in the line; a value that starts with ! is a problem
	}{
		{crontab.DebianCron, "", `"${SHELL:-/bin/sh}" -c`},
		{crontab.Cronie, "", `"${SHELL:-/bin/sh}" -c`},
		{crontab.Bcron, "", `"${SHELL:-/bin/sh}" -c`},
		{crontab.Bcron, "SHELL=/bin/bash\n", `"${SHELL:-/bin/sh}" -c`},
		{crontab.SystemdCron, "", ` -- /bin/sh -c`},
		{crontab.SystemdCron, "SHELL=/bin/bash\n", ` -- /bin/bash -c`},
		{"", "", ` -- /bin/sh -c`},
		{crontab.DebianCron, "SHELL=/usr/bin/fish\n", "!which discover does not support"},
		{crontab.Cronie, "SHELL=/bin/csh\n", "!which discover does not support"},
		{crontab.SystemdCron, "SHELL=/bin/tcsh\n", "!which discover does not support"},
		{crontab.DebianCron, "SHELL=bash\n", "!must be an absolute path"},
	} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, Daemon: c.daemon}
		writeFile(t, m.Root, "/etc/cron.d/app", c.setting+"0 3 * * * root a | b\n")
		checkCrontabLine(t, m, c.want)
	}
	for shell, want := range map[string]string{"/bin/bash": `"${SHELL:-/bin/sh}" -c`, "/usr/bin/fish": "!which discover does not support", "/usr/sbin/nologin": "!which discover does not support"} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "bob", Zone: "UTC", Now: noon, Daemon: crontab.BusyBox}
		writeFile(t, m.Root, "/etc/passwd", "root:x:0:0:root:/root:/bin/ash\nbob:x:1:1::/home/bob:"+shell+"\n")
		writeFile(t, m.Root, "/var/spool/cron/crontabs/bob", "0 3 * * * a | b\n")
		checkCrontabLine(t, m, want)
	}
}

// checkCrontabLine compares the line of the only job of a machine, or its problem.
func checkCrontabLine(t *testing.T, m Machine, want string) {
	t.Helper()
	j := mustDiscover(t, m).Jobs[0]
	_, text, err := m.PingLine(JobPing{Job: j, URL: aURL}, PingSettings{Method: PingWithRun, Program: "/usr/bin/overdue"})
	if problem, rejected := strings.CutPrefix(want, "!"); rejected && !strings.Contains(j.Problem, problem) || !rejected && (err != nil || !strings.Contains(text, want)) {
		t.Errorf("%s: %s, %v, %q; want %s", m.Daemon, text, err, j.Problem, want)
	}
}

func TestDiscover_AddsARandomDelayToTheGrace(t *testing.T) {
	for daemon, want := range map[crontab.Daemon]time.Duration{crontab.DebianCron: 5 * time.Minute, crontab.Bcron: 5 * time.Minute, crontab.Cronie: 50 * time.Minute, crontab.SystemdCron: 50 * time.Minute} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, Daemon: daemon}
		writeFile(t, m.Root, "/etc/cron.d/app", "RANDOM_DELAY=45\n*/20 * * * * root /opt/x\n")
		if j := mustDiscover(t, m).Jobs[0]; j.Grace != want || !j.Watchable() {
			t.Errorf("%s: grace %s, %q; want %s", daemon, j.Grace, j.Problem, want)
		}
	}
}

func TestDiscover_ObeysCronTZIfItIsSafe(t *testing.T) {
	for _, c := range []struct {
		daemon    crontab.Daemon
		own, host string
		want      string // zone of the schedule; "" for a problem
	}{
		{crontab.DebianCron, "Asia/Tokyo", "Europe/Berlin", "Europe/Berlin"},
		{crontab.Bcron, "Asia/Tokyo", "Asia/Seoul", "Asia/Seoul"},
		{crontab.Cronie, "Asia/Tokyo", "Asia/Seoul", "Asia/Tokyo"},
		{crontab.Cronie, "Asia/Tokyo", "Europe/Berlin", ""},
		{crontab.Cronie, "America/New_York", "Asia/Tokyo", ""},
		{crontab.Cronie, "Europe/Berlin", "Europe/Berlin", "Europe/Berlin"},
		{crontab.SystemdCron, "Asia/Tokyo", "Asia/Tokyo", ""},
		{"", "Asia/Tokyo", "Asia/Tokyo", ""},
	} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Now: noon, Daemon: c.daemon}
		writeFile(t, m.Root, "/etc/timezone", c.host+"\n")
		writeFile(t, m.Root, "/etc/cron.d/app", "CRON_TZ="+c.own+"\n0 12 * * * root /opt/x\n")
		if j := mustDiscover(t, m).Jobs[0]; j.Watchable() != (c.want != "") || j.Watchable() && j.Zone != c.want {
			t.Errorf("%+v: zone %s, %q", c, j.Zone, j.Problem)
		}
	}
}

func TestDiscover_OffersOnlyWhatTheDaemonReads(t *testing.T) {
	for name, c := range map[string]struct {
		daemon crontab.Daemon
		file   string
		mode   os.FileMode
		open   bool
	}{
		"busybox reads no cron.d":       {crontab.BusyBox, "", 0o644, false},
		"cronie, an executable file":    {crontab.Cronie, "", 0o755, false},
		"Debian's cron, executable":     {crontab.DebianCron, "", 0o755, true},
		"systemd-cron, a timer by name": {crontab.SystemdCron, "/etc/systemd/system/app.timer", 0o644, false},
		"fcron has tables of its form":  {"", "/usr/sbin/fcron", 0o644, false},
		"systemd-cron":                  {crontab.SystemdCron, "", 0o644, true},
	} {
		m := Machine{Root: t.TempDir(), Host: "web1", User: "x", Zone: "UTC", Now: noon, Daemon: c.daemon}
		writeFile(t, m.Root, "/etc/cron.d/app", "0 3 * * * root /opt/x\n")
		if c.file != "" {
			writeFile(t, m.Root, c.file, "")
		}
		if err := os.Chmod(m.writePath("/etc/cron.d/app"), c.mode); err != nil {
			t.Fatal(err)
		}
		if j := mustDiscover(t, m).Jobs[0]; j.Watchable() != c.open {
			t.Errorf("%s: %q", name, j.Problem)
		}
	}
}
