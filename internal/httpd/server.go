package httpd

import (
	"log"
	"log/slog"
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
	// StopTimeout is the maximum time that a stop waits until complete requests are answered.
	StopTimeout time.Duration
	// Inherited is true if another process also holds the socket. The next server
	// then accepts the connections that wait in it.
	Inherited bool
	// Restarting reports whether this process is about to run the next server, which
	// gets the same socket. It can be nil.
	Restarting func() bool
	// Report is filled when the server has stopped. It can be nil.
	Report *StopReport
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
