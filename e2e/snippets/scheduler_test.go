package snippets_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// asCron runs a line of a crontab as Debian's cron does: five fields, then the
// command up to the first % without a backslash, under SHELL with a short
// environment (crontab(5)).
func asCron(t *testing.T, sc snippetRun, code string) *exec.Cmd {
	if strings.Contains(code, "\n") || strings.Contains(code, "%") {
		t.Fatalf("not one line, or with a %%, which cron makes a line end:\n%s", code)
	}
	m := regexp.MustCompile(`^(\S+ ){5}(.*)$`).FindStringSubmatch(code)
	if m == nil || !strings.HasPrefix(code, "0 3 * * * ") {
		t.Fatalf("no line of a crontab: %s", code)
	}
	checkWithCrontab(t, sc, code)
	cmd := command(t, "/bin/sh", "-c", m[2])
	cmd.Env = []string{"SHELL=/bin/sh", "HOME=" + sc.dir, "LOGNAME=nobody", "PATH=/usr/bin:/bin"}
	return cmd
}

// checkWithCrontab asks crontab(1) whether cron takes the line; -n installs nothing.
func checkWithCrontab(t *testing.T, sc snippetRun, code string) {
	t.Helper()
	path := filepath.Join(sc.dir, "crontab")
	write(t, path, code+"\n")
	if out, err := command(t, "/usr/bin/crontab", "-n", path).CombinedOutput(); err != nil {
		t.Fatalf("crontab -n: %v\n%s", err, out)
	}
}

func TestCrontab_PrintedLinesPingAndKeepTheJobsExitCode(t *testing.T) {
	t.Parallel()
	runPieces(t, []printedCode{
		{name: "tab 1", code: block(t, "crontab", 0).Code, good: []string{""}, run: asCron},
		{name: "tab 2", code: block(t, "crontab", 1).Code, good: []string{"/0"}, bad: []string{"/3"}, run: asCron},
		{name: "manual", code: line(t, "crontab"), good: []string{""}, run: asCron},
	})
}

// units are the printed files with the job and the URL of a scene.
func units(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for n := range 3 {
		b := block(t, "systemd", n)
		all[filepath.Base(b.File)] = b.Code
	}
	return all
}

// setting returns the only value of a setting of a unit.
func setting(t *testing.T, unit, name string) string {
	t.Helper()
	all := regexp.MustCompile(`(?m)^`+name+`=(.*)$`).FindAllStringSubmatch(unit, -1)
	if len(all) != 1 {
		t.Fatalf("%d lines %s=", len(all), name)
	}
	return all[0][1]
}

// asSystemd does what systemd does with the printed units: ExecStartPost= only
// after a success, and the unit of OnFailure= after the last failure. systemd
// starts programs without a shell (systemd.service(5)).
func asSystemd(t *testing.T, sc snippetRun, code string) *exec.Cmd {
	service, failed, _ := strings.Cut(code, "\n---\n")
	prefixed := setting(t, service, "ExecStartPost")
	post, ignored := strings.CutPrefix(prefixed, "-")
	if !ignored {
		t.Error("a ping that fails would fail the unit")
	}
	words := strings.Fields(post)
	if strings.ContainsAny(post, `'"$%\`) {
		t.Fatalf("words that systemd would change: %s", post)
	}
	report, quoted := strings.CutPrefix(setting(t, failed, "ExecStart"), "/bin/sh -c '")
	if !quoted || strings.ContainsAny(report, `$%\`) {
		t.Fatalf("not one quoted word: %s", report)
	}
	bin := filepath.Join(sc.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(bin, "journalctl"), "#!/bin/sh\necho \"log of $*\"\n")
	write(t, filepath.Join(sc.dir, "manager"), `"$1"; code=$?; shift
if [ $code = 0 ]; then "$@" >&2; else sh -c "$REPORT" >&2; fi
exit $code
`)
	cmd := command(t, "/bin/sh", append([]string{filepath.Join(sc.dir, "manager"), setting(t, service, "ExecStart")}, words...)...)
	cmd.Env = []string{"PATH=" + bin + ":" + systemPath, "REPORT=" + strings.TrimSuffix(report, "'")}
	return cmd
}

func TestSystemd_PrintedUnitsPingAfterASuccessAndAfterTheLastFailure(t *testing.T) {
	t.Parallel()
	all := units(t)
	runPieces(t, []printedCode{{
		name: "units", code: all["backup.service"] + "\n---\n" + all["backup-failed.service"], run: asSystemd,
		good: []string{""}, bad: []string{"/fail"}, body: "log of -u backup.service",
	}})
}

// TestSystemd_NothingIsSentForASkipOrAnAttempt: systemd runs ExecStopPost= after
// a skip by ExecCondition= and after each attempt that Restart= follows, so that
// setting must not ping. OnFailure= starts only when the unit has failed for good.
func TestSystemd_NothingIsSentForASkipOrAnAttempt(t *testing.T) {
	t.Parallel()
	service := units(t)["backup.service"]
	for _, name := range []string{"ExecStopPost", "ExecStop", "ExecStartPre", "ExecCondition"} {
		if strings.Contains(service, name+"=") {
			t.Errorf("%s= also runs where the job neither succeeded nor failed", name)
		}
	}
	if got := setting(t, service, "OnFailure"); units(t)[got] == "" {
		t.Errorf("OnFailure=%s, which is not printed", got)
	}
}

func TestSystemd_PrintedUnitsVerify(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var paths []string
	for name, code := range units(t) {
		path := filepath.Join(dir, name)
		write(t, path, strings.ReplaceAll(code, "/usr/local/bin/backup", "/bin/true"))
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	cmd := command(t, "/usr/bin/systemd-analyze", append([]string{"verify", "--man=no"}, paths...)...)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), dir) || strings.Contains(string(out), "backup") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestRun_PrintedLinesPingAndKeepTheJobsExitCode: without a server, the program
// itself says how long it waits; e2e/script tests that.
func TestRun_PrintedLinesPingAndKeepTheJobsExitCode(t *testing.T) {
	t.Parallel()
	program := func(code string) string {
		return strings.NewReplacer("/usr/local/bin/overdue run", overdue+" run", "overdue run", overdue+" run").Replace(code)
	}
	inCron := func(t *testing.T, sc snippetRun, code string) *exec.Cmd { return asCron(t, sc, program(code)) }
	for _, p := range []printedCode{
		{name: "terminal", code: block(t, "overdue run", 0).Code, run: func(t *testing.T, _ snippetRun, code string) *exec.Cmd {
			return command(t, "/bin/sh", "-c", program(code))
		}},
		{name: "crontab", code: block(t, "overdue run", 1).Code, run: inCron},
		{name: "manual", code: line(t, "crontab run"), run: inCron},
	} {
		p.bad, p.body = []string{"/start", "/3"}, "job err"
		for _, o := range []outcome{success, failure, restart} {
			p := p
			p.good = []string{"/start", "/0"}
			if o == restart { // a start that cannot be sent while the job runs is dropped
				p.good = []string{"/0"}
			}
			t.Run(p.name+"/"+string(o), func(t *testing.T) {
				t.Parallel()
				p.test(t, o)
			})
		}
	}
}
