package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/loop"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// testBaseURL is the public address in these tests. It differs from the address of the test
// server, so that a test notices if one is used in place of the other.
const testBaseURL = "https://overdue.example.org"

// fixture is a server with two projects.
type fixture struct {
	*storetest.Fixture
	service        *manage.Service
	url            string
	http           *http.Client
	keys           map[string]string // secrets by kind
	owner          auth.Actor
	ids            []string // of all heartbeats; a read-only key must never see them
	log            *bytes.Buffer
	testedChannels []monitor.Channel // channels that received test alerts, in plain text
	testResult     client.TestResult // answer of their provider
	pendingSignals int               // number of calls of OnPending
	dueSignals     []time.Time       // arguments of OnDue
}

// eachDatabase runs a test on every database.
func eachDatabase(t *testing.T, test func(*testing.T, *fixture)) {
	t.Helper()
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, address))
		})
	}
}

func newFixture(t *testing.T, address string) *fixture {
	t.Helper()
	w := &fixture{Fixture: storetest.Open(t, address), keys: map[string]string{"none": "", "wrong": auth.NewKey()}, log: &bytes.Buffer{}}
	w.DB.UseListIndex()
	w.service = manage.New(manage.Options{
		DB: w.DB,
		Signals: loop.Signals{
			Pending: func() { w.pendingSignals++ },
			Due:     func(next time.Time) { w.dueSignals = append(w.dueSignals, next) },
		},
		SendTest: func(_ context.Context, _ monitor.Project, c monitor.Channel) (client.TestResult, []monitor.DeliveryResult, setting.Values) {
			w.testedChannels = append(w.testedChannels, c)
			return w.testResult, []monitor.DeliveryResult{{Delivered: w.testResult.Delivered, Permanent: true, Reason: w.testResult.Detail}}, nil
		},
	})
	w.owner = w.project("main")
	w.keys["read-write"], w.keys["read-only"] = w.key(w.owner, false), w.key(w.owner, true)
	w.keys["other"] = w.key(w.project("other"), false)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	o := Options{Service: w.service, Keys: auth.NewKeys(w.DB), ClientAddress: func(*http.Request) string { return "192.0.2.1" }, BaseURL: testBaseURL, Version: "1.0.0", Log: log}
	srv := httptest.NewServer(httpd.Handler(New(o), log, httpd.NewRejections(log, func(httpd.Reason) {}), nil))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	w.http = &http.Client{
		Transport:     &contractTransport{t: t, fixture: w, next: srv.Client().Transport, document: strictOpenAPI(o)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

// project creates a project and returns its owner.
func (w *fixture) project(slug string) auth.Actor {
	w.Helper()
	return auth.Operator(w.AddProject(slug, slug), "root")
}

func (w *fixture) key(a auth.Actor, readOnly bool) string {
	w.Helper()
	_, secret, err := w.service.CreateKey(w.Context(), a, "test", readOnly)
	if err != nil {
		w.Fatal(err)
	}
	return secret
}

// client returns a client with the named key.
func (w *fixture) client(key string) *client.Client {
	return client.New(w.url, w.keys[key], client.WithHTTPClient(w.http))
}

// heartbeat creates a heartbeat in the main project.
func (w *fixture) heartbeat(name string) client.Heartbeat {
	w.Helper()
	h, err := w.client("read-write").CreateHeartbeat(w.Context(), client.HeartbeatSettings{Name: &name, Interval: "1h", Grace: "10m"})
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// channel creates a webhook in the main project.
func (w *fixture) channel(name string) client.Channel {
	w.Helper()
	c, err := w.client("read-write").CreateChannel(w.Context(), client.ChannelSettings{
		Kind: new("webhook"), Name: &name, Settings: map[string]any{"url": "https://example.com/hook"},
	})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// ping applies a ping, as package ingest does.
func (w *fixture) ping(h client.Heartbeat, p monitor.Ping) {
	w.Helper()
	err := w.DB.Update(w.Context(), func(tx *store.Tx) error {
		found, err := tx.HeartbeatsForPings([]string{*h.ID})
		if err != nil {
			return err
		}
		if p.At.IsZero() {
			p.At = time.Now().UTC().Truncate(monitor.Precision)
		}
		if p.Kind != monitor.PingFail || p.ExitCode == 0 {
			p.ExitCode = monitor.NoExitCode
		}
		heard, change := found[*h.ID].ApplyPing(p, p.At)
		_, err = tx.Save(p.At, []store.Transition{{Heartbeat: heard, Change: change}})
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

// apiResponse is a complete response.
type apiResponse struct {
	status int
	header http.Header
	body   string
}

// request sends a request with the named key. A body makes it JSON.
func (w *fixture) request(key, method, path, body string, headers ...string) apiResponse {
	w.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path, reader)
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if w.keys[key] != "" {
		r.Header.Set("Authorization", "Bearer "+w.keys[key])
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	resp, err := w.http.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return apiResponse{resp.StatusCode, resp.Header, string(b)}
}

// auditEntries returns the audit log of the main project, newest first.
func (w *fixture) auditEntries() (entries []monitor.AuditEntry) {
	w.Helper()
	err := w.DB.View(w.Context(), func(tx *store.Tx) (err error) {
		entries, err = tx.RecentAuditEntries(w.owner.Project.Key, 1000)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return entries
}

// auditActions lists the actions of the audit log, oldest first.
func (w *fixture) auditActions() []string {
	w.Helper()
	var actions []string
	for _, e := range slices.Backward(w.auditEntries()) {
		actions = append(actions, fmt.Sprintf("%s: %s %s", e.Actor, e.Action, e.Target))
	}
	return actions
}

// problemJSON is a decoded problem.
type problemJSON struct {
	Title     string
	Status    int
	Detail    string
	RequestID string `json:"request_id"`
	Errors    []struct{ Location, Message string }
}

func (p *problemJSON) read(t *testing.T, r apiResponse) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), p); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

// lastAuditEntry returns the newest entry of the audit log of the main project.
func (w *fixture) lastAuditEntry() (newest monitor.AuditEntry) {
	w.Helper()
	if all := w.auditEntries(); len(all) > 0 {
		newest = all[0]
	}
	return newest
}
