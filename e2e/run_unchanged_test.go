package e2e_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// jobRun is one start of a job, with or without "overdue run", in the same environment.
type jobRun struct {
	dir          string
	wrap         []string // command before the job; empty for a start without "overdue run"
	before       string   // shell commands that prepare the process which becomes the job
	job          []string
	stdin        string
	toFile       bool // standard output is a file, not a pipe
	onTTY        bool // all three streams are a terminal, and stdin is its input
	whileRunning func(*runningJob)
	timeout      time.Duration // 0 means runTimeout
}

// runningJob is a running job, for tests that act on it while it runs.
type runningJob struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	read *os.File // reading end of standard output, if it is a pipe
}

// jobResult is the result of a job as its parent process sees it.
type jobResult struct {
	Out, Err string
	Code     int
	Signal   syscall.Signal
	Files    string // contents of the file "mark", which jobs may write
	process  int
}

// runTimeout limits one start. Most need less than a tenth of it.
const runTimeout = time.Minute

// start starts the job and waits until it and all readers of its output have ended.
func (a jobRun) start(t *testing.T) jobResult {
	t.Helper()
	job := append(slices.Clone(a.wrap), a.job...)
	if a.onTTY {
		job = []string{"script", "-qefc", quoted(job), "/dev/null"}
	}
	args := append([]string{"-c", a.before + "\nexec \"$@\"", "sh"}, job...)
	cmd := exec.CommandContext(t.Context(), "sh", args...)
	cmd.Dir = a.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C", "B=2", "A=1", "EMPTY=", "WITH=a=b\nc"}
	cmd.Stdin = strings.NewReader(a.stdin)
	if a.stdin == "" {
		cmd.Stdin = nil
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	read, write := a.output(t)
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close() // the job has it
	guard := time.AfterFunc(cmp.Or(a.timeout, runTimeout), func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer guard.Stop()
	if a.whileRunning != nil {
		a.whileRunning(&runningJob{t, a.dir, cmd, read})
	}
	out, err := io.ReadAll(read)
	if err != nil && !errors.Is(err, os.ErrClosed) {
		t.Fatal(err)
	}
	_ = cmd.Wait() // ProcessState has the result
	if a.toFile {
		if out, err = os.ReadFile(filepath.Join(a.dir, "out")); err != nil {
			t.Fatal(err)
		}
	}
	mark, _ := os.ReadFile(filepath.Join(a.dir, "mark")) // most jobs write none
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	end := jobResult{Out: string(out), Err: errs.String(), Code: status.ExitStatus(), Files: string(mark), process: cmd.Process.Pid}
	if status.Signaled() {
		end.Signal = status.Signal()
	}
	return end
}

// quoted returns a command with each word quoted for a shell.
func quoted(command []string) string {
	words := []string{}
	for _, word := range command {
		words = append(words, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

// output returns the file that the job writes to, and the one from which the test reads.
func (a jobRun) output(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err == nil && a.toFile {
		_ = write.Close()
		write, err = os.Create(filepath.Join(a.dir, "out"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	return read, write
}

// changingNumbers matches numbers that differ from one process to the next.
var changingNumbers = regexp.MustCompile(`(pipe:\[|socket:\[|/proc/|pts/)\d+`)

// withoutIDs returns the result without numbers that differ between processes.
func (e jobResult) withoutIDs() jobResult {
	e.Out = changingNumbers.ReplaceAllString(e.Out, "${1}N")
	e.Out = regexp.MustCompile(`\b`+strconv.Itoa(e.process)+`\b`).ReplaceAllString(e.Out, "STARTED")
	e.process = 0
	return e
}

// wrapper returns "overdue run" with the URL of a server that acknowledges every ping.
func wrapper(t *testing.T) []string {
	t.Helper()
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the body does not matter
		_, _ = io.WriteString(w, "OK")
	}))
	t.Cleanup(far.Close)
	return []string{filepath.Join(binDir, "overdue"), "run", far.URL + "/api/v1/hb/0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11", "--"}
}

// compare starts a job with and without "overdue run" and reports every difference.
func compare(t *testing.T, a jobRun, clean func(string) string) {
	t.Helper()
	dir := t.TempDir() // the same for both, because a job may print its directory
	var got [2]jobResult
	for i, wrap := range [][]string{nil, wrapper(t)} {
		a.dir, a.wrap = dir, wrap
		for _, name := range []string{"mark", "go", "out"} {
			_ = os.Remove(filepath.Join(dir, name)) // absent the first time
		}
		got[i] = a.start(t).withoutIDs()
		if clean != nil {
			got[i].Out = clean(got[i].Out)
		}
	}
	if got[0].Out == "" && got[0].Files == "" && got[0].Signal == 0 && got[0].Code == 0 {
		t.Error("the job had no output, file, signal or exit code to compare")
	}
	if diff := gocmp.Diff(got[0], got[1], gocmp.AllowUnexported(jobResult{})); diff != "" {
		t.Errorf("overdue run changes the job (-plain +run):\n%s", diff)
	}
}

// lines returns a function that keeps the matching lines.
func lines(pattern string) func(string) string {
	keep := regexp.MustCompile(pattern)
	return func(text string) string {
		kept := []string{}
		for line := range strings.Lines(text) {
			if keep.MatchString(line) {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
}

// fields returns process group, session, terminal, priority and scheduler from
// proc_pid_stat(5). The process group of the started process appears as STARTED.
func fields(text string) string {
	_, after, _ := strings.Cut(text, ") ")
	all := append([]string{"", "pid", "name"}, strings.Fields(after)...) // numbered from 1, as in the manual page
	if len(all) < 42 {
		return "short: " + text
	}
	return fmt.Sprintf("group %s session %s terminal %s foreground %s priority %s nice %s real-time %s policy %s",
		all[5], all[6], all[7], all[8], all[18], all[19], all[40], all[41])
}
