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

// loopbackServer is the whole server on a loopback socket.
type loopbackServer struct {
	*testing.T
	assembledServer
	address     string
	cookie      string // of the owner
	apiKey      string // of the API
	heartbeatID string
}

// startLoopbackServer starts a server with an owner, an API key and a heartbeat.
func startLoopbackServer(t *testing.T, database string) *loopbackServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := ownerOptions()
	d := &loopbackServer{T: t, address: l.Addr().String()}
	d.assembledServer = startAssembledServer(t, database, "http://"+d.address, o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- httpd.Serve(ctx, l, httpd.Options{
			Handler: d.handler, Log: slog.New(slog.DiscardHandler), Rejections: d.engine.rejections, Limits: o.connectionLimits(), StopTimeout: time.Minute,
		})
	}()
	t.Cleanup(func() {
		d.handlers.site.Feed.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	d.signIn(o)
	return d
}

// signIn creates the cookie and the API key of the owner.
func (d *loopbackServer) signIn(o Options) {
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
	h, err := d.handlers.service.CreateHeartbeat(d.Context(), actor, manage.HeartbeatEdit{Name: new("backup"), Interval: new("1h")})
	if err != nil {
		d.Fatal(err)
	}
	if _, d.apiKey, err = d.handlers.service.CreateKey(d.Context(), actor, "test", false); err != nil {
		d.Fatal(err)
	}
	d.heartbeatID = h.ID
}

// send sends one request and returns the response until the server closes the
// connection, or the first bytes of a response that does not end.
func (d *loopbackServer) send(request string, within time.Duration) string {
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
	b, _ := io.ReadAll(c)             // the caller checks the bytes that arrived
	return string(b)
}

// requestPatterns lists the method and path of every route, and of some unknown ones.
func (d *loopbackServer) requestPatterns() []string {
	d.Helper()
	all := d.handlers.site.Patterns()
	for _, status := range statusRoutes(ownerOptions(), d.engine) {
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
	for _, id := range []string{d.heartbeatID, uuid.NewString(), "no-id"} {
		for _, signal := range []string{"", "/start", "/fail", "/log", "/7", "/none"} {
			all = append(all, "POST "+pingurl.For("", id)+signal)
		}
	}
	return append(all, "GET /nothing", "POST /nothing", "POST "+api.Prefix+"/nothing", "GET /static/nothing", "OPTIONS "+pingurl.For("", d.heartbeatID))
}

// requestBody is one way to send the body of a request.
type requestBody struct {
	headers  string // header lines that describe the body
	first    []byte
	interval time.Duration // between further bytes; 0 sends none
}

// requestBodies are the requests of a malicious client.
func requestBodies() map[string]requestBody {
	form := "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
	file := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 200<<10) + "\r\n--b--\r\n"
	return map[string]requestBody{
		"no body":         {},
		"unfinished body": {headers: form + "1000\r\n", first: []byte("email=a")},
		"slow body":       {headers: form + "1000\r\n", first: []byte("email=a"), interval: time.Second},
		"chunked, slow":   {headers: "Transfer-Encoding: chunked\r\n", first: []byte("1\r\na\r\n"), interval: time.Second},
		"600 KB":          {headers: form + "614400\r\n", first: bytes.Repeat([]byte("a"), 600<<10)}, // above every limit
		"multipart":       {headers: fmt.Sprintf("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n", len(file)), first: []byte(file)},
	}
}

// requestTimeout is the time in which a server must answer or close. Its own limit is
// 15 seconds; the rest is for a busy machine.
const requestTimeout = 45 * time.Second

// sendBody sends a request, and returns an error if it is not answered or closed in time.
func (d *loopbackServer) sendBody(method, path, credentials string, o requestBody) error {
	c, err := net.Dial("tcp", d.address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return err
	}
	go func() { // the server may answer, and close, before it has read all
		_, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: same-origin\r\n%s%s\r\n", method, path, d.address, credentials, o.headers)
		if err == nil {
			_, err = c.Write(o.first)
		}
		for err == nil && o.interval > 0 {
			timer := time.NewTimer(o.interval)
			<-timer.C
			_, err = io.WriteString(c, "1\r\na\r\n")
		}
	}()
	answer := make([]byte, 12)
	_, err = io.ReadFull(c, answer)
	if timeout, is := err.(net.Error); is && timeout.Timeout() {
		return fmt.Errorf("neither answered nor closed within %s", requestTimeout)
	}
	// The server may answer 503 because of the number of concurrent requests.
	if err == nil && strings.HasPrefix(string(answer), "HTTP/1.1 5") && !strings.HasPrefix(string(answer), "HTTP/1.1 503") {
		return fmt.Errorf("answered %s", answer)
	}
	return nil
}

func TestServe_EveryRouteLimitsWhatAClientSends(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	servers := map[string]*loopbackServer{}
	for name, database := range storetest.Addresses(t) {
		servers[name] = startLoopbackServer(t, database)
	}
	before := heapInUse()
	var requests sync.WaitGroup
	for name, d := range servers { // at the same time: most requests wait for a limit
		d.sendEveryBody(name, &requests)
	}
	requests.Wait()
	if grown := heapInUse() - before; grown > int64(len(servers))*50<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("the temporary folder contains %v, %v", files, err)
	}
}

// sendEveryBody sends every kind of body to every route, without credentials and as the owner.
func (d *loopbackServer) sendEveryBody(name string, requests *sync.WaitGroup) {
	d.Helper()
	fill := strings.NewReplacer("{key}", "x", "{token}", "x", "{project}", "main", "{page}", "statuses", "{n}", "1", "{slug}", "x")
	braces := regexp.MustCompile(`\{[^}]+\}`)
	bodies := requestBodies()
	for _, pattern := range d.requestPatterns() {
		method, path, _ := strings.Cut(pattern, " ")
		path = braces.ReplaceAllString(fill.Replace(path), uuid.NewString())
		for what, o := range bodies {
			for who, credentials := range map[string]string{
				"a client without credentials": "", "the owner": "Cookie: " + d.cookie + "\r\nAuthorization: Bearer " + d.apiKey + "\r\n",
			} {
				if who == "the owner" && path == "/sign-out" {
					continue // the others must stay signed in
				}
				for _, m := range []string{method, http.MethodPut} {
					requests.Go(func() {
						if err := d.sendBody(m, path, credentials, o); err != nil {
							d.Errorf("%s: %s %s from %s, %s: %v", name, m, path, who, what, err)
						}
					})
				}
			}
		}
	}
}

// heapInUse returns the size of the heap in use.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestServe_EveryRouteKeepsBrowsersFromGuessing(t *testing.T) {
	for name, database := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			d := startLoopbackServer(t, database)
			for _, pattern := range d.requestPatterns() {
				method, path, _ := strings.Cut(pattern, " ")
				answer := d.send(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, strings.NewReplacer("{", "", "}", "").Replace(path)), time.Minute)
				if !strings.Contains(answer, "\r\nX-Content-Type-Options: nosniff\r\n") {
					t.Errorf("%s: no nosniff in %.80q", pattern, answer)
				}
			}
		})
	}
}
