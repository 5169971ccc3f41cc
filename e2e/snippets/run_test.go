package snippets_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"overdue/e2e/binary"
	// So that the test cache notices a change of the product.
	_ "overdue/internal/cli"
	"overdue/internal/snippet"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of the time these tests wait for the next attempt.
	if err := flag.Set("test.parallel", "32"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(binary.With(func(path string) int {
		overdue = path
		return m.Run()
	}))
}

// overdue is the path of the program, for "overdue run".
var overdue string

// outcome is one column of the matrix.
type outcome string

const (
	success            outcome = "success"     // the job succeeds, the server answers
	failure            outcome = "failure"     // the job exits with 3 or throws
	restart            outcome = "restart"     // the server restarts when the job ends
	unreachable        outcome = "unreachable" // nothing listens; the job succeeds
	failureUnreachable outcome = "lost"        // nothing listens; the job fails
)

var outcomes = []outcome{success, failure, restart, unreachable, failureUnreachable}

func (o outcome) fails() bool     { return o == failure || o == failureUnreachable }
func (o outcome) reachable() bool { return o != unreachable && o != failureUnreachable }

// jobCode is the exit code of a job that fails.
const jobCode = 3

// printedCode is printed code, and how a reader runs it.
type printedCode struct {
	name string
	code string
	run  func(t *testing.T, s snippetRun, code string) *exec.Cmd

	good, bad []string // signals after a success and after a failure of the job
	codes     map[outcome]int
	body      string // part of the body of the last ping after a failure
	noJob     bool   // it only pings
	merged    bool   // it prints what the job writes to stderr on stdout
}

// snippetRun is the environment in which printed code runs.
type snippetRun struct {
	dir string
	job string // path of the job
	out outcome
}

// fewerAttempts are the numbers that are reduced if there is no server.
var fewerAttempts = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`--retry 5 `), "--retry 1 "},
	{regexp.MustCompile(`\b1(,?) 2,? 4,? 8,? 16,? 0\b`), "1${1} 0"},
	{regexp.MustCompile(` -t 6 `), " -t 2 "},
}

func withFewerAttempts(code string) string {
	for _, q := range fewerAttempts {
		code = q.from.ReplaceAllString(code, q.to)
	}
	return code
}

// runPieces runs each piece with each outcome, all at the same time: mostly they wait.
func runPieces(t *testing.T, pieces []printedCode) {
	t.Helper()
	for _, p := range pieces {
		for _, o := range outcomes {
			if p.noJob && o.fails() {
				continue
			}
			t.Run(p.name+"/"+string(o), func(t *testing.T) {
				t.Parallel()
				p.test(t, o)
			})
		}
	}
}

func (p printedCode) test(t *testing.T, o outcome) {
	sc := snippetRun{dir: t.TempDir(), out: o}
	sc.job = filepath.Join(sc.dir, "job")
	write(t, sc.job, "#!/bin/sh\necho job out\necho job err >&2\nexit "+map[bool]string{false: "0", true: "3"}[o.fails()]+"\n")
	srv := newServer(t)
	code := strings.NewReplacer(snippet.URLPlaceholder, srv.url, snippet.ExampleJob, sc.job).Replace(p.code)
	want := p.good
	switch {
	case o == failure:
		want = p.bad
		srv.start(t)
	case o == success:
		srv.start(t)
	case o == restart:
		srv.closes = 1
		defer time.AfterFunc(700*time.Millisecond, func() { srv.start(t) }).Stop()
	default:
		want = nil
		printed := code
		if code = withFewerAttempts(code); code == printed && p.name != "quick" {
			t.Fatal("no number of attempts was found")
		}
	}
	stdout, stderr, got := runCommand(t, p.run(t, sc, code), sc)
	srv.check(t, want)
	if wantCode := p.exitCode(o); got != wantCode && !(wantCode < 0 && got != 0) {
		t.Errorf("exit code %d; want %d\n%s", got, wantCode, stderr)
	}
	p.checkOutput(t, o, stdout, stderr)
	if last := srv.last(); o == failure && !strings.Contains(last.body, p.body) {
		t.Errorf("the last ping is %s; want %q in its body", last, p.body)
	}
}

// exitCode returns the expected exit code: that of the job. A negative number means any
// failure, for languages that choose the code.
func (p printedCode) exitCode(o outcome) int {
	if code, ok := p.codes[o]; ok {
		return code
	}
	if !o.fails() {
		return 0
	}
	if code, ok := p.codes[failure]; ok {
		return code
	}
	return jobCode
}

// checkOutput checks that stdout is that of the job, and that an error is printed for
// a ping that could not be sent.
func (p printedCode) checkOutput(t *testing.T, o outcome, stdout, stderr string) {
	t.Helper()
	want := "job out\n"
	switch {
	case p.noJob:
		want = ""
	case p.merged:
		want = "job out\njob err\n"
	}
	if stdout != want {
		t.Errorf("stdout is %q; want %q", stdout, want)
	}
	quiet := strings.ReplaceAll(stderr, "job err\n", "")
	silent := strings.Contains(p.code, "wget") // -q prints no error
	if o == success && quiet != "" || !o.reachable() && quiet == "" && len(p.bad)+len(p.good) > 0 && !silent && !(o == failureUnreachable && p.bad == nil) {
		t.Errorf("stderr is %q", stderr)
	}
}

// runCommand runs a command as cron would: with a short environment and no input.
func runCommand(t *testing.T, cmd *exec.Cmd, sc snippetRun) (stdout, stderr string, code int) {
	t.Helper()
	var out, problems bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = sc.dir, &out, &problems
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=" + systemPath, "HOME=" + sc.dir}
	}
	err := cmd.Run()
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v: run tools/needs.sh, which installs what the printed code runs on", err)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), problems.String(), cmd.ProcessState.ExitCode()
}

// systemPath has the interpreters of the system, never others.
const systemPath = "/usr/local/bin:/usr/bin:/bin"

// command is a command that ends with the test, or after half a minute.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	return cmd
}

// write writes a program. No other goroutine may start a process meanwhile: it would
// inherit the open file, and the program could not run ("text file busy").
func write(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// block is printed code by the name of its tab and its number there.
func block(t *testing.T, way string, n int) snippet.Block {
	t.Helper()
	for _, w := range snippet.Examples(snippet.URLPlaceholder) {
		if w.Name == way && n < len(w.Blocks) {
			return w.Blocks[n]
		}
	}
	t.Fatalf("there is no block %d of %s", n, way)
	return snippet.Block{}
}

// line is printed code of the manual.
func line(t *testing.T, name string) string {
	t.Helper()
	code, ok := snippet.DocSnippets(snippet.URLPlaceholder)[name]
	if !ok {
		t.Fatalf("there is no line %q", name)
	}
	return code
}
