package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/internal/api"
	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/pingurl"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// edge is the whole server on a socket, as strangers reach it.
type edge struct {
	*testing.T
	whole
	address string
	cookie  string // of the owner
	key     string // of the API
	id      string // of a heartbeat
}

// newEdge starts it.
func newEdge(t *testing.T, database string) *edge {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := ownedByAda()
	d := &edge{T: t, address: l.Addr().String()}
	d.whole = assemble(t, database, "http://"+d.address, o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- httpd.Serve(ctx, l, httpd.Options{
			Handler: d.handler, Log: slog.New(slog.DiscardHandler), Rejections: d.engine.rejections, Limits: o.connectionLimits(), StopTimeout: time.Minute,
		})
	}()
	t.Cleanup(func() {
		d.faces.site.Feed.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	d.signIn(o)
	return d
}

// signIn creates the cookie and the API key of the owner.
func (d *edge) signIn(o Options) {
	d.Helper()
	form := "email=" + o.OwnerEmail + "&password=" + strings.ReplaceAll(o.OwnerPassword, " ", "+")
	answer := d.send(fmt.Sprintf("POST /sign-in HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: same-origin\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", d.address, len(form), form), time.Minute)
	found := regexp.MustCompile(`Set-Cookie: (overdue=[^;]+)`).FindStringSubmatch(answer)
	if found == nil {
		d.Fatalf("the owner is not signed in: %q", answer)
	}
	d.cookie = found[1]
	var p monitor.Project
	err := d.engine.db.View(d.Context(), func(tx *store.Tx) (err error) {
		p, err = selectProject(tx, "")
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	actor := auth.Operator(p, "root")
	h, err := d.faces.service.CreateHeartbeat(d.Context(), actor, manage.HeartbeatEdit{Name: new("backup"), Interval: new("1h")})
	if err != nil {
		d.Fatal(err)
	}
	if _, d.key, err = d.faces.service.CreateKey(d.Context(), actor, "test", false); err != nil {
		d.Fatal(err)
	}
	d.id = h.ID
}

// send sends one request and returns the response until the server closes the
// connection, or the first bytes of a response that does not end.
func (d *edge) send(request string, within time.Duration) string {
	d.Helper()
	c, err := net.Dial("tcp", d.address)
	if err != nil {
		d.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		d.Fatal(err)
	}
	_, _ = io.WriteString(c, request) // a server may answer before it has read all
	b, _ := io.ReadAll(c)             // what came is looked at
	return string(b)
}

// patterns lists everything that the server answers, from the tables that it is
// made of, and what it does not know.
func (d *edge) patterns() []string {
	d.Helper()
	all := d.faces.site.Patterns()
	for _, status := range statusRoutes(ownedByAda(), d.engine) {
		all = append(all, status.pattern)
	}
	written, err := api.OpenAPI(api.Options{BaseURL: "http://x", Version: "1"})
	if err != nil {
		d.Fatal(err)
	}
	var document struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(written, &document); err != nil {
		d.Fatal(err)
	}
	if len(all) < 60 || len(document.Paths) < 10 {
		d.Fatalf("only %d pages and %d paths of the API: this would prove nothing", len(all), len(document.Paths))
	}
	for path, methods := range document.Paths {
		for method := range methods {
			if method != "parameters" {
				all = append(all, strings.ToUpper(method)+" "+api.Prefix+strings.TrimPrefix(path, api.Prefix))
			}
		}
	}
	for _, id := range []string{d.id, uuid.NewString(), "no-id"} {
		for _, signal := range []string{"", "/start", "/fail", "/log", "/7", "/none"} {
			all = append(all, "POST "+pingurl.For("", id)+signal)
		}
	}
	return append(all, "GET /nothing", "POST /nothing", "POST "+api.Prefix+"/nothing", "GET /static/nothing", "OPTIONS "+pingurl.For("", d.id))
}

// offer is a way to send a body.
type offer struct {
	head string // lines of the header about it
	body []byte
	more time.Duration // between further bytes, 0 for none
}

// offers are the requests of a malicious client.
func offers() map[string]offer {
	form := "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
	file := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 200<<10) + "\r\n--b--\r\n"
	return map[string]offer{
		"no body":         {},
		"unfinished body": {head: form + "1000\r\n", body: []byte("email=a")},
		"slow body":       {head: form + "1000\r\n", body: []byte("email=a"), more: time.Second},
		"chunked, slow":   {head: "Transfer-Encoding: chunked\r\n", body: []byte("1\r\na\r\n"), more: time.Second},
		"600 KB":          {head: form + "614400\r\n", body: bytes.Repeat([]byte("a"), 600<<10)}, // above every limit
		"multipart":       {head: fmt.Sprintf("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n", len(file)), body: []byte(file)},
	}
}

// longestRequest is by when a server has answered or closed. It gives a request
// 15 seconds; the rest is for a busy machine.
const longestRequest = 45 * time.Second

// try sends one offer, and reports whether it ended in time.
func (d *edge) try(method, path, credentials string, o offer) error {
	c, err := net.Dial("tcp", d.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(longestRequest)); err != nil {
		return err
	}
	go func() { // the server may answer, and close, before it has read all
		_, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: same-origin\r\n%s%s\r\n", method, path, d.address, credentials, o.head)
		if err == nil {
			_, err = c.Write(o.body)
		}
		for err == nil && o.more > 0 {
			timer := time.NewTimer(o.more)
			<-timer.C
			_, err = io.WriteString(c, "1\r\na\r\n")
		}
	}()
	answer := make([]byte, 12)
	_, err = io.ReadFull(c, answer)
	if timeout, is := err.(net.Error); is && timeout.Timeout() {
		return fmt.Errorf("neither answered nor closed within %s", longestRequest)
	}
	// So many requests at once may be too many: then the server says so.
	if err == nil && strings.HasPrefix(string(answer), "HTTP/1.1 5") && !strings.HasPrefix(string(answer), "HTTP/1.1 503") {
		return fmt.Errorf("answered %s", answer)
	}
	return nil
}

func TestServe_EveryRouteLimitsWhatAClientSends(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for name, database := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			d := newEdge(t, database)
			before := heap()
			fill := strings.NewReplacer("{key}", "x", "{token}", "x", "{project}", "main", "{page}", "statuses", "{n}", "1", "{slug}", "x")
			braces := regexp.MustCompile(`\{[^}]+\}`)
			var requests sync.WaitGroup
			offers := offers()
			for _, pattern := range d.patterns() {
				method, path, _ := strings.Cut(pattern, " ")
				path = braces.ReplaceAllString(fill.Replace(path), uuid.NewString())
				for what, o := range offers {
					for who, credentials := range map[string]string{
						"a stranger": "", "the owner": "Cookie: " + d.cookie + "\r\nAuthorization: Bearer " + d.key + "\r\n",
					} {
						if who == "the owner" && path == "/sign-out" {
							continue // the others must stay signed in
						}
						for _, m := range []string{method, http.MethodPut} {
							requests.Go(func() {
								if err := d.try(m, path, credentials, o); err != nil {
									t.Errorf("%s %s from %s, %s: %v", m, path, who, what, err)
								}
							})
						}
					}
				}
			}
			requests.Wait()
			if grown := heap() - before; grown > 50<<20 {
				t.Errorf("the heap has grown by %d MB", grown>>20)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
				t.Errorf("the temporary folder holds %v, %v", files, err)
			}
		})
	}
}

// heap is how much of it is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestServe_EveryRouteKeepsBrowsersFromGuessing(t *testing.T) {
	for name, database := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			d := newEdge(t, database)
			for _, pattern := range d.patterns() {
				method, path, _ := strings.Cut(pattern, " ")
				answer := d.send(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, strings.NewReplacer("{", "", "}", "").Replace(path)), time.Minute)
				if !strings.Contains(answer, "\r\nX-Content-Type-Options: nosniff\r\n") {
					t.Errorf("%s: no nosniff in %.80q", pattern, answer)
				}
			}
		})
	}
}
