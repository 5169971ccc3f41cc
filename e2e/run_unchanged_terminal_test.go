package e2e_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRun_AJobOnATerminalHasTheTerminal(t *testing.T) {
	t.Parallel()
	const facts = `tty; for n in 0 1 2; do test -t $n && echo terminal $n; done; ps -o stat= -p $$ | tr -d 'sl'; stty size; ls -go --time-style=+ /proc/self/fd`
	after := func(keys string) string { return "(sleep 0.8; printf '" + keys + `'; sleep 1) | "$@"; exit` }
	for name, a := range map[string]attempt{
		"all streams":               {job: []string{"sh", "-c", facts}},
		"standard output elsewhere": {job: []string{"sh", "-c", "(" + facts + ") 2>/dev/null | cat"}},
		"its size":                  {job: []string{"sh", "-c", "stty rows 33 cols 77; stty size"}},
		"an interrupt comes once":   {before: after(`\003`), job: []string{"sh", "-c", "trap 'echo interrupted' INT; sleep 1.5; sleep 0.2; echo done"}},
		"an interrupt ends it":      {before: after(`\003`), job: []string{"sleep", "10"}},
		"quit ends it":              {before: "ulimit -c 0; " + after(`\034`), job: []string{"sleep", "10"}},
		"input":                     {before: after(`typed\n\004`), job: []string{"cat"}},
	} {
		a.onTTY = true
		t.Run(name, func(t *testing.T) { compare(t, a, nil) })
	}
}

func TestRun_AJobCanBeStoppedAndContinuedFromTheShell(t *testing.T) {
	t.Parallel()
	// The line that the shell prints about a stopped job contains the command, which differs.
	named := regexp.MustCompile(`(?m)^.*(Stopped|overdue run|sh -c sleep).*$\n?`)
	script := `"$@"; echo stopped: $(jobs -s | wc -l); fg >/dev/null; echo after: $?`
	before := fmt.Sprintf("(sleep 1; printf '\\032'; sleep 2) | script -qefc %s /dev/null; exit",
		`"bash --norc -ic '. ./script' bash $(printf "'%s' " "$@")"`)
	prepare := "cat >script <<'END'\n" + script + "\nEND\n"
	compare(t, attempt{before: prepare + before, job: []string{"sleep", "1.5"}}, func(out string) string {
		return named.ReplaceAllString(strings.ReplaceAll(out, "\r", ""), "")
	})
}

func TestRun_PassesSignalsOnAsIfTheyWereSentToTheJob(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGTERM,
		syscall.SIGCONT, syscall.SIGVTALRM, syscall.SIGWINCH, syscall.SIGIO, syscall.SIGPWR, syscall.SIGSTKFLT, 35, 50, 64,
	} {
		t.Run(fmt.Sprint(int(sig)), func(t *testing.T) {
			script := fmt.Sprintf("trap 'echo got it; exit 9' %d; echo ready >mark; while :; do sleep 0.02; done", sig)
			compare(t, attempt{job: []string{"sh", "-c", script}, meet: func(m *meeting) {
				untilMark(m)
				if err := m.cmd.Process.Signal(sig); err != nil {
					m.t.Error(err)
				}
			}}, nil)
		})
	}
}

func TestRun_AnIgnoredSignalIsIgnored(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT} {
		compare(t, attempt{
			before: fmt.Sprintf("trap '' %d", sig), job: []string{"sh", "-c", "echo ready >mark; until [ -e go ]; do sleep 0.02; done; echo lived"},
			meet: func(m *meeting) {
				untilMark(m)
				_ = syscall.Kill(-m.cmd.Process.Pid, sig) // a job that died shows below
				if err := os.WriteFile(filepath.Join(m.dir, "go"), nil, 0o600); err != nil {
					m.t.Error(err)
				}
			},
		}, nil)
	}
}

func TestRun_KillingItKillsTheJob(t *testing.T) {
	t.Parallel()
	a := attempt{dir: t.TempDir(), wrap: wrapper(t), job: []string{"sh", "-c", "echo $$ >mark; exec sleep 100"}, meet: func(m *meeting) {
		job := m.marked()
		if err := m.cmd.Process.Kill(); err != nil {
			m.t.Error(err)
		}
		for began := time.Now(); !over(job) && time.Since(began) < longestRun/2; {
			time.Sleep(20 * time.Millisecond)
		}
		if !over(job) {
			m.t.Errorf("the job is still running: %v", syscall.Kill(job, syscall.SIGKILL))
		}
	}}
	if got := a.start(t); got.Signal != syscall.SIGKILL {
		t.Errorf("%+v; want the end by SIGKILL", got)
	}
}

func TestRun_PassesAGigabyteOnInLittleMemory(t *testing.T) {
	t.Parallel()
	const size = 1 << 30
	a := attempt{dir: t.TempDir(), wrap: wrapper(t), job: []string{"head", "-c", fmt.Sprint(size), "/dev/zero"}, meet: func(m *meeting) {
		if n, err := io.Copy(io.Discard, m.read); err != nil || n != size {
			m.t.Errorf("%d bytes arrived, %v; want %d", n, err, size)
		}
		_ = m.cmd.Wait() // the state tells how it ended
		usage := m.cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if m.cmd.ProcessState.ExitCode() != 0 || usage.Maxrss > 150<<10 { // kilobytes; includes what the test itself had
			m.t.Errorf("%v with %d kB of memory", m.cmd.ProcessState, usage.Maxrss)
		}
		_ = m.read.Close() // nothing is left to read
	}}
	a.start(t)
}

func TestRun_WithoutDescriptorsForPipesTheJobRuns(t *testing.T) {
	t.Parallel()
	for _, files := range []int{12, 10} {
		a := attempt{
			dir: t.TempDir(), wrap: wrapper(t), job: []string{"echo", "out"},
			// The test may have inherited descriptors, and would pass them on.
			before: fmt.Sprintf(`exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-; exec prlimit --nofile=%d:%d "$@"`, files, files),
		}
		if got := a.start(t); got.Code != 0 || got.Out != "out\n" || !strings.Contains(got.Err, "the output of the job is not sent: ") {
			t.Errorf("%d descriptors: %+v; want the job run", files, got)
		}
	}
}
