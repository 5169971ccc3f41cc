package httpd

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// plainText is a ping as curl sends it.
const plainText = "POST /api/v1/hb/123e4567-e89b-42d3-a456-426614174000/fail HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\r\n"

func TestParsePlainRequest_AcceptsWhatUsualClientsSend(t *testing.T) {
	for _, fields := range []string{
		"", "User-Agent: Wget/1.25\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: Keep-Alive\r\n",
		"user-agent: python-requests/2.32\r\naccept-encoding: gzip, deflate\r\naccept:*/*\r\nconnection: keep-alive\r\ncontent-length: 0\r\n",
		"User-Agent: Go-http-client/1.1\r\nContent-Length: 0\r\nAccept-Encoding: gzip\r\n",
		"X-Forwarded-For: 192.0.2.1, 2001:db8::1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: example.org\r\nX-Real-IP: 192.0.2.1\r\n",
	} {
		text := "GET /api/v1/hb/123e4567-e89b-42d3-a456-426614174000 HTTP/1.1\r\nHost: example.org\r\n" + fields + "\r\n"
		if p, ok := parsePlainRequest([]byte(text)); !ok || p.method != "GET" || string(p.path) != "/api/v1/hb/123e4567-e89b-42d3-a456-426614174000" {
			t.Errorf("%q: %+v, %t", text, p, ok)
		}
	}
}

func TestParsePlainRequest_LeavesEverythingElseToNetHTTP(t *testing.T) {
	for _, change := range [][2]string{
		{"POST", "PUT"},
		{"POST", "post"},
		{"POST", "HEAD"},
		{"POST", "GETPOST"},
		{"POST", "\r\nPOST"},
		{" /", "  /"},
		{" HTTP/1.1", " HTTP/1.0"},
		{" HTTP", "  HTTP"},
		{"/hb/", "/heartbeats/"},
		{"/fail", "/../x"},
		{"/fail", "?a=b"},
		{"/fail", "/%66ail"},
		{"/fail", "/caf\xe9"},
		{"/api", "http://localhost/api"},
		{"Host: localhost:8080\r\n", ""},
		{"localhost:8080", ""},
		{"localhost", "a b"},
		{"localhost", "a/b"},
		{"Accept: */*", "Host: other"},
		{"Accept: */*", "Accept: */*\r\nAccept: */*"},
		{"Accept: ", "Accept : "},
		{"Accept: ", "Accept:  "},
		{"*/*", "*/* "},
		{"*/*", ""},
		{"*/*", "*/*\r\n folded"},
		{"Accept: */*", "Accept"},
		{"Accept", "X-Other"},
		{"curl", "a\x00b"},
		{"curl", "caf\xe9"},
		{"\r\nAccept", "\nAccept"},
		{"\r\nAccept", "\rAccept"},
		{"Accept: */*", "Content-Length: 1"},
		{"Accept: */*", "Content-Length: +0"},
		{"Accept: */*", "Content-Length: 0, 0"},
		{"Accept: */*", "Content-Length: 0\r\nContent-Length: 0"},
		{"Accept: */*", "Transfer-Encoding: chunked"},
		{"Accept: */*", "Expect: 100-continue"},
		{"Accept: */*", "Upgrade: h2c"},
		{"Accept: */*", "Connection: close"},
		{"Accept: */*", "Connection: keep-alive, Upgrade"},
		{"\r\n\r\n", "\r\n"},
		{"\r\n\r\n", "\r\n\r\nX"},
		{"\r\n\r\n", "\r\n\r\n\r\n"},
		{"\r\n\r\n", "\n\n"},
	} {
		text := strings.Replace(plainText, change[0], change[1], 1)
		if p, ok := parsePlainRequest([]byte(text)); ok || text == plainText {
			t.Errorf("%q was accepted: %+v", text, p)
		}
	}
	for n := range len(plainText) {
		if _, ok := parsePlainRequest([]byte(plainText[:n])); ok {
			t.Errorf("the first %d of %d bytes were accepted", n, len(plainText))
		}
	}
}

// silentConn is a connection whose client reads everything.
type silentConn struct{ net.Conn }

func (silentConn) Write(b []byte) (int, error)      { return len(b), nil }
func (silentConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }
func (silentConn) SetReadDeadline(time.Time) error  { return nil }
func (silentConn) SetWriteDeadline(time.Time) error { return nil }

func TestAnswerPlain_NeedsOneAllocation(t *testing.T) {
	fields := http.Header{"Content-Type": {"text/plain"}, "Cache-Control": {"no-store"}}
	registry := &connRegistry{plain: &plainServer{stopping: new(atomic.Bool), handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range fields {
			w.Header()[name] = values
		}
		_, _ = io.WriteString(w, ClientText(r, nil)) // plainResponse returns no error
	})}}
	c := &conn{Conn: silentConn{}, registry: registry}
	texts := [][]byte{[]byte(plainText), []byte(strings.Replace(plainText, "/fail", "/log", 1))}
	n := 0
	if got := testing.AllocsPerRun(100, func() {
		n++
		if answered, err := c.answerPlain(texts[n%2]); !answered || err != nil {
			t.Fatal(answered, err)
		}
	}); got > 1 {
		t.Errorf("%v allocations; want one, for the path", got)
	}
}

// deadlineConn records the deadlines of a connection.
type deadlineConn struct {
	silentConn
	read, write time.Time
	sent        []byte
}

func (c *deadlineConn) Write(b []byte) (int, error) {
	c.sent = append(c.sent, b...)
	return len(b), nil
}
func (c *deadlineConn) SetReadDeadline(t time.Time) error  { c.read = t; return nil }
func (c *deadlineConn) SetWriteDeadline(t time.Time) error { c.write = t; return nil }

// newPlainConn returns a connection on which net/http has answered a request.
func newPlainConn(handler http.HandlerFunc) (*conn, *deadlineConn) {
	socket := &deadlineConn{}
	c := &conn{Conn: socket, registry: &connRegistry{plain: &plainServer{stopping: new(atomic.Bool), handler: handler}}}
	c.hadRequest.Store(true)
	return c, socket
}

func TestAnswerPlain_EachRequestExtendsTheDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, socket := newPlainConn(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") })
		answer := func() {
			t.Helper()
			if answered, err := c.answerPlain([]byte(plainText)); !answered || err != nil {
				t.Fatal(answered, err)
			}
			if idle, write := time.Until(socket.read), time.Until(socket.write); idle < idleTimeout-deadlineSlack || idle > idleTimeout || write < answerTimeout {
				t.Errorf("reads end after %s and writes after %s; want %s and at least %s", idle, write, idleTimeout, answerTimeout)
			}
		}
		for _, wait := range []time.Duration{0, deadlineSlack / 2, deadlineSlack, time.Minute, idleTimeout - deadlineSlack} {
			time.Sleep(wait)
			answer()
		}
		socket.write = time.Time{} // net/http answers a request
		stateChanged(c, http.StateIdle)
		answer()
	})
}

func TestAnswerPlain_NothingOfTheResponseBeforeIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		c, socket := newPlainConn(func(w http.ResponseWriter, _ *http.Request) {
			if first {
				w.Header().Set("Retry-After", "5")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = io.WriteString(w, strings.Repeat("x", map[bool]int{true: 10, false: 2}[first]))
			first = false
		})
		var sent [2]string
		for i := range sent {
			if _, err := c.answerPlain([]byte(plainText)); err != nil {
				t.Fatal(err)
			}
			sent[i], socket.sent = string(socket.sent), nil
			time.Sleep(time.Second)
		}
		date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		want := [2]string{
			"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nDate: " + date(-2*time.Second) + "\r\nContent-Length: 10\r\n\r\nxxxxxxxxxx",
			"HTTP/1.1 200 OK\r\nDate: " + date(-time.Second) + "\r\nContent-Length: 2\r\n\r\nxx",
		}
		if sent != want {
			t.Errorf("sent %q; want %q", sent, want)
		}
	})
}

// A connection that waits for its client can be closed for another one.
func TestAnswerPlain_TheConnectionDoesNotWaitForItsClientMeanwhile(t *testing.T) {
	var c *conn
	waits := true
	c, _ = newPlainConn(func(http.ResponseWriter, *http.Request) { waits = c.isWaiting(time.Now(), stalledWriteTimeout) })
	if _, err := c.answerPlain([]byte(plainText)); err != nil || waits || !c.isWaiting(time.Now(), stalledWriteTimeout) {
		t.Errorf("waits during a request: %t, after it: %t, %v", waits, c.isWaiting(time.Now(), stalledWriteTimeout), err)
	}
}

func TestMayBePlain_OnlyBetweenTwoRequestsOfHTTP1(t *testing.T) {
	for name, change := range map[string]func(c *conn) (space int){
		"the first request":             func(c *conn) int { c.hadRequest.Store(false); return netHTTPBuffer },
		"during a request":              func(c *conn) int { c.serving.Store(true); return netHTTPBuffer },
		"in a request header":           func(c *conn) int { c.received.Store(true); return netHTTPBuffer },
		"HTTP/2":                        func(c *conn) int { c.http2.Store(true); return netHTTPBuffer },
		"a byte of the request is read": func(*conn) int { return netHTTPBuffer - 1 },
	} {
		c, _ := newPlainConn(nil)
		if !c.mayBePlain(netHTTPBuffer) {
			t.Error("no request may be plain")
		}
		if c.mayBePlain(change(c)) {
			t.Errorf("%s: it may be plain", name)
		}
	}
}

// Whatever is accepted is exactly one request, and net/http reads the same from it.
func FuzzParsePlainRequest(f *testing.F) {
	f.Add([]byte(plainText))
	f.Add([]byte("GET /api/v1/hb/a HTTP/1.1\r\nhost:a\r\ncontent-length:0\r\nconnection:keep-alive\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n\r\n"))
	f.Add([]byte("GET /api/v1/hb/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, ok := parsePlainRequest(text)
		if !ok {
			return
		}
		in := bufio.NewReader(bytes.NewReader(text))
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http rejects %q: %v", text, err)
		}
		if in.Buffered() > 0 || r.ContentLength != 0 || r.Body != http.NoBody || r.Close || len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 || r.ProtoMajor != 1 || r.ProtoMinor != 1 {
			t.Errorf("%q is not one request without a body: %+v", text, r)
		}
		if r.Method != p.method || r.URL.Path != string(p.path) || r.URL.RawQuery != "" || r.Host != string(p.host) ||
			r.UserAgent() != string(p.userAgent) || r.Header.Get("X-Forwarded-For") != string(p.forwardedFor) {
			t.Errorf("%q: %+v; net/http reads %+v", text, p, r)
		}
	})
}
