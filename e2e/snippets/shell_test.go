package snippets_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shells in which people paste lines. The second word is for BusyBox.
var shells = map[string][]string{"dash": {"/bin/dash"}, "bash": {"/bin/bash"}, "busybox": {"/bin/busybox", "sh"}}

// inShell runs code as an argument of a shell.
func inShell(shell []string) func(*testing.T, snippetRun, string) *exec.Cmd {
	return func(t *testing.T, _ snippetRun, code string) *exec.Cmd {
		return command(t, shell[0], append(shell[1:], "-c", code)...)
	}
}

// asScript runs code as a file.
func asScript(shell []string) func(*testing.T, snippetRun, string) *exec.Cmd {
	return func(t *testing.T, sc snippetRun, code string) *exec.Cmd {
		path := filepath.Join(sc.dir, "backup.sh")
		write(t, path, code)
		return command(t, shell[0], append(shell[1:], path)...)
	}
}

func TestShell_PrintedLinesPingAndKeepTheJobsExitCode(t *testing.T) {
	t.Parallel()
	var pieces []printedCode
	for name, shell := range shells {
		own := []printedCode{
			{name: "success", code: line(t, "success"), good: []string{""}, noJob: true, codes: map[outcome]int{unreachable: 7}},
			{name: "fail", code: line(t, "fail"), good: []string{"/fail"}, noJob: true, codes: map[outcome]int{unreachable: 7}},
			// The manual says that this one ends with the exit code of curl, and what to write instead.
			{name: "after", code: line(t, "after"), good: []string{""}, codes: map[outcome]int{unreachable: 7}},
			{name: "tab curl 1", code: block(t, "curl", 0).Code, good: []string{""}, codes: map[outcome]int{unreachable: 7}},
			{name: "ignored", code: line(t, "ignored"), good: []string{""}},
			{name: "exit code", code: line(t, "exit code"), good: []string{"/0"}, bad: []string{"/3"}},
			{name: "curl loop", code: line(t, "curl loop"), good: []string{""}},
			{name: "tab curl 3", code: block(t, "curl", 2).Code, good: []string{""}},
			{name: "wget", code: line(t, "wget"), good: []string{""}, codes: map[outcome]int{unreachable: 4}},
		}
		for i := range own {
			own[i].run = inShell(shell)
		}
		scripts := []printedCode{
			{name: "start finish", code: line(t, "start finish"), good: []string{"/start", "/0"}, bad: []string{"/start", "/3"}},
			{name: "run id", code: line(t, "run id"), good: []string{"/start", "/0"}, bad: []string{"/start", "/3"}},
			{name: "output", code: line(t, "output"), good: []string{"/0"}, bad: []string{"/3"}, body: "job err", merged: true},
			{name: "tab curl 2", code: block(t, "curl", 1).Code, good: []string{"/start", "/0"}, bad: []string{"/start", "/3"}},
		}
		for i := range scripts {
			scripts[i].run = asScript(shell)
		}
		for _, p := range append(own, scripts...) {
			p.name = name + " " + p.name
			pieces = append(pieces, p)
		}
	}
	runPieces(t, pieces)
}

// TestShell_TheLoopsWorkWhereCurlIsOldAndWgetIsBusyBoxs: the first does not know
// two of the flags, the second none that retries.
func TestShell_TheLoopsWorkWhereCurlIsOldAndWgetIsBusyBoxs(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"curl": line(t, "curl loop"), "wget": line(t, "wget loop")} {
		runPieces(t, []printedCode{{name: name, code: code, good: []string{""}, run: func(t *testing.T, sc snippetRun, code string) *exec.Cmd {
			cmd := command(t, "/bin/busybox", "sh", "-c", code)
			cmd.Env = []string{"PATH=" + oldTools(t) + ":" + systemPath}
			return cmd
		}}})
	}
}

// TestShell_AnOldCurlSendsNothing is why the manual has a line for it.
func TestShell_AnOldCurlSendsNothing(t *testing.T) {
	t.Parallel()
	cmd := command(t, "/bin/dash", "-c", strings.ReplaceAll(line(t, "success"), "PING_URL", "http://127.0.0.1:1"))
	cmd.Env = []string{"PATH=" + oldTools(t) + ":" + systemPath}
	if _, stderr, code := runCommand(t, cmd, snippetRun{dir: t.TempDir()}); code != 2 || !strings.Contains(stderr, "--retry-all-errors: is unknown") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// oldTools is a directory with a curl that rejects what curl 7.51 did not know,
// and with the wget of BusyBox.
func oldTools(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "curl"), `#!/bin/sh
for word; do
	case $word in --retry-all-errors|--retry-connrefused) set -- --no-$word-is-known-here; new=$word ;; esac
done
[ -z "${new-}" ] || { echo "curl: option --retry-all-errors: is unknown" >&2; exit 2; }
exec /usr/bin/curl "$@"
`)
	if err := os.Symlink("/bin/busybox", filepath.Join(dir, "wget")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestShell_WithoutAnyRunIDTheScriptStillPings: a machine with neither /proc nor
// uuidgen gives no run id, and that must not stop the job.
func TestShell_WithoutAnyRunIDTheScriptStillPings(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"run id": line(t, "run id"), "script": block(t, "curl", 1).Code} {
		code = strings.NewReplacer("/proc/sys/kernel/random/uuid", "/nowhere", "uuidgen", "no-uuidgen").Replace(code)
		runPieces(t, []printedCode{{name: name, code: code, good: []string{"/start", "/0"}, bad: []string{"/start", "/3"}, run: asScript(shells["dash"])}})
	}
}

// TestShell_TheScriptReportsAnyCommandThatFails: under set -e, the script ends at
// the first one.
func TestShell_TheScriptReportsAnyCommandThatFails(t *testing.T) {
	t.Parallel()
	code := strings.ReplaceAll(block(t, "curl", 1).Code, "/usr/local/bin/backup", "echo job out\necho job err >&2\n(exit $CODE)\necho not reached when it fails >/dev/null")
	var pieces []printedCode
	for name, shell := range shells {
		pieces = append(pieces, printedCode{name: name, code: code, good: []string{"/start", "/0"}, bad: []string{"/start", "/3"}, run: func(t *testing.T, sc snippetRun, code string) *exec.Cmd {
			cmd := asScript(shell)(t, sc, code)
			cmd.Env = []string{"PATH=" + systemPath, "CODE=0"}
			if sc.out.fails() {
				cmd.Env[1] = "CODE=3"
			}
			return cmd
		}})
	}
	runPieces(t, pieces)
}

// TestShell_AScriptThatIsStoppedReportsNoSuccess: bash runs a trap on EXIT when
// SIGTERM ends it, with 0 in $?.
func TestShell_AScriptThatIsStoppedReportsNoSuccess(t *testing.T) {
	t.Parallel()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			srv.start(t)
			// The job stops the script that runs it, and ends like it.
			code := strings.NewReplacer("PING_URL", srv.url, "/usr/local/bin/backup", "kill -TERM $$; exit 143").Replace(block(t, "curl", 1).Code)
			sc := snippetRun{dir: t.TempDir()}
			_, stderr, ended := runCommand(t, asScript(shell)(t, sc, code), sc)
			if ended == 0 {
				t.Error("exit code 0")
			}
			srv.mu.Lock()
			defer srv.mu.Unlock()
			for _, p := range srv.pings {
				if p.signal == "" || p.signal == "/0" {
					t.Errorf("reported %s\n%s", p, stderr)
				}
			}
		})
	}
}
