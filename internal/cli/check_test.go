package cli

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"overdue/internal/app"
)

func TestHealth_ExitsWithOneUnlessTheServerIsReady(t *testing.T) {
	status, body := http.StatusOK, "ready"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body + "\n"))
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	run := func() (int, string, string) {
		var out, failures strings.Builder
		code := Main([]string{"health", "--listen", address}, Streams{In: strings.NewReader(""), Out: &out, Err: &failures})
		return code, out.String(), failures.String()
	}
	if code, out, _ := run(); code != 0 || out != "ready\n" {
		t.Errorf("ready: exit code %d, %q", code, out)
	}
	status, body = http.StatusServiceUnavailable, "not ready: the database is unavailable"
	if code, _, text := run(); code != 1 || !strings.Contains(text, body) {
		t.Errorf("not ready: exit code %d, %q", code, text)
	}
	server.Close()
	if code, _, text := run(); code != 1 || !strings.Contains(text, address) {
		t.Errorf("no server: exit code %d, %q", code, text)
	}
}

func TestLocalAddress_IsReachableOnThisMachine(t *testing.T) {
	for listen, want := range map[string]string{
		":8080": "127.0.0.1:8080", "0.0.0.0:9000": "127.0.0.1:9000", "[::]:80": "[::1]:80", "10.0.0.1:80": "10.0.0.1:80", "localhost:1": "localhost:1",
	} {
		if got, err := localAddress(listen); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", listen, got, err, want)
		}
	}
}

func TestCheck_RepairsBeforeItChecks(t *testing.T) {
	left := int64(0)
	var calls []string
	in := backend{
		repair: func(_ context.Context, f StoreFlags, report func(app.CheckResult)) error {
			calls = append(calls, "repair "+string(f.Database))
			report(app.CheckResult{Name: "repair", State: app.CheckOK, Detail: "2 pings: deleted. Left: 0", Problem: "pings", Count: 2, Left: &left})
			return nil
		},
		check: func(context.Context, ServerFlags, Streams, func(app.CheckResult)) error {
			calls = append(calls, "check")
			return nil
		},
	}
	got := runOverdue(in, "check", "--database=x.db", "--repair", "--json")
	if got.code != 0 || strings.Join(calls, ", ") != "repair x.db, check" || !strings.Contains(got.out, `"left": 0`) || !strings.Contains(got.out, `"count": 2`) {
		t.Errorf("%v: %+v", calls, got)
	}
	calls = nil
	if got := runOverdue(in, "check", "--database=x.db"); got.code != 0 || strings.Join(calls, ", ") != "check" {
		t.Errorf("without --repair: %v, %+v", calls, got)
	}
	in.repair = func(context.Context, StoreFlags, func(app.CheckResult)) error { return errors.New("a server runs") }
	calls = nil
	if got := runOverdue(in, "check", "--database=x.db", "--repair"); got.code != 1 || len(calls) > 0 || !strings.Contains(got.err, "a server runs") {
		t.Errorf("a failed repair: %v, %+v; want exit code 1, and no check", calls, got)
	}
}
