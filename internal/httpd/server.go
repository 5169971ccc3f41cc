package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits of one connection. Who reads a body bounds how long that takes.
const (
	longestHeaderRead = 5 * time.Second
	longestIdle       = 120 * time.Second
	longestAnswer     = 120 * time.Second // from the end of the header; streams lift it
	biggestHeader     = 16 << 10
)

// Server returns a server for the handler, with limits that a slow or hostile
// client cannot pass.
func Server(handler http.Handler, log *slog.Logger) *http.Server {
	// HTTP/2 also without TLS, for proxies and clients that speak it so.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: longestHeaderRead,
		IdleTimeout:       longestIdle,
		WriteTimeout:      longestAnswer,
		MaxHeaderBytes:    biggestHeader,
		// What net/http says is about single connections that misbehave.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Serve answers on the listener until ctx ends. Then it takes no more
// connections, and waits up to patience for the requests in progress.
func Serve(ctx context.Context, s *http.Server, l net.Listener, patience time.Duration) error {
	var stopping atomic.Bool
	s.Handler = closing(s.Handler, &stopping)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	// Shutdown drops what lies in a socket unread, though it was sent before the
	// stop: on a connection at rest, or on one that is not accepted yet.
	stopping.Store(true)
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-time.After(lingering):
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := s.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		// Those left are live pages, which reconnect.
		err = s.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("stop serving on %s: %w", l.Addr(), err)
	}
	return nil
}

// lingering is for how long a server that stops still takes requests.
const lingering = 500 * time.Millisecond

// closing asks clients for a new connection once the server stops: the next
// server gets it.
func closing(next http.Handler, stopping *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// APIHeaders puts on every answer of next what keeps browsers from doing more
// with it than showing it: answers of the API hold what strangers sent.
func APIHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
