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

	"github.com/google/go-cmp/cmp"
)

const anID = "0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"

// result is what a command left behind.
type result struct {
	code     int
	out, err string
}

// overdue runs a command line with the given insides and nothing on standard
// input.
func overdue(in insides, args ...string) result {
	var out, err bytes.Buffer
	code := perform(args, Streams{In: strings.NewReader(""), Out: &out, Err: &err}, in)
	return result{code, out.String(), err.String()}
}

// heard is one request to a fake monitor.
type heard struct{ path, rid, body, agent string }

// monitor is a far end that writes down what it hears before it answers.
type monitor struct {
	*httptest.Server

	mu    sync.Mutex
	pings []heard
}

// newMonitor starts a monitor; answer nil acknowledges everything.
func newMonitor(t *testing.T, answer http.HandlerFunc) *monitor {
	t.Helper()
	m := &monitor{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an unreadable body shows as a short one
		m.mu.Lock()
		m.pings = append(m.pings, heard{
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

func (m *monitor) heard() []heard {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.pings)
}

func (m *monitor) paths() []string {
	paths := []string{}
	for _, p := range m.heard() {
		paths = append(paths, p.path)
	}
	return paths
}

func TestWrongUseIsExitCodeTwoWithAHint(t *testing.T) {
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
		"serve --owner-email a@b.example":                                      "give both or neither",
		"serve --ping-rate-limit=-1":                                           "not be negative",
	} {
		got := overdue(insides{}, strings.Fields(args)...)
		if got.code != 2 || got.out != "" || !strings.HasPrefix(got.err, "overdue: ") || !strings.Contains(got.err, hint) {
			t.Errorf("%s: %+v; want exit code 2 and %q", args, got, hint)
		}
	}
}

func TestHelpIsOnStandardOutputWithoutRunningAnything(t *testing.T) {
	for _, args := range []string{"--help", "run --help", "ping -h", "serve --help", "heartbeats delete --help"} {
		got := overdue(insides{}, strings.Fields(args)...)
		if got.code != 0 || got.err != "" || !strings.HasPrefix(got.out, "Usage: overdue ") {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := overdue(insides{}); got.code != 2 || !strings.Contains(got.out, "Commands:") {
		t.Errorf("no command: %+v; want the help and exit code 2", got)
	}
}

func TestTheInsidesGetWhatWasAskedFor(t *testing.T) {
	var told []any
	in := insides{
		serve: func(_ context.Context, f ServerFlags, _ Streams) error { told = append(told, f.Listen); return nil },
		createAPIKey: func(_ context.Context, f StoreFlags, want KeyRequest) (string, error) {
			told = append(told, string(f.Database), want)
			return "ovd_new", nil
		},
		resetLink: func(_ context.Context, f StoreFlags, base, email string) (string, error) {
			told = append(told, string(f.Database), base, email)
			return base + "/reset/x", nil
		},
		signOut: func(_ context.Context, f StoreFlags, email string) (int, error) {
			told = append(told, string(f.Database), email)
			return 3, nil
		},
		backup: func(_ context.Context, f StoreFlags, file string) error {
			told = append(told, string(f.Database), file)
			return nil
		},
		restore: func(_ context.Context, f StoreFlags, file string, std Streams) error {
			told = append(told, string(f.Database), file)
			return say(std, "restored")
		},
		check: func(context.Context, ServerFlags, Streams) error { return errors.New("disk is full") },
	}
	if got := overdue(in, "api-key", "create", "--name", "deploy", "--project", "p", "--read-only", "--database", "x.db"); got != (result{0, "ovd_new\n", ""}) {
		t.Errorf("api-key create: %+v; want the key alone on standard output", got)
	}
	if got := overdue(in, "person", "reset-link", "a@b.example", "--public-url", "https://o.example"); got != (result{0, "https://o.example/reset/x\n", ""}) {
		t.Errorf("person reset-link: %+v; want the link alone on standard output", got)
	}
	if got := overdue(in, "person", "reset-link", "a@b.example"); got.code != 0 || got.out != "/reset/x\n" || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, "put the address of the server before it") {
		t.Errorf("person reset-link without an address: %+v; want the path, and a line that says what is missing", got)
	}
	if got := overdue(in, "person", "sign-out", "a@b.example"); got != (result{0, "3 sessions of a@b.example ended\n", ""}) {
		t.Errorf("person sign-out: %+v", got)
	}
	if got := overdue(in, "backup", "copy.db"); got != (result{}) {
		t.Errorf("backup: %+v", got)
	}
	if got := overdue(in, "restore", "copy.db", "--database", "y.db"); got != (result{0, "restored\n", ""}) {
		t.Errorf("restore: %+v", got)
	}
	if got := overdue(in, "serve", "--listen", ":1"); got != (result{}) {
		t.Errorf("serve: %+v", got)
	}
	if got := overdue(in, "check"); got != (result{1, "", "overdue: check: disk is full\n"}) {
		t.Errorf("check: %+v", got)
	}
	want := []any{"x.db", KeyRequest{Name: "deploy", Project: "p", ReadOnly: true}, "overdue.db", "https://o.example", "a@b.example", "overdue.db", "", "a@b.example", "overdue.db", "a@b.example", "overdue.db", "copy.db", "y.db", "copy.db", ":1"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told the insides (-want +got):\n%s", diff)
	}
}

func TestAnAnswerThatCannotBeWrittenIsAFailure(t *testing.T) {
	in := insides{createAPIKey: func(context.Context, StoreFlags, KeyRequest) (string, error) { return "ovd_new", nil }}
	var errs bytes.Buffer
	code := perform([]string{"api-key", "create", "--name", "x"}, Streams{Out: fullDisk{}, Err: &errs}, in)
	if code != 1 || !strings.Contains(errs.String(), "disk is full") || strings.Contains(errs.String(), "ovd_new") {
		t.Errorf("exit code %d, %q; want a failure that does not show the key", code, errs.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestVersionNamesTheBuild(t *testing.T) {
	if got := overdue(insides{}, "version"); got.code != 0 || !strings.HasPrefix(got.out, "overdue ") || !strings.Contains(got.out, "go1.") {
		t.Errorf("version: %+v", got)
	}
}
