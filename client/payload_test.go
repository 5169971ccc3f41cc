package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"overdue/client"
)

// never is a server that does not answer until the client has timed out; patient is its timeout.
const (
	noAnswer    = "never"
	hourTimeout = time.Hour
)

// limitedServer simulates a network in a synctest bubble with a server at the end of each
// connection. answer gets a request whose body has not been read yet and returns
// what is sent. Then the connection is closed.
type limitedServer struct {
	pace   time.Duration // for each 1000 bytes that reach the server
	answer func(req *http.Request) string

	mu    sync.Mutex
	sizes []int64 // bodies announced, one for each request
}

func (l *limitedServer) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go l.serve(far)
			return near, nil
		},
	}}
}

func (l *limitedServer) serve(conn net.Conn) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReaderSize(slowReader{conn, l.pace}, 1000))
	if err != nil {
		return // the client left
	}
	l.mu.Lock()
	l.sizes = append(l.sizes, req.ContentLength)
	l.mu.Unlock()
	said := l.answer(req)
	if said == noAnswer {
		time.Sleep(hourTimeout)
		return
	}
	_, _ = io.WriteString(conn, said) // the client may have disconnected
}

// slowReader delivers 1000 bytes in each pace.
type slowReader struct {
	from net.Conn
	pace time.Duration
}

func (s slowReader) Read(p []byte) (int, error) {
	n, err := s.from.Read(p[:min(len(p), 1000)])
	time.Sleep(time.Duration(n) * s.pace / 1000)
	return n, err
}

// respondWith returns an answer that does not come from the ping endpoint.
func respondWith(status int, page string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(page), page)
}

// plainURL needs no TLS, which a line does not support.
const plainURL = "http://overdue.example.org/api/v1/hb/" + testID

const ok = "HTTP/1.1 200 OK\r\nPing-Body-Limit: 100000\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"

// acceptAll reads the body before it acknowledges the ping.
func acceptAll(req *http.Request) string {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return ""
	}
	return ok
}

// rejectLongerThan returns the given answer to bodies of more than limit bytes.
func rejectLongerThan(limit int64, answer string) func(*http.Request) string {
	return func(req *http.Request) string {
		if req.ContentLength <= limit {
			return acceptAll(req)
		}
		if answer != "" {
			_, _ = io.Copy(io.Discard, req.Body) // else the answer may meet a client that still writes
		}
		return answer
	}
}

// hugeBody is a body that is text, with an end that differs.
var hugeBody = []byte(strings.Repeat("é", 49_990) + "the end of the output")[:99_990]

func TestSend_TheSignalArrivesIfTheBodyDoesNot(t *testing.T) {
	whole, short := int64(len(hugeBody)), int64(client.ReducedBodySize)
	for name, c := range map[string]struct {
		far     *limitedServer
		sizes   []int64 // requests
		kept    int     // bytes that got through
		because string
	}{
		"nothing objects":                {&limitedServer{answer: acceptAll}, []int64{whole}, -1, ""},
		"413 for long bodies":            {&limitedServer{answer: rejectLongerThan(8000, respondWith(413, "too large"))}, []int64{whole, short}, int(short), "413 Request Entity Too Large"},
		"413 for every body":             {&limitedServer{answer: rejectLongerThan(0, respondWith(413, ""))}, []int64{whole, short, 0}, 0, "413"},
		"a proxy forbids what it reads":  {&limitedServer{answer: rejectLongerThan(0, respondWith(403, "<html>Blocked by policy"))}, []int64{whole, short, 0}, 0, "403 Forbidden"},
		"a proxy cannot read the type":   {&limitedServer{answer: rejectLongerThan(0, respondWith(406, "<html>"))}, []int64{whole, short, 0}, 0, "406"},
		"a proxy calls it malformed":     {&limitedServer{answer: rejectLongerThan(0, respondWith(400, "<html>"))}, []int64{whole, short, 0}, 0, "400"},
		"a firewall answers 200":         {&limitedServer{answer: rejectLongerThan(0, respondWith(200, "<html>The requested URL was rejected"))}, []int64{whole, short, 0}, 0, "without the \"OK\""},
		"a proxy breaks at the body":     {&limitedServer{answer: rejectLongerThan(0, respondWith(502, "<html>"))}, []int64{whole, whole, short, short, 0}, 0, "502 Bad Gateway"},
		"reset while the body is sent":   {&limitedServer{answer: rejectLongerThan(2000, "")}, []int64{whole, whole, short}, int(short), "closed pipe"},
		"reset for every body":           {&limitedServer{answer: rejectLongerThan(0, "")}, []int64{whole, whole, short, short, 0}, 0, "could not be reached"},
		"an uplink of 1 kB each second":  {&limitedServer{answer: acceptAll, pace: time.Second}, []int64{whole, short}, int(short), "no answer within"},
		"an uplink of 100 B each second": {&limitedServer{answer: acceptAll, pace: 10 * time.Second}, []int64{whole, short, 0}, 0, "no answer within"},
		"an answer only to empty POSTs":  {&limitedServer{answer: rejectLongerThan(0, noAnswer)}, []int64{whole, short, 0}, 0, "no answer within"},
	} {
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(2 * hourTimeout) // until the servers have ended
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			began, kept, because := time.Now(), -1, ""
			err := client.Send(ctx, plainURL, client.PingOptions{Body: hugeBody, HTTP: c.far.client(), OnReduced: func(n int, reason error) {
				kept, because = n, reason.Error()
			}})
			c.far.mu.Lock()
			defer c.far.mu.Unlock()
			if err != nil || !slices.Equal(c.far.sizes, c.sizes) || time.Since(began) > 30*time.Second {
				t.Errorf("%s: %v after %v and bodies of %d bytes; want %d", name, err, time.Since(began), c.far.sizes, c.sizes)
			}
			if kept != c.kept || !strings.Contains(because, c.because) {
				t.Errorf("%s: OnReduced got %d bytes because of %q; want %d, %q", name, kept, because, c.kept, c.because)
			}
		})
	}
}

func TestSend_TheLastAttemptHasTimeLeft(t *testing.T) {
	for _, wait := range []time.Duration{900 * time.Millisecond, 3 * time.Second, 14 * time.Second, 30 * time.Second, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(2 * hourTimeout)
			far := &limitedServer{answer: func(req *http.Request) string {
				if req.ContentLength > 0 {
					return noAnswer
				}
				time.Sleep(wait / 4) // the time left for the last attempt
				return acceptAll(req)
			}}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			if err := client.Send(ctx, plainURL, client.PingOptions{Body: hugeBody, HTTP: far.client(), AttemptTimeout: wait}); err != nil {
				t.Errorf("wait %v: %v", wait, err)
			}
		})
	}
}

func TestTail_IsTheEndOfTheBodyAndStillText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakeServer(answers200(413, ""), answers200(200, "OK"))
		if err := client.Send(t.Context(), pingURL, client.PingOptions{Body: hugeBody[1:], HTTP: far.client()}); err != nil {
			t.Fatal(err)
		}
		if n := len(far.bodies[1]); n < client.ReducedBodySize-3 || n > client.ReducedBodySize || !strings.HasSuffix(string(hugeBody), far.bodies[1]) {
			t.Errorf("second body has %d bytes; want the last %d", n, client.ReducedBodySize)
		}
		if far.types[1] != "text/plain; charset=utf-8" {
			t.Errorf("second body is sent as %q", far.types[1])
		}
	})
}

func TestSend_ARejectionByThePingEndpointIsFinal(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"unknown heartbeat": answers200(404, "no such heartbeat", "Ping-Body-Limit", "100000"),
		"malformed":         answers200(400, "exit code 300: must be 0 to 255", "Ping-Body-Limit", "100000"),
		"moved":             answers200(301, "", "Location", "https://elsewhere.example.org/"),
	} {
		far := newFakeServer(answer)
		err := client.Send(t.Context(), pingURL, client.PingOptions{Body: hugeBody, HTTP: &http.Client{
			Transport: far, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
		if err == nil || len(far.heard) != 1 {
			t.Errorf("%s: %v after %d attempts; want an error after one", name, err, len(far.heard))
		}
	}
}

func TestSend_AnUnavailableServerStillGetsTheWholeBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reset := func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
		far := newFakeServer(rejectsWith, answers200(503, "busy", "Ping-Body-Limit", "100000", "Retry-After", "1"), rejectsWith,
			answers200(503, "busy", "Ping-Body-Limit", "100000"), answers200(502, "<html>"), reset, answers200(429, "slow down"), answers200(200, "OK"))
		reduced := false
		err := client.Send(t.Context(), pingURL, client.PingOptions{Body: hugeBody, HTTP: far.client(), OnReduced: func(int, error) { reduced = true }})
		if err != nil || reduced || far.bodies[len(far.bodies)-1] != string(hugeBody) {
			t.Errorf("%v, reduced: %v; want the whole body at attempt 8", err, reduced)
		}
	})
}

func TestSend_ABodyThatDoesNotArriveIsShortened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newFakeServer(answers200(408, "the request's body did not arrive", "Ping-Body-Limit", "100000"), answers200(200, "OK"))
		began := time.Now()
		err := client.Send(t.Context(), pingURL, client.PingOptions{Body: hugeBody, HTTP: far.client()})
		if err != nil || len(far.bodies) != 2 || len(far.bodies[1]) > client.ReducedBodySize || time.Since(began) != 0 {
			t.Errorf("%v after %v and %d attempts; want a short body at once", err, time.Since(began), len(far.bodies))
		}
	})
}
