package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"overdue/client"

	"github.com/google/go-cmp/cmp"
)

// newEchoServer returns a server that records the request and returns one response.
func newEchoServer(t *testing.T, status int, kind, body string) (*client.Client, *[]string) {
	t.Helper()
	var heard []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body) // a read error makes the body too short, which the test detects
		heard = append(heard, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(text)))
		if got := r.Header.Get("Authorization"); got != "Bearer ovd_key" {
			heard = append(heard, "with authorization "+got)
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may have disconnected
	}))
	t.Cleanup(srv.Close)
	return client.New(srv.URL+"/", "ovd_key"), &heard
}

func TestClient_EveryCallReachesItsEndpoint(t *testing.T) {
	name, yes := "Backup", true
	settings := client.HeartbeatSettings{Name: &name, Interval: "24h", Grace: 600}
	for want, call := range map[string]func(context.Context, *client.Client) error{
		"GET /api/v1/heartbeats": func(ctx context.Context, c *client.Client) error {
			return errOf(c.Heartbeats(ctx, client.HeartbeatQuery{}))
		},
		"GET /api/v1/heartbeats?cursor=c&limit=5&q=a+b&sort=name&status=down&tag=db&tag=prod": func(ctx context.Context, c *client.Client) error {
			return errOf(c.Heartbeats(ctx, client.HeartbeatQuery{
				Status: "down", Tags: []string{"db", "prod"}, Q: "a b", Sort: "name", PageQuery: client.PageQuery{Limit: 5, Cursor: "c"},
			}))
		},
		`POST /api/v1/heartbeats {"name":"Backup","interval":"24h","grace":600}`: func(ctx context.Context, c *client.Client) error {
			return errOf(c.CreateHeartbeat(ctx, settings))
		},
		`PUT /api/v1/heartbeats/by-slug/a%2Fb {"name":"Backup","interval":"24h","grace":600}`: func(ctx context.Context, c *client.Client) error {
			_, _, err := c.PutHeartbeat(ctx, "a/b", settings)
			return err
		},
		"GET /api/v1/heartbeats/x": func(ctx context.Context, c *client.Client) error { return errOf(c.Heartbeat(ctx, "x")) },
		`PATCH /api/v1/heartbeats/x {"manual_resume":true}`: func(ctx context.Context, c *client.Client) error {
			return errOf(c.ChangeHeartbeat(ctx, "x", client.HeartbeatSettings{ManualResume: &yes}))
		},
		"DELETE /api/v1/heartbeats/x":      func(ctx context.Context, c *client.Client) error { return c.DeleteHeartbeat(ctx, "x") },
		"POST /api/v1/heartbeats/x/pause":  func(ctx context.Context, c *client.Client) error { return errOf(c.PauseHeartbeat(ctx, "x")) },
		"POST /api/v1/heartbeats/x/resume": func(ctx context.Context, c *client.Client) error { return errOf(c.ResumeHeartbeat(ctx, "x")) },
		`POST /api/v1/heartbeats/x/mute {"for":"2h"}`: func(ctx context.Context, c *client.Client) error {
			return errOf(c.MuteHeartbeat(ctx, "x", client.QuietPeriod{For: "2h"}))
		},
		"POST /api/v1/heartbeats/x/unmute": func(ctx context.Context, c *client.Client) error { return errOf(c.UnmuteHeartbeat(ctx, "x")) },
		"GET /api/v1/heartbeats/x/why":     func(ctx context.Context, c *client.Client) error { return errOf(c.ExplainHeartbeat(ctx, "x")) },
		"GET /api/v1/heartbeats/x/pings?limit=2": func(ctx context.Context, c *client.Client) error {
			return errOf(c.Pings(ctx, "x", client.PageQuery{Limit: 2}))
		},
		"GET /api/v1/heartbeats/x/pings/7/body": func(ctx context.Context, c *client.Client) error { return errOf(c.PingBody(ctx, "x", 7)) },
		"GET /api/v1/incidents?heartbeat=x&state=open": func(ctx context.Context, c *client.Client) error {
			return errOf(c.Incidents(ctx, client.IncidentQuery{State: "open", Heartbeat: "x"}))
		},
		"GET /api/v1/nodes":                    func(ctx context.Context, c *client.Client) error { return errOf(c.Nodes(ctx)) },
		"GET /api/v1/incidents/i":              func(ctx context.Context, c *client.Client) error { return errOf(c.Incident(ctx, "i")) },
		"POST /api/v1/incidents/i/acknowledge": func(ctx context.Context, c *client.Client) error { return errOf(c.AcknowledgeIncident(ctx, "i")) },
		`POST /api/v1/incidents/i/snooze {"for":3600}`: func(ctx context.Context, c *client.Client) error {
			return errOf(c.SnoozeIncident(ctx, "i", client.QuietPeriod{For: 3600}))
		},
		"POST /api/v1/incidents/i/unsnooze": func(ctx context.Context, c *client.Client) error { return errOf(c.UnsnoozeIncident(ctx, "i")) },
		`POST /api/v1/incidents/i/notes {"text":"on it"}`: func(ctx context.Context, c *client.Client) error {
			return errOf(c.AddNote(ctx, "i", "on it"))
		},
		"GET /api/v1/channels":   func(ctx context.Context, c *client.Client) error { return errOf(c.Channels(ctx, client.PageQuery{})) },
		"GET /api/v1/channels/c": func(ctx context.Context, c *client.Client) error { return errOf(c.Channel(ctx, "c")) },
		`POST /api/v1/channels {"kind":"Backup","settings":{"url":"u"}}`: func(ctx context.Context, c *client.Client) error {
			return errOf(c.CreateChannel(ctx, client.ChannelSettings{Kind: &name, Settings: map[string]any{"url": "u"}}))
		},
		`PATCH /api/v1/channels/c {"notify_on_late":true}`: func(ctx context.Context, c *client.Client) error {
			return errOf(c.ChangeChannel(ctx, "c", client.ChannelSettings{NotifyOnLate: &yes}))
		},
		"DELETE /api/v1/channels/c":    func(ctx context.Context, c *client.Client) error { return c.DeleteChannel(ctx, "c") },
		"POST /api/v1/channels/c/test": func(ctx context.Context, c *client.Client) error { return errOf(c.TestChannel(ctx, "c")) },
	} {
		c, heard := newEchoServer(t, 200, "application/json", "{}")
		if err := call(t.Context(), c); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if diff := cmp.Diff([]string{want}, *heard); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestPutHeartbeat_ReportsWhetherItCreated(t *testing.T) {
	for status, want := range map[int]bool{201: true, 200: false} {
		c, _ := newEchoServer(t, status, "application/json", `{"slug":"backup"}`)
		h, created, err := c.PutHeartbeat(t.Context(), "backup", client.HeartbeatSettings{})
		if err != nil || created != want || h.Slug != "backup" {
			t.Errorf("%d: %+v, created %v, %v", status, h, created, err)
		}
	}
}

func TestProblem_IsOneClearSentence(t *testing.T) {
	c, _ := newEchoServer(t, 422, "application/problem+json", `{"type":"about:blank","title":"Unprocessable Entity","status":422,
		"detail":"validation failed","errors":[{"message":"must be at least 1 s","location":"body.interval","value":0},
		{"message":"unknown member","location":"body.intervall"}]}`)
	_, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{})
	var p *client.Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v; want a problem", err)
	}
	const want = "the server answered 422 Unprocessable Entity: validation failed; body.interval: must be at least 1 s; body.intervall: unknown member"
	if p.Error() != want {
		t.Errorf("says\n%s\nwant\n%s", p.Error(), want)
	}
	if len(p.Errors) != 2 || p.Errors[0].Location != "body.interval" || p.Retryable() {
		t.Errorf("problem %+v", p)
	}
}

func TestProblem_NamesEachFaultOnce(t *testing.T) {
	for body, want := range map[string]string{
		`{"title":"No","detail":"Hour 25.","errors":[{"message":"Hour 25.","location":"body.cron[0]"}]}`:                                                                "No: body.cron[0]: Hour 25.",
		`{"title":"No","detail":"Hour 25.","errors":[{"message":"Hour 25.","location":"body.cron[0]"},{"message":"Hour 25.","location":"body.cron[1]"}]}`:               "No: body.cron[0]: Hour 25; body.cron[1]: Hour 25.",
		`{"title":"No","detail":"Wrong.","errors":[{"message":"Hour 25.","location":"body.cron[0]"},{"message":"Hour 25.","location":"body.cron[0]"},{"message":"x"}]}`: "No: Wrong; body.cron[0]: Hour 25; x",
		`{"title":"No","detail":"Wrong.","errors":[{"message":"Wrong."}]}`:                                                                                              "No: Wrong.",
		`{"title":"No","detail":"No"}`: "No",
	} {
		far, _ := newEchoServer(t, 422, "application/problem+json", body)
		if err := far.DeleteHeartbeat(t.Context(), "x"); err == nil || err.Error() != "the server answered 422 "+want {
			t.Errorf("%s says %q; want %q", body, err, want)
		}
	}
}

func TestProblem_OfOtherServersIsStillASentence(t *testing.T) {
	for _, c := range []struct {
		status           int
		kind, body, want string
	}{
		{502, "text/html", "<html>Bad</html>", "the server answered 502 Bad Gateway"},
		{404, "text/plain", "no \x1b[31msuch heartbeat\nmore", "the server answered 404 Not Found: no [31msuch heartbeat"},
		{401, "application/problem+json", "{broken", "the server answered 401 Unauthorized"},
		{500, "application/problem+json", `{"status":200,"title":"x"}`, "the server answered 500 x"},
	} {
		far, _ := newEchoServer(t, c.status, c.kind, c.body)
		if err := far.DeleteHeartbeat(t.Context(), "x"); err == nil || err.Error() != c.want {
			t.Errorf("says %q; want %q", err, c.want)
		}
	}
}

func TestProblem_ExposesRetryAfter(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "12")
		w.WriteHeader(429)
	}))
	defer srv.Close()
	_, err := client.New(srv.URL, "k").Incident(t.Context(), "i")
	var p *client.Problem
	if !errors.As(err, &p) || p.RetryAfter != 12*time.Second || !p.Retryable() {
		t.Errorf("got %+v", err)
	}
}

func TestAllHeartbeats_ReadsEveryPageAndKeepsTheFilter(t *testing.T) {
	var heard []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard = append(heard, r.URL.RawQuery)
		next := map[string]string{"": `"b"`, "b": `"c"`, "c": "null"}[r.URL.Query().Get("cursor")]
		fmt.Fprintf(w, `{"items":[{"n":1},{"n":2}],"next_cursor":%s}`, next)
	}))
	defer srv.Close()
	c := client.New(srv.URL, "k")
	n := 0
	for _, err := range c.AllPings(t.Context(), "x", client.PageQuery{Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if diff := cmp.Diff([]string{"limit=2", "cursor=b&limit=2", "cursor=c&limit=2"}, heard); diff != "" || n != 6 {
		t.Errorf("%d items; queries (-want +got):\n%s", n, diff)
	}
}

func TestAllHeartbeats_StopsWithTheCallerAndAtTheFirstError(t *testing.T) {
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls > 1 {
			w.WriteHeader(500)
			return
		}
		fmt.Fprint(w, `{"items":[{"id":"1"},{"id":"2"}],"next_cursor":"b"}`)
	}))
	defer srv.Close()
	c := client.New(srv.URL, "k")
	for range c.AllChannels(t.Context(), client.PageQuery{}) {
		break
	}
	if calls != 1 {
		t.Errorf("%d calls for one item", calls)
	}
	var errs []error
	for _, err := range c.AllChannels(t.Context(), client.PageQuery{}) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || errs[0] == nil {
		t.Errorf("yielded %v; want one error and the end", errs)
	}
}

func TestAllHeartbeats_EndsIfTheCursorDoesNotMove(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"items":[{"id":"1"}],"next_cursor":"same"}`)
	}))
	defer srv.Close()
	n := 0
	for range client.New(srv.URL, "k").AllIncidents(t.Context(), client.IncidentQuery{}) {
		if n++; n > 10 {
			t.Fatal("never ends")
		}
	}
}

func TestClient_ARedirectThatChangesTheMethodIsAnError(t *testing.T) {
	var gets int
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/heartbeats/x/pause", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
	})
	mux.HandleFunc("POST /api/v1/heartbeats/x/resume", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
	})
	mux.HandleFunc("GET /elsewhere", func(http.ResponseWriter, *http.Request) { gets++ })
	mux.HandleFunc("POST /elsewhere", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"slug":"kept"}`) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	c := client.New(srv.URL, "k", client.WithHTTPClient(srv.Client()))
	if _, err := c.PauseHeartbeat(t.Context(), "x"); err == nil || gets != 0 || !strings.Contains(err.Error(), "/elsewhere") {
		t.Errorf("err %v, %d GETs; want an error that names the target", err, gets)
	}
	if h, err := c.ResumeHeartbeat(t.Context(), "x"); err != nil || h.Slug != "kept" {
		t.Errorf("a redirect that keeps the method: %v, %v", h, err)
	}
}

func TestClient_SaysThatTheAddressIsNotOverdue(t *testing.T) {
	c, _ := newEchoServer(t, 200, "text/html", "<html>Hello</html>")
	if _, err := c.Heartbeat(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "the address of Overdue") {
		t.Errorf("err %v", err)
	}
	for _, base := range []string{"", "overdue.example.org", "ftp://x"} {
		if _, err := client.New(base, "k").Heartbeat(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "server address") {
			t.Errorf("base %q: err %v", base, err)
		}
	}
}
