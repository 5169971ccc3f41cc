package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"overdue/internal/app"

	"github.com/google/go-cmp/cmp"
)

const anID = "0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"

// commandResult is the exit code and output of a command.
type commandResult struct {
	code     int
	out, err string
}

// runOverdue runs a command line with a backend and empty standard input.
func runOverdue(in backend, args ...string) commandResult {
	var out, err bytes.Buffer
	code := runWith(args, Streams{In: strings.NewReader(""), Out: &out, Err: &err}, in)
	return commandResult{code, out.String(), err.String()}
}

// receivedPing is one ping to a fake monitor.
type receivedPing struct{ path, rid, body, agent string }

// fakeMonitor is a server that records pings before it answers.
type fakeMonitor struct {
	*httptest.Server

	mu    sync.Mutex
	pings []receivedPing
}

// newFakeMonitor starts a fake monitor. If answer is nil, it acknowledges everything.
func newFakeMonitor(t *testing.T, answer http.HandlerFunc) *fakeMonitor {
	t.Helper()
	m := &fakeMonitor{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a read error makes the body too short, which the test detects
		m.mu.Lock()
		m.pings = append(m.pings, receivedPing{
			strings.TrimPrefix(r.Method+" "+r.URL.Path, "POST /api/v1/hb/"+anID), r.URL.Query().Get("rid"), string(body), r.UserAgent(),
		})
		m.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		_, _ = io.WriteString(w, "OK") // the client may have left
	}))
	t.Cleanup(m.Close)
	t.Cleanup(m.CloseClientConnections) // first, or a request that hangs keeps Close waiting
	t.Setenv("OVERDUE_URL", m.URL)
	return m
}

func (m *fakeMonitor) received() []receivedPing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.pings)
}

func (m *fakeMonitor) paths() []string {
	paths := []string{}
	for _, p := range m.received() {
		paths = append(paths, p.path)
	}
	return paths
}

func TestMain_UsageErrorExitsWithTwoAndAHint(t *testing.T) {
	for args, hint := range map[string]string{
		"frobnicate":                                   `"overdue --help"`,
		"ping":                                         `"overdue ping --help"`,
		"ping x --bogus":                               `"overdue ping --help"`,
		"ping --start --fail " + anID:                  `"overdue ping --help"`,
		"heartbeats create --name x --nope":            `"overdue heartbeats create --help"`,
		"run " + anID:                                  "",
		"run " + anID + " --":                          "",
		"run " + anID + " --bogus -- true":             `"overdue run --help"`,
		"discover --root nope":                         "there is no directory nope",
		"discover --root cli.go":                       "there is no directory cli.go",
		"ping nothing":                                 "neither a ping URL nor the id",
		"ping " + anID:                                 "$OVERDUE_URL",
		"ping http://x/ --exit 256":                    "must be 0 to 255",
		"ping http://x/ --wait 0s":                     "longer than 0",
		"heartbeats list":                              "$OVERDUE_URL",
		"heartbeats list --url http://x":               "$OVERDUE_API_KEY_FILE",
		"serve --public-url overdue.example":           "https://overdue.example.org",
		"serve --public-url https://o.example/overdue": "must have no path",
		"person reset-link a@b.example --public-url https://o.example/overdue": "must have no path",
		"serve --trusted-proxies 10/8":                                         "10.0.0.0/8",
		"serve --log-level loud":                                               "debug",
		"serve --owner-email a@b.example":                                      "set both or neither",
		"serve --ping-rate-limit=-1":                                           "not be negative",
	} {
		got := runOverdue(backend{}, strings.Fields(args)...)
		if got.code != 2 || got.out != "" || !strings.HasPrefix(got.err, "overdue: ") || !strings.Contains(got.err, hint) {
			t.Errorf("%s: %+v; want exit code 2 and %q", args, got, hint)
		}
	}
}

func TestMain_HelpGoesToStandardOutputAndRunsNothing(t *testing.T) {
	for _, args := range []string{"--help", "run --help", "ping -h", "serve --help", "heartbeats delete --help"} {
		got := runOverdue(backend{}, strings.Fields(args)...)
		if got.code != 0 || got.err != "" || !strings.HasPrefix(got.out, "Usage: overdue ") {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := runOverdue(backend{}); got.code != 2 || !strings.Contains(got.out, "Commands:") {
		t.Errorf("no command: %+v; want the help and exit code 2", got)
	}
}

func TestBackend_ReceivesTheArgumentsOfEachCommand(t *testing.T) {
	var calls []any
	in := backend{
		serve: func(_ context.Context, f ServerFlags, _ Streams) error { calls = append(calls, f.Listen); return nil },
		createAPIKey: func(_ context.Context, f StoreFlags, want KeyRequest) (string, error) {
			calls = append(calls, string(f.Database), want)
			return "ovd_new", nil
		},
		resetLink: func(_ context.Context, f StoreFlags, base, email string) (string, error) {
			calls = append(calls, string(f.Database), base, email)
			return base + "/reset/x", nil
		},
		signOut: func(_ context.Context, f StoreFlags, email string) (int, error) {
			calls = append(calls, string(f.Database), email)
			return 3, nil
		},
		backup: func(_ context.Context, f StoreFlags, file string) error {
			calls = append(calls, string(f.Database), file)
			return nil
		},
		restore: func(_ context.Context, f StoreFlags, file string, std Streams) error {
			calls = append(calls, string(f.Database), file)
			return printLine(std, "restored")
		},
		migrate: func(_ context.Context, m app.Migration, _ Streams) (app.MigrationResult, error) {
			calls = append(calls, m.Database, m.To, m.SecretKey.File)
			return app.MigrationResult{
				Source: "S", Target: "T", Cleaned: 2, KeyAdvice: "use key k", Tables: []app.MigratedTable{{Name: "pings", Rows: 3, Copied: 3, Checksum: "abc", Equal: true}},
				NotCopied: []app.TableLeftOut{{Name: "nodes", Reason: "running servers"}},
			}, nil
		},
		cancelMigration: func(_ context.Context, f StoreFlags) (string, error) {
			calls = append(calls, string(f.Database))
			return "cancelled", nil
		},
		check: func(_ context.Context, _ ServerFlags, _ Streams, report func(app.CheckResult)) error {
			report(app.CheckResult{Name: "mail", State: app.CheckSkipped, Detail: "why"})
			return errors.New("disk is full")
		},
	}
	if got := runOverdue(in, "api-key", "create", "--name", "deploy", "--project", "p", "--read-only", "--database", "x.db"); got != (commandResult{0, "ovd_new\n", ""}) {
		t.Errorf("api-key create: %+v; want the key alone on standard output", got)
	}
	if got := runOverdue(in, "person", "reset-link", "a@b.example", "--public-url", "https://o.example"); got != (commandResult{0, "https://o.example/reset/x\n", ""}) {
		t.Errorf("person reset-link: %+v; want the link alone on standard output", got)
	}
	if got := runOverdue(in, "person", "reset-link", "a@b.example"); got.code != 0 || got.out != "/reset/x\n" || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, "add the address of the server before it") {
		t.Errorf("person reset-link without an address: %+v; want the path, and a line that says what is missing", got)
	}
	if got := runOverdue(in, "person", "sign-out", "a@b.example"); got != (commandResult{0, "3 sessions of a@b.example ended\n", ""}) {
		t.Errorf("person sign-out: %+v", got)
	}
	in.signOut = func(context.Context, StoreFlags, string) (int, error) { return 1, nil }
	if got := runOverdue(in, "person", "sign-out", "a@b.example"); got != (commandResult{0, "1 session of a@b.example ended\n", ""}) {
		t.Errorf("person sign-out of one session: %+v", got)
	}
	if got := runOverdue(in, "backup", "copy.db"); got != (commandResult{}) {
		t.Errorf("backup: %+v", got)
	}
	if got := runOverdue(in, "restore", "copy.db", "--database", "y.db"); got != (commandResult{0, "restored\n", ""}) {
		t.Errorf("restore: %+v", got)
	}
	moved := "TABLE  ROWS  COPIED  RESULT  CHECKSUM\npings  3     3       equal   abc\nnot copied: nodes, running servers\n" +
		"texts with NUL or invalid UTF-8, which PostgreSQL rejects: 2; the bytes were replaced by U+FFFD\n" +
		"S is unchanged, and no server starts on it any longer\nnext: start the server on T: set --database or OVERDUE_DATABASE\nuse key k\n"
	if got := runOverdue(in, "migrate", "--database", "z.db", "--to", "postgres://h/d", "--secret-key-file", "k"); got != (commandResult{0, moved, ""}) {
		t.Errorf("migrate: %+v", got)
	}
	if got := runOverdue(in, "migrate", "--database", "z.db", "--cancel"); got != (commandResult{0, "cancelled\n", ""}) {
		t.Errorf("migrate --cancel: %+v", got)
	}
	for want, args := range map[string][]string{"--to is required": {"migrate"}, "--cancel excludes --to": {"migrate", "--cancel", "--to", "x"}} {
		if got := runOverdue(in, args...); got.code != exitUsage || !strings.Contains(got.err, want) {
			t.Errorf("%v: %+v; want %q", args, got, want)
		}
	}
	if got := runOverdue(in, "serve", "--listen", ":1"); got != (commandResult{}) {
		t.Errorf("serve: %+v", got)
	}
	const sources = "settings    ok: only defaults: no flag, variable or configuration file was found. A running server can have other settings\n"
	if got := runOverdue(in, "check"); got != (commandResult{1, sources + "mail        skipped: why\n", "overdue: check: disk is full\n"}) {
		t.Errorf("check: %+v", got)
	}
	want := []any{"x.db", KeyRequest{Name: "deploy", Project: "p", ReadOnly: true}, "overdue.db", "https://o.example", "a@b.example", "overdue.db", "", "a@b.example", "overdue.db", "a@b.example", "overdue.db", "copy.db", "y.db", "copy.db", "z.db", "postgres://h/d", "k", "z.db", ":1"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

func TestPrintLine_WriteErrorIsAFailure(t *testing.T) {
	in := backend{createAPIKey: func(context.Context, StoreFlags, KeyRequest) (string, error) { return "ovd_new", nil }}
	var errs bytes.Buffer
	code := runWith([]string{"api-key", "create", "--name", "x"}, Streams{Out: fullDisk{}, Err: &errs}, in)
	if code != 1 || !strings.Contains(errs.String(), "disk is full") || strings.Contains(errs.String(), "ovd_new") {
		t.Errorf("exit code %d, %q; want a failure that does not show the key", code, errs.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestVersion_NamesTheBuild(t *testing.T) {
	if got := runOverdue(backend{}, "version"); got.code != 0 || !strings.HasPrefix(got.out, "overdue ") || !strings.Contains(got.out, "go1.") {
		t.Errorf("version: %+v", got)
	}
}
