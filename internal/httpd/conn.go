package httpd

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection that knows whether it has a complete request in progress.
// Without one, it can be closed without loss.
type conn struct {
	net.Conn
	registry *connRegistry
	client   *clientConns

	waitingSince     atomic.Int64 // when it started to wait for a request, in ns since 1970
	completeRequests atomic.Int32 // complete requests that are being answered
	hadRequest       atomic.Bool  // it had at least one request
	serving          atomic.Bool  // HTTP/1: a request is being handled or answered
	received         atomic.Bool  // HTTP/1: part of a request header has arrived
	http2            atomic.Bool
	writers          atomic.Int32 // writes in progress
	lastWrite        atomic.Int64 // start of the last write, in ns since 1970

	exchange   *plainExchange // nil until its first plain request
	clientText string         // see ClientText
}

// How long a write may block before the connection counts as waiting.
const (
	stalledWriteTimeout = 10 * time.Second
	stalledWriteAtStop  = time.Second
)

// isWaiting reports whether the connection waits for its client: for a request, for
// the rest of one, or for the client to read the response.
func (c *conn) isWaiting(now time.Time, stalled time.Duration) bool {
	whole := c.completeRequests.Load()
	return whole == 0 || c.writers.Load() >= whole && now.UnixNano()-c.lastWrite.Load() > int64(stalled)
}

// markIdle records that the connection waits for its next request.
func (c *conn) markIdle() {
	c.received.Store(false)
	c.serving.Store(false)
	c.completeRequests.Store(0)
	c.waitingSince.Store(time.Now().UnixNano())
}

// Read reads for net/http. It answers plain requests itself, see plainServer, and returns
// the first bytes that are not one.
func (c *conn) Read(b []byte) (int, error) {
	for {
		plain := c.mayBePlain(len(b))
		n, err := c.read(b)
		if !plain || err != nil {
			return n, err
		}
		answered, err := c.answerPlain(b[:n])
		if err != nil {
			return 0, err
		}
		if !answered {
			return n, nil
		}
	}
}

// read counts headers that did not arrive in time. net/http closes such a
// connection without a log line.
func (c *conn) read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.serving.Load() || c.http2.Load() {
		return n, err
	}
	if n > 0 {
		c.received.Store(true)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && c.received.CompareAndSwap(true, false) {
		c.registry.rejections.Add(HeaderTimeout, c.client.network.String())
	}
	return n, err
}

// http1StatusLine is the start of a response in HTTP/1.
var http1StatusLine = []byte("HTTP/1.1 ")

// Write counts the responses of net/http to requests that it cannot parse.
func (c *conn) Write(b []byte) (int, error) {
	if c.http2.Load() {
		return c.Conn.Write(b)
	}
	if !c.serving.Load() && bytes.HasPrefix(b, http1StatusLine) {
		c.registry.rejections.Add(MalformedRequest, c.client.network.String())
	}
	c.beginWrite()
	defer c.endWrite()
	return c.Conn.Write(b)
}

// beginWrite and endWrite surround each write of a response, which blocks if
// the client does not read.
func (c *conn) beginWrite() {
	c.lastWrite.Store(time.Now().UnixNano())
	c.writers.Add(1)
}

func (c *conn) endWrite() { c.writers.Add(-1) }

// CloseWrite allows net/http to send a last response before it closes the connection.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection and removes it from the register.
func (c *conn) Close() error {
	c.registry.removeClosed(c)
	return c.Conn.Close()
}

// connKey is the context key of the connection of a request.
type connKey struct{}

// withConn adds the connection to the context.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// stateChanged is the ConnState hook of net/http. HTTP/2 connections are tracked by
// their requests.
func stateChanged(nc net.Conn, state http.ConnState) {
	if c, ours := nc.(*conn); ours && state == http.StateIdle && !c.http2.Load() {
		c.markIdle()
		if c.exchange != nil {
			c.exchange.written = time.Time{} // net/http has removed the deadline of writes
		}
	}
}

// listener returns connections within the limits.
type listener struct {
	net.Listener
	registry *connRegistry
	stopped  atomic.Bool
	once     sync.Once
	closed   chan struct{}
	drained  chan struct{} // closed when every accepted connection is registered
}

// newListener applies the limits to a listener.
func newListener(l net.Listener, table *connRegistry) *listener {
	return &listener{Listener: l, registry: table, closed: make(chan struct{}), drained: make(chan struct{})}
}

// Accept returns the next connection that may be served.
func (l *listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		switch {
		case err != nil && l.stopped.Load():
			close(l.drained)
			<-l.closed // until then the server serves the accepted connections
			return nil, net.ErrClosed
		case err != nil:
			if !errors.Is(err, net.ErrClosed) {
				l.registry.acceptFailed()
			}
			return nil, err
		}
		if c := l.registry.admit(accepted); c != nil {
			return c, nil
		}
	}
}

// stopAccepting closes the socket, but not the listener: the server continues
// with the accepted connections, which are all registered afterwards.
func (l *listener) stopAccepting() error {
	l.stopped.Store(true)
	err := l.Listener.Close()
	select {
	case <-l.drained:
	case <-time.After(maxAcceptDelay):
	}
	return err
}

// maxAcceptDelay is the longest pause of net/http after an error of Accept.
const maxAcceptDelay = time.Second

// Close ends the listener.
func (l *listener) Close() error {
	defer l.once.Do(func() { close(l.closed) })
	if l.stopped.Load() {
		return nil
	}
	return l.Listener.Close()
}
