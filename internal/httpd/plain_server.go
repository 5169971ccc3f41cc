package httpd

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// plainServer answers plain requests on connections of net/http, between its requests.
//
// While a connection is idle, net/http waits in [conn.Read] for the next request. If the
// bytes that arrive are exactly one plain request, Read answers it and waits for the next.
// Otherwise it returns the bytes to net/http, which has not seen the answered requests.
// Before, net/http used more than half of the processor time of a ping.
type plainServer struct {
	handler    http.Handler
	stopping   *atomic.Bool
	inProgress atomic.Int64 // plain requests that are being answered
}

// netHTTPBuffer is the size of the buffer of net/http for a connection. A read into a
// smaller slice means that a part of the next request is in the buffer.
const netHTTPBuffer = 4096

// plainExchange contains the request and the response of a connection. All of its plain
// requests use it again, so that they allocate nothing.
type plainExchange struct {
	request  *http.Request
	agent    [1]string
	forward  [1]string
	response plainResponse
	deadline time.Time // of reads, in the socket
	written  time.Time // when the write deadline in the socket was set
}

// newPlainExchange returns the memory for a connection.
func newPlainExchange(c *conn) *plainExchange {
	r := &http.Request{
		URL: &url.URL{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, RemoteAddr: c.Conn.RemoteAddr().String(),
	}
	return &plainExchange{request: r.WithContext(withConn(context.Background(), c)), response: plainResponse{header: http.Header{}}}
}

// set fills the request with a plain one. A text that is the same as in the previous request is
// not allocated again.
func (x *plainExchange) set(p plainRequest) {
	r := x.request
	r.Method = p.method
	r.URL.Path = reuseString(r.URL.Path, p.path)
	r.RequestURI = r.URL.Path
	r.Host = reuseString(r.Host, p.host)
	x.setField("User-Agent", x.agent[:], p.userAgent)
	x.setField("X-Forwarded-For", x.forward[:], p.forwardedFor)
}

// setField sets a field of the request.
func (x *plainExchange) setField(name string, memory []string, value []byte) {
	if value == nil {
		delete(x.request.Header, name)
		return
	}
	memory[0] = reuseString(memory[0], value)
	x.request.Header[name] = memory
}

// reuseString returns text as a string. It returns old if that is equal, and so allocates nothing.
func reuseString(old string, text []byte) string {
	if old == string(text) {
		return old
	}
	return string(text)
}

// mayBePlain reports whether a read into a slice of the given length can return a plain request:
// the connection is idle after a request, and the buffer of net/http is empty.
func (c *conn) mayBePlain(space int) bool {
	return space == netHTTPBuffer && c.hadRequest.Load() && !c.serving.Load() && !c.received.Load() && !c.http2.Load()
}

// answerPlain answers a request if it is a plain one. After an error, the connection must be
// closed.
func (c *conn) answerPlain(text []byte) (answered bool, err error) {
	p, ok := parsePlainRequest(text)
	if !ok {
		return false, nil
	}
	s := c.registry.plain
	s.inProgress.Add(1)
	defer s.inProgress.Add(-1)
	if s.stopping.Load() {
		return false, nil // net/http asks the client to close the connection
	}
	c.serving.Store(true)
	c.completeRequests.Add(1)
	if c.exchange == nil {
		c.exchange = newPlainExchange(c)
	}
	x := c.exchange
	x.set(p)
	x.response.reset()
	s.handler.ServeHTTP(&x.response, x.request)
	now := time.Now()
	if now.Sub(x.written) > deadlineSlack {
		x.written = now
		if err := c.Conn.SetWriteDeadline(now.Add(answerTimeout + deadlineSlack)); err != nil {
			return true, err
		}
	}
	if _, err := c.Write(x.response.text(now)); err != nil {
		return true, err
	}
	c.markIdle()
	if until := now.Add(idleTimeout); until.Sub(x.deadline) > deadlineSlack {
		x.deadline = until
		return true, c.Conn.SetReadDeadline(until)
	}
	return true, nil
}

// deadlineSlack is the precision of the deadlines between plain requests. Setting a deadline takes
// time, so a connection with many requests sets it once per deadlineSlack.
const deadlineSlack = time.Second

// plainResponse is the response to a plain request.
type plainResponse struct {
	header http.Header
	status int
	body   []byte
	buffer []byte
	names  []string
}

// reset makes the response empty.
func (w *plainResponse) reset() {
	clear(w.header)
	w.status, w.body = 0, w.body[:0]
}

// Header returns the header fields.
func (w *plainResponse) Header() http.Header { return w.header }

// WriteHeader sets the status.
func (w *plainResponse) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write adds to the body.
func (w *plainResponse) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b...)
	return len(b), nil
}

// WriteString adds to the body.
func (w *plainResponse) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, s...)
	return len(s), nil
}

// text returns the response as net/http writes it.
func (w *plainResponse) text(now time.Time) []byte {
	b := append(w.buffer[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(w.status), 10)
	b = append(append(append(b, ' '), http.StatusText(w.status)...), "\r\n"...)
	w.names = w.names[:0]
	for name := range w.header {
		w.names = append(w.names, name)
	}
	slices.Sort(w.names)
	for _, name := range w.names {
		for _, value := range w.header[name] {
			b = append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
		}
	}
	b = append(append(append(b, "Date: "...), httpDate(now)...), "\r\n"...)
	if len(w.header["Content-Length"]) == 0 {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(w.body)), 10), "\r\n"...)
	}
	w.buffer = append(append(b, "\r\n"...), w.body...)
	return w.buffer
}

// dateText is a time as in a Date field.
type dateText struct {
	second int64
	text   string
}

// lastDate is the newest dateText.
var lastDate atomic.Pointer[dateText]

// httpDate returns a time as in a Date field (RFC 9110, section 5.6.7).
func httpDate(now time.Time) string {
	if d := lastDate.Load(); d != nil && d.second == now.Unix() {
		return d.text
	}
	d := &dateText{now.Unix(), now.UTC().Format(http.TimeFormat)}
	lastDate.Store(d)
	return d.text
}
