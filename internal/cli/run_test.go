package cli

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"overdue/client"

	"github.com/google/uuid"
)

// runScript runs a shell script between two pings.
func runScript(script string, flags ...string) commandResult {
	args := append([]string{"run", anID}, flags...)
	return runOverdue(backend{}, append(args, "--", "sh", "-c", script)...)
}

func TestRun_SendsStartAndFinishWithTheSameRunID(t *testing.T) {
	m := newFakeMonitor(t, nil)
	if got := runScript("echo out; echo err >&2"); got != (commandResult{0, "out\n", "err\n"}) {
		t.Errorf("%+v; want both streams, separate and unchanged", got)
	}
	pings := m.received()
	if len(pings) != 2 || pings[0].path != "/start" || pings[1].path != "/0" {
		t.Fatalf("received %+v; want a start and an end", pings)
	}
	if pings[0].rid != pings[1].rid || uuid.Validate(pings[0].rid) != nil {
		t.Errorf("run ids %q and %q; want one UUID", pings[0].rid, pings[1].rid)
	}
	lines := strings.Split(strings.TrimSpace(pings[1].body), "\n")
	if slices.Sort(lines); !slices.Equal(lines, []string{"err", "out"}) {
		t.Errorf("body %q; want both streams", pings[1].body)
	}
	if !strings.HasPrefix(pings[1].agent, "overdue/") {
		t.Errorf("user agent %q", pings[1].agent)
	}
}

func TestRun_RunsTheCommandWithoutAPingURL(t *testing.T) {
	for target, server := range map[string]string{
		"notaurl":      "https://o.example.org",
		"ftp://x/y":    "",
		"http://[::1/": "",
		anID:           "",
		anID[1:]:       "https://o.example.org",
	} {
		t.Setenv("OVERDUE_URL", server)
		got := runOverdue(backend{}, "run", target, "--", "sh", "-c", "echo out; exit 3")
		if got.code != 3 || got.out != "out\n" {
			t.Errorf("%s: %+v; want the output and exit code of the command", target, got)
		}
		if !strings.HasPrefix(got.err, "overdue: ") || !strings.HasSuffix(got.err, "; the command runs without pings\n") || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%s: prints %q; want one line", target, got.err)
		}
		if got := runOverdue(backend{}, "run", target, "--", "no-such-command"); got.code != 127 {
			t.Errorf("%s: %+v; want exit code 127", target, got)
		}
	}
}

func TestRun_RunsTheWholeCommandIfThePingURLWasForgotten(t *testing.T) {
	t.Setenv("OVERDUE_URL", "https://o.example.org")
	job := []string{"sh", "-c", "echo out $0; exit 3", "--full"}
	for name, before := range map[string][]string{
		"-- first":                 {"--"},
		"flags and --":             {"--wait", "3s", "--no-body", "--timeout=1s", "--"},
		"an empty variable and --": {"", "--"},
		"no --":                    {},
		"flags, no --":             {"--wait", "3s"},
	} {
		got := runOverdue(backend{}, slices.Concat([]string{"run"}, before, job)...)
		want := commandResult{3, "out --full\n", "overdue: no ping URL: write it before the command, as in overdue run URL -- sh; the command runs without pings\n"}
		if got != want {
			t.Errorf("%s: %+v; want %+v", name, got, want)
		}
	}
	for _, args := range [][]string{{"run", "nowhere"}, {"run", anID}, {"run", "--"}, {"run"}, {"run", "--wait"}, {"run", "--no-such-flag", "--", "true"}} {
		if got := runOverdue(backend{}, args...); got.code != 2 {
			t.Errorf("%q: %+v; want a usage error", args, got)
		}
	}
}

func TestRun_ExitsWithTheExitCodeOfTheCommand(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command []string
		code    int
		ping    string
		body    string
	}{
		{[]string{"sh", "-c", "exit 3"}, 3, "/3", ""},
		{[]string{"sh", "-c", "exit 255"}, 255, "/255", ""},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, "/143", ""},
		{[]string{"sh", "-c", "kill -KILL $$"}, 137, "/137", ""},
		{[]string{"no-such-command"}, 127, "/127", "overdue run: command not started: exec: \"no-such-command\": executable file not found"},
		{[]string{filepath.Join(dir, "absent")}, 127, "/127", "no such file"},
		{[]string{filepath.Join(dir, "text")}, 126, "/126", "permission denied"},
		{[]string{dir}, 126, "/126", ""},
		{[]string{"--", "true"}, 127, "/127", "\"--\""},
	} {
		m := newFakeMonitor(t, nil)
		got := runOverdue(backend{}, append([]string{"run", anID, "--"}, c.command...)...)
		pings := m.received()
		if last := pings[len(pings)-1]; got.code != c.code || last.path != c.ping || !strings.Contains(last.body, c.body) {
			t.Errorf("%v: exit code %d, last ping %+v; want %d and %s", c.command, got.code, last, c.code, c.ping)
		}
		if started := pings[0].path == "/start"; started != (c.body == "" && c.command[0] == "sh") {
			t.Errorf("%v: start ping sent: %v", c.command, started)
		}
	}
}

func TestRun_WorksWhileTheMonitorIsUnreachable(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for name, answer := range map[string]http.HandlerFunc{
		"dead":    nil,
		"hanging": func(_ http.ResponseWriter, r *http.Request) { <-hang },
		"busy":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"patient": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(503)
		},
		"stranger": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Welcome") },
		"forgot":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
	} {
		m := newFakeMonitor(t, answer)
		if name == "dead" {
			m.Close()
		}
		began := time.Now()
		got := runScript("echo out; exit 3", "--wait=900ms")
		if got.code != 3 || got.out != "out\n" {
			t.Errorf("%s: %+v; want the job unchanged", name, got)
		}
		if lines := strings.Count(got.err, "\n"); lines != 1 || !strings.HasPrefix(got.err, "overdue: the server was not notified that the job ended with exit code 3: ") {
			t.Errorf("%s: prints %q; want one line of warning", name, got.err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestRun_StartsTheJobWithoutWaitingForTheMonitor(t *testing.T) {
	dir := t.TempDir()
	began := filepath.Join(dir, "began")
	// The start ping is answered only after the job has started, so waiting for the
	// answer first would never end.
	m := newFakeMonitor(t, func(w http.ResponseWriter, r *http.Request) {
		for strings.HasSuffix(r.URL.Path, "/start") && r.Context().Err() == nil {
			if _, err := os.Stat(began); err == nil {
				break
			}
		}
		_, _ = io.WriteString(w, "OK")
	})
	if got := runScript("touch " + began); got.code != 0 || got.err != "" {
		t.Errorf("%+v", got)
	}
	if paths := m.paths(); !slices.Equal(paths, []string{"/start", "/0"}) {
		t.Errorf("received %v", paths)
	}
}

func TestRun_NeverSendsStartAfterFinish(t *testing.T) {
	m := newFakeMonitor(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/start") {
			w.WriteHeader(503)
			return
		}
		_, _ = io.WriteString(w, "OK")
	})
	for range 5 {
		if got := runScript("exit 0"); got.code != 0 || got.err != "" {
			t.Errorf("%+v", got)
		}
	}
	ended := map[string]bool{}
	for _, p := range m.received() {
		if p.path == "/start" && ended[p.rid] {
			t.Error("a start ping followed its finish")
		}
		ended[p.rid] = ended[p.rid] || p.path == "/0"
	}
	if len(ended) != 5 {
		t.Errorf("%d runs received; want 5", len(ended))
	}
}

func TestRun_WaitsForAStartPingInFlight(t *testing.T) {
	arrived := make(chan bool, 1)
	newFakeMonitor(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/start") {
			select {
			case <-r.Context().Done():
			case <-time.After(300 * time.Millisecond):
			}
			arrived <- r.Context().Err() == nil
		}
		_, _ = io.WriteString(w, "OK")
	})
	if got := runScript("exit 0"); got.code != 0 || got.err != "" {
		t.Errorf("%+v", got)
	}
	if !<-arrived {
		t.Error("the start ping of a short job was canceled")
	}
}

func TestRun_CopiesLongOutputAndSendsItsTail(t *testing.T) {
	m := newFakeMonitor(t, nil)
	const size = 20_000_000
	got := runScript("head -c 20000000 /dev/urandom | tee " + filepath.Join(t.TempDir(), "copy") + "; printf end")
	if got.code != 0 || len(got.out) != size+3 {
		t.Fatalf("exit code %d, %d bytes; want %d", got.code, len(got.out), size+3)
	}
	pings := m.received()
	body := pings[len(pings)-1].body
	if short := client.BodyLimit - len(body); short < 0 || short > 3 || !strings.HasSuffix(got.out, body) {
		t.Errorf("body of %d bytes is not the end of the output", len(body))
	}
}

func TestRun_CommandReadsStandardInput(t *testing.T) {
	newFakeMonitor(t, nil)
	var out bytes.Buffer
	code := runWith([]string{"run", anID, "--", "cat"}, Streams{In: strings.NewReader("in\n"), Out: &out, Err: io.Discard}, backend{})
	if code != 0 || out.String() != "in\n" {
		t.Errorf("exit code %d, %q", code, out.String())
	}
}

func TestRun_DoesNotWaitForBackgroundProcesses(t *testing.T) {
	m := newFakeMonitor(t, nil)
	began := time.Now()
	got := runScript("sleep 20 & echo done")
	if took := time.Since(began); got.code != 0 || got.out != "done\n" || took > 10*time.Second {
		t.Errorf("%+v after %v; want the command to end the run", got, took)
	}
	if paths := m.paths(); !slices.Equal(paths, []string{"/start", "/0"}) {
		t.Errorf("received %v", paths)
	}
}

func TestRun_DoesNotWaitForABackgroundProcessThatKeepsWriting(t *testing.T) {
	newFakeMonitor(t, nil)
	var out bytes.Buffer
	done := make(chan int)
	go func() {
		done <- runWith([]string{"run", anID, "--", "sh", "-c", "yes & echo $! >&2; exit 4"}, Streams{In: strings.NewReader(""), Out: &out, Err: io.Discard}, backend{})
	}()
	select {
	case code := <-done: // and the closed pipe has ended the process as well
		if code != 4 {
			t.Errorf("exit code %d; want 4", code)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still running")
	}
}

// gatedWriter is a reader of our output that accepts nothing until it is opened.
type gatedWriter struct {
	touched func() // called at the first write
	open    chan struct{}
	once    sync.Once
	bytes.Buffer
}

func (g *gatedWriter) Write(p []byte) (int, error) {
	g.once.Do(g.touched)
	<-g.open
	return g.Buffer.Write(p)
}

// inTwoWrites is a job that fills the pipe while its reader is busy with the first byte.
const inTwoWrites = "printf x; sleep 0.2; head -c 60000 /dev/zero"

// shortWait is longer than the end of a finished command takes.
const shortWait = 300 * time.Millisecond

func TestRun_BodyIncludesOutputThatTheReaderTookLate(t *testing.T) {
	out := &gatedWriter{open: make(chan struct{})}
	out.touched = func() { time.AfterFunc(shortWait, func() { close(out.open) }) }
	m := newFakeMonitor(t, nil)
	code := runWith([]string{"run", anID, "--", "sh", "-c", inTwoWrites}, Streams{In: strings.NewReader(""), Out: out, Err: io.Discard}, backend{})
	pings := m.received()
	if last := pings[len(pings)-1]; code != 0 || len(last.body) != 60001 {
		t.Errorf("exit code %d, body of %d bytes; want all 60001", code, len(last.body))
	}
}

func TestRun_SlowReaderLosesNothingAndDelaysNoPing(t *testing.T) {
	out := &gatedWriter{open: make(chan struct{}), touched: func() {}}
	newFakeMonitor(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "OK")
		if strings.HasSuffix(r.URL.Path, "/0") {
			// If the ping waited for the reader, this would never happen.
			time.AfterFunc(shortWait, func() { close(out.open) })
		}
	})
	code := runWith([]string{"run", anID, "--", "sh", "-c", inTwoWrites}, Streams{In: strings.NewReader(""), Out: out, Err: io.Discard}, backend{})
	if code != 0 || out.Len() != 60001 {
		t.Errorf("exit code %d, %d bytes; want all 60001", code, out.Len())
	}
}

func TestRun_CommandNoticesThatTheReaderHasClosed(t *testing.T) {
	m := newFakeMonitor(t, nil)
	code := runWith([]string{"run", anID, "--", "yes"}, Streams{In: strings.NewReader(""), Out: fullDisk{}, Err: io.Discard}, backend{})
	if code != 128+int(syscall.SIGPIPE) {
		t.Errorf("exit code %d; want the one of a broken pipe", code)
	}
	if paths := m.paths(); len(paths) == 0 || paths[len(paths)-1] != "/141" {
		t.Errorf("received %v; want the finish ping", paths)
	}
}

func TestRun_NoBodySendsNoOutput(t *testing.T) {
	m := newFakeMonitor(t, nil)
	if got := runScript("echo secret", "--no-body"); got.out != "secret\n" {
		t.Errorf("%+v", got)
	}
	for _, p := range m.received() {
		if p.body != "" {
			t.Errorf("ping %s carries %q", p.path, p.body)
		}
	}
}

func TestRun_UnknownVariableIsOnlyAWarning(t *testing.T) {
	newFakeMonitor(t, nil)
	t.Setenv("OVERDUE_LISTN", "x")
	if got := runScript("echo out"); got.code != 0 || got.out != "out\n" || !strings.Contains(got.err, "OVERDUE_LISTN: unknown") {
		t.Errorf("%+v", got)
	}
}

// Without --host, the name of a container would be a new host in each run.
func TestRun_NamesTheHostOnlyIfItIsSet(t *testing.T) {
	var hosts []string
	m := newFakeMonitor(t, func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.URL.Query().Get("host"))
		_, _ = io.WriteString(w, "OK")
	})
	runScript("exit 0", "--host", "web 1")
	runScript("exit 0")
	runOverdue(backend{}, "ping", anID, "--host", "web2")
	if got := strings.Join(hosts, ","); got != "web 1,web 1,,,web2" || len(m.received()) != 5 {
		t.Errorf("hosts %q of %d pings", got, len(m.received()))
	}
}
