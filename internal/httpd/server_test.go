package httpd_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"overdue/internal/httpd"
)

// serving starts a server, and returns its address, how to stop it, and how it ended.
func serving(t *testing.T, h http.HandlerFunc, patience time.Duration) (string, context.CancelFunc, <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpd.Serve(ctx, httpd.Server(h, slog.New(slog.DiscardHandler)), l, patience) }()
	return "http://" + l.Addr().String(), stop, ended
}

func TestStoppingWaitsForRequestsInProgress(t *testing.T) {
	began, finish := make(chan bool), make(chan bool)
	url, stop, ended := serving(t, func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-finish
		_, _ = io.WriteString(w, "done") // the client reads it
	}, time.Minute)
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body) // a short one fails below
		answer <- string(body)
	}()
	<-began
	stop()
	select {
	case err := <-ended:
		t.Fatalf("stopped before the request was answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	if got := <-answer; got != "done" {
		t.Errorf("answered %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("still answers")
	}
}

func TestStoppingDoesNotWaitForEver(t *testing.T) {
	began := make(chan bool)
	url, stop, ended := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done() // a live page
	}, 20*time.Millisecond)
	go func() {
		if resp, err := http.Get(url); err == nil {
			_ = resp.Body.Close() // it broke off, as it should
		}
	}()
	<-began
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("waits for a page that never ends")
	}
}

func TestAListenerThatFailsIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := httpd.Serve(t.Context(), httpd.Server(http.NotFoundHandler(), slog.New(slog.DiscardHandler)), l, time.Second); err == nil {
		t.Error("no error")
	}
}
