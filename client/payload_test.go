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

// never is no answer, until long after the client has left; patient is how long.
const (
	never   = "never"
	patient = time.Hour
)

// line is a network in a synctest bubble, with a server at the far end of each
// connection. answer gets a request whose body has not been read yet and returns
// what is sent. Then the connection is closed.
type line struct {
	pace   time.Duration // for each 1000 bytes that reach the far end
	answer func(req *http.Request) string

	mu    sync.Mutex
	sizes []int64 // bodies announced, one for each request
}

func (l *line) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go l.serve(far)
			return near, nil
		},
	}}
}

func (l *line) serve(conn net.Conn) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReaderSize(slow{conn, l.pace}, 1000))
	if err != nil {
		return // the client left
	}
	l.mu.Lock()
	l.sizes = append(l.sizes, req.ContentLength)
	l.mu.Unlock()
	said := l.answer(req)
	if said == never {
		time.Sleep(patient)
		return
	}
	_, _ = io.WriteString(conn, said) // the client may have left
}

// slow delivers 1000 bytes in each pace.
type slow struct {
	from net.Conn
	pace time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	n, err := s.from.Read(p[:min(len(p), 1000)])
	time.Sleep(time.Duration(n) * s.pace / 1000)
	return n, err
}

// speaks returns an answer that does not come from the ping endpoint.
func speaks(status int, page string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(page), page)
}

// plainURL needs no TLS, which a line does not support.
const plainURL = "http://overdue.example.org/api/v1/hb/" + anID

const ok = "HTTP/1.1 200 OK\r\nPing-Body-Limit: 100000\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"

// takesAll reads the body before it acknowledges the ping.
func takesAll(req *http.Request) string {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return ""
	}
	return ok
}

// unless returns the given answer to bodies longer than most.
func unless(most int64, answer string) func(*http.Request) string {
	return func(req *http.Request) string {
		if req.ContentLength <= most {
			return takesAll(req)
		}
		if answer != "" {
			_, _ = io.Copy(io.Discard, req.Body) // else the answer may meet a client that still writes
		}
		return answer
	}
}

// huge is a body that is text, with an end that differs.
var huge = []byte(strings.Repeat("é", 49_990) + "the end of the output")[:99_990]

func TestSend_TheSignalArrivesWhateverHappensToItsBody(t *testing.T) {
	whole, short := int64(len(huge)), int64(client.ShortBody)
	for name, c := range map[string]struct {
		far     *line
		sizes   []int64 // requests
		kept    int     // bytes that got through
		because string
	}{
		"nothing objects":                {&line{answer: takesAll}, []int64{whole}, -1, ""},
		"413 for long bodies":            {&line{answer: unless(8000, speaks(413, "too large"))}, []int64{whole, short}, int(short), "413 Request Entity Too Large"},
		"413 for every body":             {&line{answer: unless(0, speaks(413, ""))}, []int64{whole, short, 0}, 0, "413"},
		"a proxy forbids what it reads":  {&line{answer: unless(0, speaks(403, "<html>Blocked by policy"))}, []int64{whole, short, 0}, 0, "403 Forbidden"},
		"a proxy cannot read the type":   {&line{answer: unless(0, speaks(406, "<html>"))}, []int64{whole, short, 0}, 0, "406"},
		"a proxy calls it malformed":     {&line{answer: unless(0, speaks(400, "<html>"))}, []int64{whole, short, 0}, 0, "400"},
		"a firewall answers 200":         {&line{answer: unless(0, speaks(200, "<html>The requested URL was rejected"))}, []int64{whole, short, 0}, 0, "not the \"OK\""},
		"a proxy breaks at the body":     {&line{answer: unless(0, speaks(502, "<html>"))}, []int64{whole, whole, short, short, 0}, 0, "502 Bad Gateway"},
		"reset while the body is sent":   {&line{answer: unless(2000, "")}, []int64{whole, whole, short}, int(short), "closed pipe"},
		"reset for every body":           {&line{answer: unless(0, "")}, []int64{whole, whole, short, short, 0}, 0, "could not be reached"},
		"an uplink of 1 kB each second":  {&line{answer: takesAll, pace: time.Second}, []int64{whole, short}, int(short), "no answer within"},
		"an uplink of 100 B each second": {&line{answer: takesAll, pace: 10 * time.Second}, []int64{whole, short, 0}, 0, "no answer within"},
		"an answer only to empty POSTs":  {&line{answer: unless(0, never)}, []int64{whole, short, 0}, 0, "no answer within"},
	} {
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(2 * patient) // until the far ends have ended
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			began, kept, because := time.Now(), -1, ""
			err := client.Send(ctx, plainURL, client.PingOptions{Body: huge, HTTP: c.far.client(), OnReduced: func(n int, reason error) {
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

func TestSend_TheLastAttemptHasItsShareOfAnyWait(t *testing.T) {
	for _, wait := range []time.Duration{900 * time.Millisecond, 3 * time.Second, 14 * time.Second, 30 * time.Second, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			defer time.Sleep(2 * patient)
			far := &line{answer: func(req *http.Request) string {
				if req.ContentLength > 0 {
					return never
				}
				time.Sleep(wait / 4) // the time left for the last attempt
				return takesAll(req)
			}}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			if err := client.Send(ctx, plainURL, client.PingOptions{Body: huge, HTTP: far.client(), Attempt: wait}); err != nil {
				t.Errorf("wait %v: %v", wait, err)
			}
		})
	}
}

func TestSend_AShortTailIsTheEndOfTheBodyAndStillText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := playing(says(413, ""), says(200, "OK"))
		if err := client.Send(t.Context(), pingURL, client.PingOptions{Body: huge[1:], HTTP: far.client()}); err != nil {
			t.Fatal(err)
		}
		if n := len(far.bodies[1]); n < client.ShortBody-3 || n > client.ShortBody || !strings.HasSuffix(string(huge), far.bodies[1]) {
			t.Errorf("second body has %d bytes; want the last %d", n, client.ShortBody)
		}
		if far.types[1] != "text/plain; charset=utf-8" {
			t.Errorf("second body is sent as %q", far.types[1])
		}
	})
}

func TestSend_WhatThePingEndpointSaysOfTheRequestIsFinal(t *testing.T) {
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"unknown heartbeat": says(404, "no such heartbeat", "Ping-Body-Limit", "100000"),
		"malformed":         says(400, "exit code 300: must be 0 to 255", "Ping-Body-Limit", "100000"),
		"moved":             says(301, "", "Location", "https://elsewhere.example.org/"),
	} {
		far := playing(answer)
		err := client.Send(t.Context(), pingURL, client.PingOptions{Body: huge, HTTP: &http.Client{
			Transport: far, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
		if err == nil || len(far.heard) != 1 {
			t.Errorf("%s: %v after %d attempts; want an error after one", name, err, len(far.heard))
		}
	}
}

func TestSend_AServerThatIsAwayStillGetsTheWholeBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reset := func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
		far := playing(refuses, says(503, "busy", "Ping-Body-Limit", "100000", "Retry-After", "1"), refuses,
			says(503, "busy", "Ping-Body-Limit", "100000"), says(502, "<html>"), reset, says(429, "slow down"), says(200, "OK"))
		reduced := false
		err := client.Send(t.Context(), pingURL, client.PingOptions{Body: huge, HTTP: far.client(), OnReduced: func(int, error) { reduced = true }})
		if err != nil || reduced || far.bodies[len(far.bodies)-1] != string(huge) {
			t.Errorf("%v, reduced: %v; want the whole body at attempt 8", err, reduced)
		}
	})
}

func TestSend_ABodyThatDidNotArriveIsSentShorter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := playing(says(408, "the request's body did not arrive", "Ping-Body-Limit", "100000"), says(200, "OK"))
		began := time.Now()
		err := client.Send(t.Context(), pingURL, client.PingOptions{Body: huge, HTTP: far.client()})
		if err != nil || len(far.bodies) != 2 || len(far.bodies[1]) > client.ShortBody || time.Since(began) != 0 {
			t.Errorf("%v after %v and %d attempts; want a short body at once", err, time.Since(began), len(far.bodies))
		}
	})
}
