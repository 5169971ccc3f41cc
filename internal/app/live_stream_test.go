package app

import (
	"bufio"
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"overdue/internal/ingest"
	"overdue/internal/notify"
	"overdue/internal/pingurl"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// tlsServer is the whole server behind TLS and HTTP/2, with a browser of the owner.
type tlsServer struct {
	*testing.T
	base    string
	browser *http.Client
}

// assembledServer is the engine and the handlers, assembled as Serve does.
type assembledServer struct {
	engine   *Engine
	handlers handlers
	handler  http.Handler
}

// startAssembledServer starts the engine on a database, and stops it with the test. It
// has sockets, so it cannot run in the virtual time of a simulation.
func startAssembledServer(t *testing.T, address, base string, o Options) assembledServer {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the test is over
	if _, err := ensureProject(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	outside, err := notify.NewSender(notify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := NewEngine(db, outside.Send, base, log)
	f, err := newHandlers(t.Context(), o, e, outside, base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ensureOwner(t.Context(), o, base); err != nil {
		t.Fatal(err)
	}
	db.UseListIndex()
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.site.Feed.Close()
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return assembledServer{e, f, routes(o, e, f, base, ingest.NewBodyBudget(1<<20))}
}

// TestStart_LoadsTheListIndexForReaders: with a million heartbeats that takes seconds, and the first
// list must not wait for it.
func TestStart_LoadsTheListIndexForReaders(t *testing.T) {
	address := filepath.Join(t.TempDir(), "overdue.db")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	t.Run("first start", func(t *testing.T) { startLoopbackServer(t, address) }) // signs in, and creates a heartbeat
	d := startAssembledServer(t, address, "http://localhost", ownerOptions())
	for d.engine.db.ListIndexBytes() == 0 {
		if ctx.Err() != nil {
			t.Fatal("the index is not loaded")
		}
		runtime.Gosched()
	}
}

// ownerOptions returns options that create an owner.
func ownerOptions() Options {
	return Options{OwnerEmail: "ada@example.com", OwnerPassword: "correct horse battery"}
}

// startTLSServer starts a server and signs the owner in.
func startTLSServer(t *testing.T, address string) tlsServer {
	t.Helper()
	var handler http.Handler
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	o := ownerOptions()
	handler = startAssembledServer(t, address, srv.URL, o).handler
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := tlsServer{t, srv.URL, srv.Client()}
	r.browser.Jar = jar
	r.post("/sign-in", url.Values{"email": {o.OwnerEmail}, "password": {o.OwnerPassword}})
	return r
}

// post sends a form and follows redirects.
func (r tlsServer) post(path string, form url.Values) string {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return r.send(req)
}

// hiddenField matches the hidden fields of a form.
var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// hiddenFields returns the hidden fields of the form on a page.
func (r tlsServer) hiddenFields(path string) url.Values {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.base+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	form := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(r.send(req), -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	return form
}

// send returns the page that a request leads to.
func (r tlsServer) send(req *http.Request) string {
	r.Helper()
	resp, err := r.browser.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	var page strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&page); err != nil || resp.StatusCode >= 300 {
		r.Fatalf("%s %s: %d %v", req.Method, req.URL.Path, resp.StatusCode, err)
	}
	return page.String()
}

func TestStream_TheFirstEventArrivesAtOnceThroughAllMiddleware(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			r := startTLSServer(t, address)
			form := r.hiddenFields("/heartbeats/new")
			for name, value := range map[string]string{"name": "backup", "schedule": "interval", "interval": "1h", "grace": "10m"} {
				form.Set(name, value)
			}
			page := r.post("/heartbeats", form)
			live := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(page)
			ping := regexp.MustCompile(pingurl.For("", `[0-9a-f-]{36}`)).FindString(page)
			if live == nil || ping == "" {
				t.Fatal("the page has no stream, or no ping URL")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+strings.ReplaceAll(live[1], "&amp;", "&"), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", "text/event-stream")
			req.Header.Set("Accept-Encoding", "gzip, br")
			stream, err := r.browser.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Body.Close()
			if stream.ProtoMajor != 2 || stream.StatusCode != http.StatusOK || stream.Header.Get("Content-Encoding") != "" {
				t.Fatalf("HTTP/%d, %d, encoded as %q", stream.ProtoMajor, stream.StatusCode, stream.Header.Get("Content-Encoding"))
			}
			lines := bufio.NewScanner(stream.Body)
			lines.Buffer(nil, 1<<20)
			await := func(prefix string) {
				t.Helper()
				for lines.Scan() {
					if strings.HasPrefix(lines.Text(), prefix) {
						return
					}
				}
				t.Fatalf("no line %q came: %v", prefix, lines.Err())
			}
			await("retry: ")
			began := time.Now()
			if answer := r.send(pingRequest(t, r.base+ping)); !strings.HasPrefix(answer, "OK") {
				t.Fatalf("the ping was answered %q", answer)
			}
			await("event: row")
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the event took %s", took)
			}
		})
	}
}

// pingRequest returns the request of a ping.
func pingRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}
