package httpd

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// trackRequests records the progress of each request on its connection. It is the
// outermost middleware.
func trackRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, known := r.Context().Value(connKey{}).(*conn)
		if !known {
			next.ServeHTTP(w, r)
			return
		}
		c.hadRequest.Store(true)
		c.serving.Store(true)
		b := &trackedBody{conn: c}
		if r.ContentLength == 0 {
			b.complete()
		} else {
			// A copy, because net/http checks the body of its request for
			// Expect: 100-continue.
			b.ReadCloser, r = r.Body, r.WithContext(r.Context())
			r.Body = b
		}
		if r.ProtoMajor >= 2 {
			c.http2.Store(true)
			w = &trackedWriter{w, c}
			// In HTTP/1 the request ends when its answer is sent, see [conn.markIdle].
			defer func() {
				c.waitingSince.Store(time.Now().UnixNano())
				if b.completed.Load() {
					c.completeRequests.Add(-1)
				}
			}()
		}
		next.ServeHTTP(w, r)
	})
}

// trackedBody records when the whole body has arrived, or that it timed out.
type trackedBody struct {
	io.ReadCloser
	conn      *conn
	completed atomic.Bool
	timedOut  atomic.Bool
}

// complete records that the request is complete.
func (b *trackedBody) complete() {
	if b.completed.CompareAndSwap(false, true) {
		b.conn.completeRequests.Add(1)
	}
}

// Read reads from the body.
func (b *trackedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.complete()
	case errors.Is(err, os.ErrDeadlineExceeded) && b.timedOut.CompareAndSwap(false, true):
		b.conn.registry.rejections.Add(BodyTimeout, b.conn.client.network.String())
	}
	return n, err
}

// trackedWriter records blocked writes of a response in HTTP/2. In HTTP/1 the
// connection records them.
type trackedWriter struct {
	http.ResponseWriter
	conn *conn
}

// Write sends part of the response.
func (w *trackedWriter) Write(b []byte) (int, error) {
	w.conn.beginWrite()
	defer w.conn.endWrite()
	return w.ResponseWriter.Write(b)
}

// FlushError sends the buffered data.
func (w *trackedWriter) FlushError() error {
	w.conn.beginWrite()
	defer w.conn.endWrite()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach what lies below.
func (w *trackedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
