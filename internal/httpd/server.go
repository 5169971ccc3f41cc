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

	// An HTTP/2 client that sends nothing is asked for a sign of life.
	http2PingAfter   = 10 * time.Second
	http2PingTimeout = 10 * time.Second
	// The bodies of one HTTP/2 connection that no handler has read yet.
	http2MaxUnreadBytes = 256 << 10
)

// Options are what a server serves, and within which limits.
type Options struct {
	Handler    http.Handler
	Log        *slog.Logger
	Rejections *Rejections
	Limits     Limits
	// StopTimeout is how long a stop waits for whole requests to be answered.
	StopTimeout time.Duration
	// Inherited means that another process also holds the socket: the next server
	// accepts the connections that wait in it.
	Inherited bool
}

// server returns the server, with limits against slow and hostile clients.
func (o Options) server(stopping *atomic.Bool) *http.Server {
	// HTTP/2 also without TLS, for proxies and clients that speak it so.
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
	// acceptDuration is for how long it still accepts connections.
	acceptDuration = 500 * time.Millisecond
	// firstRequestTimeout is for how long the connections that it has accepted may then
	// still send their first request.
	firstRequestTimeout = 500 * time.Millisecond
	// incompleteTimeout is how long after the signal it closes the connections whose
	// request is not complete.
	incompleteTimeout = 2 * time.Second
)

// Serve answers on the listener until ctx ends. Then it accepts no more
// connections, answers every request that was completely sent, and waits for
// that up to the patience. Requests that are not complete get two seconds.
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
		// A connection that waits in the socket is lost when that is closed.
		sleep(acceptDuration)
	}
	err := accepting.stopAccepting()
	// Shutdown drops data that a connection has sent and that was not read yet.
	for table.anyWithoutRequest() && time.Since(began) < acceptDuration+firstRequestTimeout {
		sleep(acceptDuration / 50)
	}
	err = errors.Join(err, shutDown(s, table, began, o.StopTimeout))
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("stop serving on %s: %w", l.Addr(), err)
	}
	return nil
}

// shutDown waits for the requests that are being answered. Those that are not
// complete two seconds after the stop began never will be, as far as anyone
// knows: they must not keep the next server waiting.
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

// sleep waits.
func sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// closeConnections asks clients for a new connection once the server stops: the next
// server gets it.
func closeConnections(next http.Handler, stopping *atomic.Bool) http.Handler {
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
