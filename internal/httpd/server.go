package httpd

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Timeouts and sizes of one connection. They apply to every request. Handlers that
// need more, such as a long ping body or a live page, extend them.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 15 * time.Second // for the header and the body
	idleTimeout    = 120 * time.Second
	answerTimeout  = 120 * time.Second // from the end of the header
	maxHeader      = 16 << 10

	// An HTTP/2 client that sends nothing gets a ping frame.
	http2PingAfter   = 10 * time.Second
	http2PingTimeout = 10 * time.Second
	// Unread body data of one HTTP/2 connection, in bytes.
	http2MaxUnreadBytes = 256 << 10
)

// Options configure a server.
type Options struct {
	Handler    http.Handler
	Log        *slog.Logger
	Rejections *Rejections
	Limits     Limits
	// StopTimeout is how long a stop waits for complete requests to be answered.
	StopTimeout time.Duration
	// Inherited is true if another process also holds the socket. The next server
	// then accepts the connections that wait in it.
	Inherited bool
}

// server returns the server with limits against slow and hostile clients.
func (o Options) server(stopping *atomic.Bool) *http.Server {
	// HTTP/2 without TLS is enabled for proxies that use it.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           trackRequests(closeConnections(o.Handler, stopping)),
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      answerTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: http2PingAfter, PingTimeout: http2PingTimeout,
			MaxReceiveBufferPerConnection: http2MaxUnreadBytes, MaxReceiveBufferPerStream: http2MaxUnreadBytes,
		},
		ConnContext: withConn,
		ConnState:   stateChanged,
		ErrorLog:    log.New(errorLog{o.Log, o.Rejections}, "", 0),
	}
}

// How a server stops.
const (
	// acceptDuration is how long a stopping server still accepts connections.
	acceptDuration = 500 * time.Millisecond
	// firstRequestTimeout is how long accepted connections may then still send their
	// first request.
	firstRequestTimeout = 500 * time.Millisecond
	// incompleteTimeout is how long after the start of the stop incomplete requests
	// are closed.
	incompleteTimeout = 2 * time.Second
)

// Serve serves the listener until ctx ends. Then it stops accepting connections
// and answers every complete request, for at most StopTimeout. Incomplete
// requests are closed after two seconds.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	var stopping atomic.Bool
	table := newConnRegistry(o.Limits, o.Rejections)
	s, accepting := o.server(&stopping), newListener(l, table)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(accepting) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	began := time.Now()
	stopping.Store(true)
	if !o.Inherited {
		// Connections that wait in the socket are lost when it is closed.
		waitWhile(acceptDuration, func() bool { return true })
	}
	err := accepting.stopAccepting()
	// Shutdown drops data that has arrived and was not read yet.
	waitWhile(firstRequestTimeout, table.anyWithoutRequest)
	err = errors.Join(err, shutDown(s, table, began, o.StopTimeout))
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("stop serving on %s: %w", l.Addr(), err)
	}
	return nil
}

// shutDown waits for the requests that are being answered. Two seconds after
// the start of the stop it closes incomplete requests: they must not delay the
// next server.
func shutDown(s *http.Server, table *connRegistry, began time.Time, patience time.Duration) error {
	ctx, cancel := context.WithDeadline(context.Background(), began.Add(patience))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	tick := time.NewTicker(acceptDuration / 10)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if errors.Is(err, context.DeadlineExceeded) {
				err = s.Close()
			}
			return err
		case <-tick.C:
			if time.Since(began) >= incompleteTimeout {
				table.closeWaiting()
			}
		}
	}
}

// waitWhile waits for a duration, or until the condition is false. It waits in short
// steps and counts them: on a starved machine a step takes longer, and other
// goroutines still get their turns.
func waitWhile(d time.Duration, condition func() bool) {
	const step = 10 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for range d / step {
		if !condition() {
			return
		}
		<-tick.C
	}
}

// closeConnections tells clients of a stopping server to open a new connection,
// which the next server accepts.
func closeConnections(next http.Handler, stopping *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// APIHeaders adds headers that prevent browsers from interpreting responses of
// the API, which contain data of clients.
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
