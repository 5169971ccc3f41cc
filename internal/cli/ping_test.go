package cli

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPing_SendsTheRequestedSignal(t *testing.T) {
	for flags, want := range map[string]receivedPing{
		"":                         {path: ""},
		"--start":                  {path: "/start"},
		"--fail":                   {path: "/fail"},
		"--log --body=hello":       {path: "/log", body: "hello"},
		"--exit 0":                 {path: "/0"},
		"--exit 2 --rid " + anID:   {path: "/2", rid: anID},
		"--fail --body -":          {path: "/fail", body: "from stdin\n"},
		"--exit=255 --timeout=10s": {path: "/255"},
	} {
		m := newFakeMonitor(t, nil)
		args := append([]string{"ping", anID}, strings.Fields(flags)...)
		var errs strings.Builder
		code := runWith(args, Streams{In: strings.NewReader("from stdin\n"), Out: io.Discard, Err: &errs}, backend{})
		got := m.received()
		if code != 0 || errs.Len() > 0 || len(got) != 1 {
			t.Fatalf("%s: exit code %d, %q, received %+v", flags, code, errs.String(), got)
		}
		want.agent = got[0].agent
		if got[0] != want {
			t.Errorf("%s: received %+v; want %+v", flags, got[0], want)
		}
	}
}

func TestPing_AcceptsAPingURL(t *testing.T) {
	m := newFakeMonitor(t, nil)
	t.Setenv("OVERDUE_URL", "https://elsewhere.invalid")
	if got := runOverdue(backend{}, "ping", m.URL+"/api/v1/hb/"+anID); got != (commandResult{}) || len(m.received()) != 1 {
		t.Errorf("%+v, received %v", got, m.received())
	}
}

func TestPing_RetriesAfterRetryAfter(t *testing.T) {
	var n atomic.Int32
	var first, second time.Time
	newFakeMonitor(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			first = time.Now()
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(503)
			return
		}
		second = time.Now()
		_, _ = io.WriteString(w, "OK")
	})
	if got := runOverdue(backend{}, "ping", anID); got != (commandResult{}) {
		t.Errorf("%+v", got)
	}
	if rest := second.Sub(first); rest < time.Second || rest > 5*time.Second {
		t.Errorf("came back after %v; asked for 1 s", rest)
	}
}

func TestPing_FailsUnlessAcknowledged(t *testing.T) {
	for want, answer := range map[string]http.HandlerFunc{
		"no such heartbeat": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no such heartbeat", http.StatusNotFound)
		},
		"check that this is the ping URL": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no answer within 300ms": func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		},
	} {
		newFakeMonitor(t, answer)
		got := runOverdue(backend{}, "ping", anID, "--wait", "300ms")
		if got.code != 1 || got.out != "" || !strings.HasPrefix(got.err, "overdue: ping not acknowledged: ") || !strings.Contains(got.err, want) {
			t.Errorf("%+v; want exit code 1 and %q", got, want)
		}
		if strings.Contains(got.err, anID) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("prints %q; want one line that does not reveal the ping URL", got.err)
		}
	}
}

func TestPing_KeepsTheEndOfALongInput(t *testing.T) {
	m := newFakeMonitor(t, nil)
	in := strings.Repeat("x", 300_000) + "the end"
	if code := runWith([]string{"ping", anID, "--body", "-"}, Streams{In: strings.NewReader(in), Err: io.Discard}, backend{}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if body := m.received()[0].body; len(body) != 100_000 || !strings.HasSuffix(body, "the end") {
		t.Errorf("body of %d bytes", len(body))
	}
	if !slices.Equal(m.paths(), []string{""}) {
		t.Errorf("received %v", m.paths())
	}
}
