package httpd_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/httpd"
)

// okHandler answers at once.
var okHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the body may be incomplete
	_, _ = io.WriteString(w, "OK")     // the client may have closed the connection
})

// completeRequest is a complete request.
const completeRequest = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// answered reports whether a request from an address is answered 200.
func (s *runningServer) answered(from string) bool {
	s.t.Helper()
	sent, _ := readUntilClosed(s.t, s.dial(from, completeRequest), 5*time.Second)
	return strings.HasPrefix(sent, "HTTP/1.1 200 OK")
}

// heldOpen are requests that hold a connection open and are never complete.
var heldOpen = []string{"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"}

func TestLimits_AnAddressThatHoldsConnectionsOpenLosesItsOldest(t *testing.T) {
	t.Parallel()
	s := startServer(t, httpd.Options{Handler: okHandler, Limits: httpd.Limits{PerAddress: 10, Total: 1000}})
	var held []net.Conn
	for n := range 25 {
		held = append(held, s.dial("127.0.0.2", heldOpen[n%len(heldOpen)]))
	}
	for n, c := range held[:15] {
		if _, ended := readUntilClosed(t, c, 2*time.Second); !ended {
			t.Errorf("connection %d of 25 is open; at most 10 may be", n)
		}
	}
	if !s.answered("127.0.0.2") {
		t.Error("a whole request from the same address is not answered")
	}
	if n := s.count(httpd.TooManyFromAddress); n != 16 {
		t.Errorf("counted %d connections; want 16", n)
	}
}

func TestLimits_ARequestInProgressIsNotClosedForAnother(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	s := startServer(t, httpd.Options{Limits: httpd.Limits{PerAddress: 5, Total: 1000}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // it is whole
		<-release
		_, _ = io.WriteString(w, "OK") // the client reads it
	})})
	var busy []net.Conn
	for range 5 {
		busy = append(busy, s.dial("127.0.0.2", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"))
	}
	// A sixth is rejected because all handlers are running: no connection can be closed.
	for {
		if sent, ended := readUntilClosed(t, s.dial("127.0.0.2", completeRequest), 100*time.Millisecond); ended && sent == "" {
			break
		}
	}
	close(release)
	answers := 0
	for _, c := range busy {
		if sent, _ := readUntilClosed(t, c, 5*time.Second); strings.HasSuffix(sent, "OK") {
			answers++
		}
	}
	if answers == 0 {
		t.Error("no request in progress was answered")
	}
}

func TestLimits_OneAddressDoesNotTakeThePlaceOfOthers(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]httpd.Limits{
		"of each address": {PerAddress: 20, Total: 1000},
		"in total":        {Total: 40},
	} {
		s := startServer(t, httpd.Options{Handler: okHandler, Limits: limits})
		mine := s.dial("127.0.0.3", "GET / HTTP/1.1\r\nHost: x\r\n") // slow, but honest
		for n := range 200 {
			s.dial("127.0.0.2", heldOpen[n%len(heldOpen)])
		}
		for range 20 {
			if !s.answered("127.0.0.3") || !s.answered("127.0.0.1") {
				t.Fatalf("limit %s: a request from another address is not answered", name)
			}
		}
		if _, err := io.WriteString(mine, "Connection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if sent, _ := readUntilClosed(t, mine, 5*time.Second); !strings.HasPrefix(sent, "HTTP/1.1 200 OK") {
			t.Errorf("limit %s: a slow request from another address was closed, answer %q", name, sent)
		}
	}
}

func TestLimits_AnExemptAddressHasNoLimitOfItsOwn(t *testing.T) {
	t.Parallel()
	s := startServer(t, httpd.Options{Handler: okHandler, Limits: httpd.Limits{PerAddress: 5, Total: 1000, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.4/32")}}})
	var held []net.Conn
	for range 50 {
		held = append(held, s.dial("127.0.0.4", ""))
	}
	if !s.answered("127.0.0.4") || s.count(httpd.TooManyFromAddress) != 0 {
		t.Error("the limit applies to an exempt address")
	}
	for _, c := range held {
		if _, err := io.WriteString(c, completeRequest); err != nil {
			t.Fatal(err)
		}
		if sent, _ := readUntilClosed(t, c, 5*time.Second); !strings.HasPrefix(sent, "HTTP/1.1 200 OK") {
			t.Fatalf("answer %q", sent)
		}
	}
}

// Behind a proxy every client shares its address.
func TestLimits_ConnectionsAreReservedForExemptAddresses(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	s := startServer(t, httpd.Options{
		Limits: httpd.Limits{Total: 16, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-release
			}
			_, _ = io.WriteString(w, "OK") // the client reads it
		}),
	})
	for range 50 { // unauthenticated clients whose requests are all in progress
		s.dial("127.0.0.2", "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	if !s.answered("127.0.0.1") {
		t.Error("idle connections use all places")
	}
	close(release)
}

func TestRejections_EveryKindOfClosedConnectionIsCounted(t *testing.T) {
	t.Parallel()
	s := startServer(t, httpd.Options{Handler: okHandler})
	cases := map[httpd.Reason]string{
		httpd.HeaderTimeout:    "GET / HTTP/1.1\r\nHost:",
		httpd.MalformedRequest: "HELO example.org\r\n\r\n",
		httpd.BodyTimeout:      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
	}
	held := map[httpd.Reason]net.Conn{"": s.dial("127.0.0.1", "")} // a browser that connects ahead: nothing is wrong with it
	for reason, text := range cases {
		held[reason] = s.dial("127.0.0.1", text)
	}
	for reason, c := range held {
		if _, ended := readUntilClosed(t, c, 30*time.Second); !ended {
			t.Errorf("%s: still open", reason)
		}
	}
	for _, reason := range httpd.Reasons() {
		want := 0
		if cases[reason] != "" {
			want = 1
		}
		if n := s.count(reason); n != want {
			t.Errorf("%s: counted %d, want %d", reason, n, want)
		}
	}
}

func TestRejections_TheLogHasOneLineAMinuteForEachReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		counted := 0
		r := httpd.NewRejections(slog.New(slog.NewTextHandler(&log, nil)), func(httpd.Reason) { counted++ })
		lines := func() (n int) {
			n = strings.Count(log.String(), "level=WARN msg=\"requests rejected\"")
			return n
		}
		for range 1000 {
			r.Add(httpd.AcceptError, "too many open files")
			r.Add(httpd.BodyTimeout, "192.0.2.1")
		}
		if lines() != 2 || counted != 2000 {
			t.Errorf("%d lines, %d counted; want 2, 2000", lines(), counted)
		}
		rest, err := r.Flush(context.Background(), time.Now())
		if err != nil || lines() != 2 {
			t.Errorf("%d lines within the minute, %v; want 2", lines(), err)
		}
		time.Sleep(rest)
		log.Reset()
		if _, err := r.Flush(context.Background(), time.Now()); err != nil || lines() != 2 || strings.Count(log.String(), "count=999") != 2 {
			t.Errorf("after a minute the log has %q, %v; want what came since, counted", log.String(), err)
		}
		time.Sleep(rest)
		log.Reset()
		if _, err := r.Flush(context.Background(), time.Now()); err != nil || lines() != 0 {
			t.Errorf("nothing happened, and the log has %q, %v", log.String(), err)
		}
	})
}
