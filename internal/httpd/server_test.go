package httpd_test

import (
	"cmp"
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"overdue/internal/httpd"
)

// discardRejections discards the counts of rejections.
func discardRejections() *httpd.Rejections {
	return httpd.NewRejections(slog.New(slog.DiscardHandler), func(httpd.Reason) {})
}

func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait for a timeout, so more of them run than there are processors.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// runningServer is a server on a loopback address, with its counted rejections.
type runningServer struct {
	t       *testing.T
	address string
	stop    context.CancelFunc
	ended   <-chan error

	mu       sync.Mutex
	rejected map[httpd.Reason]int
}

// startServer starts a server with the given options, and the defaults that tests need.
func startServer(t *testing.T, o httpd.Options) *runningServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &runningServer{t: t, address: l.Addr().String(), rejected: map[httpd.Reason]int{}}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Rejections = httpd.NewRejections(o.Log, func(r httpd.Reason) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rejected[r]++
	})
	o.StopTimeout = cmp.Or(o.StopTimeout, time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpd.Serve(ctx, l, o) }()
	s.stop, s.ended = stop, ended
	t.Cleanup(stop)
	return s
}

// expectStop fails the test with a stack dump if the server does not stop in time.
func (s *runningServer) expectStop(otherwise string) {
	s.t.Helper()
	s.stop()
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Error(err)
		}
	case <-time.After(30 * time.Second): // half of the patience
		s.t.Error(otherwise)
	}
}

// url is the address of the server.
func (s *runningServer) url() string { return "http://" + s.address }

// count returns the number of rejections for a reason.
func (s *runningServer) count(r httpd.Reason) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejected[r]
}

// dial opens a connection from a loopback address and sends something.
func (s *runningServer) dial(from, text string) net.Conn {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() }) // most are closed by then
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// readUntilClosed reports whether the server closes a connection within a time, and what
// it sent before.
func readUntilClosed(t *testing.T, c net.Conn, within time.Duration) (sent string, ended bool) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	timeout, isTimeout := err.(net.Error)
	return string(b), !isTimeout || !timeout.Timeout()
}

func TestServe_AStopWaitsForRequestsInProgress(t *testing.T) {
	t.Parallel()
	began, finish := make(chan bool), make(chan bool)
	s := startServer(t, httpd.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-finish
		_, _ = io.WriteString(w, "done") // the client reads it
	})})
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(s.url())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body) // an incomplete body fails the comparison below
		answer <- string(body)
	}()
	<-began
	s.stop()
	select {
	case err := <-s.ended:
		t.Fatalf("stopped before the request was answered: %v", err)
	case <-time.After(3 * time.Second): // longer than requests that are not complete get
	}
	close(finish)
	if got := <-answer; got != "done" {
		t.Errorf("answered %q", got)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.url()); err == nil {
		t.Error("still answers")
	}
}

func TestServe_AStopEndsAtItsTimeout(t *testing.T) {
	began := make(chan bool)
	s := startServer(t, httpd.Options{StopTimeout: 20 * time.Millisecond, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done() // a live page
	})})
	go func() {
		if resp, err := http.Get(s.url()); err == nil {
			_ = resp.Body.Close() // it was cut off, as expected
		}
	}()
	<-began
	s.expectStop("waits for a page that never ends")
}

// Each of these once kept a stop waiting for 20 seconds.
func TestServe_AStopDoesNotWaitForIncompleteRequests(t *testing.T) {
	t.Parallel()
	part := make([]byte, 64<<10)
	s := startServer(t, httpd.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body) // its body is never complete
		for err == nil {
			_, err = w.Write(part) // and this is not read
		}
	})})
	for _, text := range []string{
		"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	} {
		for range 20 {
			s.dial("127.0.0.1", text)
		}
	}
	s.expectStop("waits for requests that are not complete, or for clients that do not read")
}

// The next server uses the same inherited socket and accepts the waiting connections.
func TestServe_AStopAnswersEveryConnectionThatItAccepted(t *testing.T) {
	t.Parallel()
	for _, inherited := range []bool{false, true} {
		var report httpd.StopReport
		s := startServer(t, httpd.Options{Inherited: inherited, Report: &report, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "OK") // the client reads it
		})})
		var accepted []net.Conn
		for n := range 20 {
			accepted = append(accepted, s.dial("127.0.0.1", "GET"[:n%4]))
		}
		// The server accepts in order, so it has accepted all of those before.
		if resp, err := http.Get(s.url()); err != nil {
			t.Fatal(err)
		} else if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		s.stop()
		<-time.After(1200 * time.Millisecond) // as long as a client waits that sends a lost packet again
		for n, c := range accepted {
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"[n%4:]); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range accepted {
			if sent, _ := readUntilClosed(t, c, 10*time.Second); len(sent) < 15 || sent[:15] != "HTTP/1.1 200 OK" {
				t.Errorf("answer %q to a request that came just after the stop began (inherited: %t)", sent, inherited)
			}
		}
		if err := <-s.ended; err != nil || report.Dropped > 0 {
			t.Errorf("%v, %d connections dropped", err, report.Dropped)
		}
	}
}

// Browsers open connections before they need them, and keep used ones.
func TestServe_AStopWaitsOnlyBrieflyForConnectionsThatSendNothing(t *testing.T) {
	t.Parallel()
	var report httpd.StopReport
	s := startServer(t, httpd.Options{Inherited: true, Report: &report, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	s.dial("127.0.0.1", "")
	s.dial("127.0.0.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-time.After(2100 * time.Millisecond) // longer than a client needs to send a lost packet again
	began := time.Now()
	s.expectStop("waits for idle connections")
	if took := time.Since(began); took > 1500*time.Millisecond || report.Dropped > 0 {
		t.Errorf("stopped after %s, %d connections dropped", took, report.Dropped)
	}
}

func TestServe_AStopReportsDroppedConnections(t *testing.T) {
	t.Parallel()
	var report httpd.StopReport
	s := startServer(t, httpd.Options{Inherited: true, Report: &report, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	s.dial("127.0.0.1", "GET / HT")
	if resp, err := http.Get(s.url()); err != nil { // the server accepts in order
		t.Fatal(err)
	} else if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	s.expectStop("waits for an incomplete request")
	if report.Dropped != 1 || report.StoppedAccepting.Before(before) {
		t.Errorf("report %+v", report)
	}
}

func TestServe_AListenerThatFailsIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	err = httpd.Serve(t.Context(), l, httpd.Options{Handler: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler), Rejections: discardRejections()})
	if err == nil {
		t.Error("no error")
	}
}
