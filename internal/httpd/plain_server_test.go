package httpd_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"overdue/internal/httpd"
)

// plainPing is a ping as curl sends it.
const plainPing = "POST /api/v1/hb/123e4567-e89b-42d3-a456-426614174000/fail HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"

// byNetHTTP reports whether net/http parsed a request.
func byNetHTTP(r *http.Request) bool { return r.Context().Value(http.ServerContextKey) != nil }

// exchange sends a text and returns the response without its Date.
func exchange(t *testing.T, c net.Conn, in *bufio.Reader, text string) string {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	var response strings.Builder
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(in, &response)), &http.Request{Method: text[:strings.IndexByte(text, ' ')]})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return regexp.MustCompile(`Date: .* GMT`).ReplaceAllString(response.String(), "Date")
}

// served is a request as the handler got it.
type served struct {
	text  string
	plain bool
}

// startEcho starts a server that answers each request with what it says, and sends it to a
// channel, too. A plain request for /wait waits for finish, and one for /panic panics.
func startEcho(t *testing.T, finish <-chan bool) (*runningServer, <-chan served) {
	seen := make(chan served, 1000)
	return startServer(t, httpd.Options{Inherited: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		text := strings.Join([]string{r.Method, r.RequestURI, r.URL.Path, r.Host, r.Proto, r.RemoteAddr, r.UserAgent(), strings.Join(r.Header["X-Forwarded-For"], ","), string(body)}, "|")
		if err != nil {
			text = err.Error()
		}
		h := w.Header()
		h["Content-Type"], h["X-Z"], h["X-A"] = []string{"text/plain"}, []string{"1", "2"}, []string{"3"}
		seen <- served{text, !byNetHTTP(r)}
		switch {
		case byNetHTTP(r):
		case strings.HasSuffix(r.URL.Path, "/wait"):
			<-finish
		case strings.HasSuffix(r.URL.Path, "/panic"):
			panic("test")
		}
		if strings.HasSuffix(r.URL.Path, "/fail") {
			h.Set("Content-Length", "2")
			w.WriteHeader(http.StatusServiceUnavailable)
			text = "no"
		}
		_, _ = io.WriteString(w, text) // the client reads it
	})}), seen
}

// untilPlain sends pings until one is plain, which it returns. One that arrives just after
// a response of net/http need not be, because net/http reads a byte meanwhile. After a plain
// one, the next one always is.
func untilPlain(t *testing.T, c net.Conn, in *bufio.Reader, seen <-chan served, text string) (response string, got served) {
	t.Helper()
	for range 100 {
		if response, got = exchange(t, c, in, text), <-seen; got.plain {
			return response, got
		}
	}
	t.Fatalf("%q is never plain", text)
	return "", got
}

func TestServe_APlainPingIsAnsweredAsNetHTTPAnswersIt(t *testing.T) {
	t.Parallel()
	s, seen := startEcho(t, nil)
	for _, text := range []string{plainPing, strings.Replace(plainPing, "/fail", "", 1), strings.Replace(strings.Replace(plainPing, "POST", "GET", 1), "/fail", "/start", 1)} {
		c := s.dial("127.0.0.1", "")
		in := bufio.NewReader(c)
		want, wantSeen := exchange(t, c, in, text), <-seen
		got, gotSeen := untilPlain(t, c, in, seen, text)
		if got != want || gotSeen.text != wantSeen.text || wantSeen.plain {
			t.Errorf("answered %q as %q; want %q as %q, first by net/http", gotSeen.text, got, wantSeen.text, want)
		}
	}
}

func TestServe_RequestsOfEachKindFollowEachOtherOnAConnection(t *testing.T) {
	t.Parallel()
	s, seen := startEcho(t, nil)
	c := s.dial("127.0.0.1", "")
	in := bufio.NewReader(c)
	body := strings.Replace(plainPing, "\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody", 1)
	// No field of the request before is left.
	bare := "GET /api/v1/hb/other HTTP/1.1\r\nHost: other\r\n\r\n"
	if _, got := untilPlain(t, c, in, seen, plainPing); !strings.Contains(got.text, "|curl/8|192.0.2.1|") {
		t.Errorf("served %+v", got)
	}
	for range 2 {
		exchange(t, c, in, bare)
		if got := <-seen; !got.plain || !strings.HasPrefix(got.text, "GET|/api/v1/hb/other|/api/v1/hb/other|other|") || !strings.HasSuffix(got.text, "|||") {
			t.Errorf("served %+v", got)
		}
	}
	for text, want := range map[string]string{
		body: "|body", strings.Replace(plainPing, "/fail", "?a=b", 1): "?a=b|", strings.Replace(plainPing, "POST", "HEAD", 1): "HEAD|",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n": "|/healthz|",
	} {
		exchange(t, c, in, text)
		if got := <-seen; got.plain || !strings.Contains(got.text, want) {
			t.Errorf("%q: served %+v; want %q by net/http", text, got, want)
		}
		untilPlain(t, c, in, seen, plainPing)
	}
	half := len(plainPing) / 2
	if _, err := io.WriteString(c, plainPing[:half]); err != nil {
		t.Fatal(err)
	}
	<-time.After(50 * time.Millisecond) // the server reads the first half alone
	exchange(t, c, in, plainPing[half:]+bare+plainPing)
	for _, want := range []string{"POST|", "GET|", "POST|"} {
		if got := <-seen; !strings.HasPrefix(got.text, want) {
			t.Errorf("pipelined: served %q; want %s", got.text, want)
		}
	}
}

// A packet that looks like a plain ping can be a part of the request before it.
func TestServe_ATextLikeAPlainPingInAnotherRequestIsPartOfIt(t *testing.T) {
	t.Parallel()
	s, seen := startEcho(t, nil)
	for _, first := range []string{
		"GET /healthz HTTP/1.1\r\nX-Field: ", "POST /other HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + strconv.Itoa(len(plainPing)) + "\r\n\r\n",
		"POST /other HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(plainPing)), 16) + "\r\n",
	} {
		c := s.dial("127.0.0.1", "")
		exchange(t, c, bufio.NewReader(c), plainPing)
		<-seen
		for _, packet := range []string{first, plainPing} {
			if _, err := io.WriteString(c, packet); err != nil {
				t.Fatal(err)
			}
			<-time.After(50 * time.Millisecond) // the server reads each alone
		}
		if _, err := io.WriteString(c, "\r\n0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-seen:
			if got.plain || strings.Contains(got.text, "/api/v1/hb/") != strings.HasPrefix(first, "POST") {
				t.Errorf("after %q: served %+v", first, got)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("after %q: no request was served", first)
		}
	}
}

func TestServe_AStopAnswersPlainPingsInProgress(t *testing.T) {
	t.Parallel()
	finish := make(chan bool)
	s, seen := startEcho(t, finish)
	c := s.dial("127.0.0.1", "")
	untilPlain(t, c, bufio.NewReader(c), seen, plainPing)
	if _, err := io.WriteString(c, strings.Replace(plainPing, "/fail", "/wait", 1)); err != nil {
		t.Fatal(err)
	}
	<-seen
	s.stop()
	select {
	case err := <-s.ended:
		t.Fatalf("stopped before the ping was answered: %v", err)
	case <-time.After(3 * time.Second): // longer than requests that are not complete get
	}
	close(finish)
	if sent, _ := readUntilClosed(t, c, 10*time.Second); !strings.HasPrefix(sent, "HTTP/1.1 200 OK") || !strings.HasSuffix(sent, "|curl/8|192.0.2.1|") {
		t.Errorf("answered %q", sent)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

func TestServe_AStoppingServerLeavesPlainPingsToNetHTTP(t *testing.T) {
	t.Parallel()
	s, seen := startEcho(t, nil)
	c := s.dial("127.0.0.1", "")
	in := bufio.NewReader(c)
	untilPlain(t, c, in, seen, plainPing)
	s.stop()
	for { // the stop begins at some time; idle connections are still open for some more
		answer := exchange(t, c, in, plainPing)
		closes, plain := strings.Contains(answer, "Connection: close"), (<-seen).plain
		if closes && plain {
			t.Errorf("answered %q without net/http; want it to answer after a stop has begun", answer)
		}
		if closes || t.Failed() {
			return
		}
	}
}

func TestServe_APanicOfAPlainPingClosesItsConnectionOnly(t *testing.T) {
	t.Parallel()
	s, seen := startEcho(t, nil)
	c := s.dial("127.0.0.1", "")
	untilPlain(t, c, bufio.NewReader(c), seen, plainPing)
	if _, err := io.WriteString(c, strings.Replace(plainPing, "/fail", "/panic", 1)); err != nil {
		t.Fatal(err)
	}
	if sent, closed := readUntilClosed(t, c, 10*time.Second); !closed || sent != "" || s.count(httpd.HandlerPanic) != 1 {
		t.Errorf("sent %q, closed %t, %d panics counted; want nothing, true and 1", sent, closed, s.count(httpd.HandlerPanic))
	}
	s.expectStop("waits for a ping whose handler panicked")
}

func TestServe_AnIncompleteRequestAfterAPlainPingTimesOut(t *testing.T) {
	t.Parallel()
	s, seen := startEcho(t, nil)
	c := s.dial("127.0.0.1", "")
	in := bufio.NewReader(c)
	untilPlain(t, c, in, seen, plainPing)
	if _, err := io.WriteString(c, plainPing[:len(plainPing)-1]); err != nil {
		t.Fatal(err)
	}
	if _, closed := readUntilClosed(t, c, 10*time.Second); !closed || s.count(httpd.HeaderTimeout) != 1 {
		t.Errorf("closed %t, %d timeouts counted; want true and 1", closed, s.count(httpd.HeaderTimeout))
	}
}
