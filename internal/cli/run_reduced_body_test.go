package cli

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// rejectBodiesOver is a proxy that rejects longer bodies.
func rejectBodiesOver(most int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > most {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = w.Write([]byte("OK")) // the client may have left
	}
}

func TestRun_WarnsInOneLineThatThePingLacksOutput(t *testing.T) {
	for most, said := range map[int64]string{
		0:    "overdue: the ping was stored without the output: the server answered 413 Request Entity Too Large\n",
		1500: "overdue: the ping was stored with only the last 1000 bytes of the output: the server answered 413 Request Entity Too Large\n",
	} {
		m := newFakeMonitor(t, rejectBodiesOver(most))
		got := runScript("head -c 5000 /dev/zero; exit 3")
		if got.code != 3 || len(got.out) != 5000 || got.err != said {
			t.Errorf("up to %d: exit code %d, prints %q; want %q", most, got.code, got.err, said)
		}
		pings := m.received()
		if last := pings[len(pings)-1]; last.path != "/3" || int64(len(last.body)) > most || last.rid != pings[0].rid {
			t.Errorf("up to %d: last ping %s with %d bytes", most, last.path, len(last.body))
		}
	}
}

func TestPing_WarnsInOneLineThatThePingLacksBody(t *testing.T) {
	m := newFakeMonitor(t, rejectBodiesOver(0))
	got := runOverdue(backend{}, "ping", anID, "--fail", "--body", "why")
	if got != (commandResult{0, "", "overdue: the ping was stored without the body: the server answered 413 Request Entity Too Large\n"}) {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(m.paths(), []string{"/fail", "/fail"}) {
		t.Errorf("received %v", m.paths())
	}
}

func TestRun_UnknownHeartbeatIsNotRetried(t *testing.T) {
	m := newFakeMonitor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Ping-Body-Limit", "100000") // as every answer of the ping endpoint
		http.Error(w, "no heartbeat has this id", http.StatusNotFound)
	})
	if got := runScript("echo out"); got.code != 0 || !strings.Contains(got.err, "404 Not Found: no heartbeat has this id") {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(m.paths(), []string{"/start", "/0"}) {
		t.Errorf("received %v; want each ping once", m.paths())
	}
}
