package crash_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// responseTimeout is the time after which a request without a response is hanging.
const responseTimeout = 20 * time.Second

// pingConn is one keep-alive connection. It does not use the client of net/http, which
// repeats some requests, and hides where a response was cut off.
type pingConn struct {
	address string
	from    string // local loopback address; "" for any
	conn    net.Conn
	reader  *bufio.Reader
}

// pingResponse is the result of one request.
type pingResponse struct {
	status     int // 0 if there was no complete response
	body       string
	retryAfter string
	err        error // the response was incomplete, or none arrived in time
}

// ok reports whether the ping was acknowledged.
func (a pingResponse) ok() bool { return a.status == http.StatusOK && a.body == "OK" }

// ping is one request to a heartbeat.
type ping struct{ id, method, signal, rid, body string }

// String returns the request as it is sent.
func (p ping) String() string { return p.head() + p.body }

// head returns the request without its body.
func (p ping) head(more ...string) string {
	head := fmt.Sprintf("%s /api/v1/hb/%s%s?rid=%s HTTP/1.1\r\nHost: t\r\n", p.method, p.id, p.signal, p.rid)
	for _, line := range more {
		head += line + "\r\n"
	}
	if p.method == http.MethodPost {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(p.body))
	}
	return head + "\r\n"
}

// send sends a ping and waits for the response.
func (w *pingConn) send(p ping) pingResponse {
	if err := w.write(p.String()); err != nil {
		return pingResponse{}
	}
	return w.read()
}

// write sends text, after opening a connection if none is open.
func (w *pingConn) write(text string) error {
	if w.conn == nil {
		dialer := net.Dialer{Timeout: 5 * time.Second}
		if w.from != "" {
			dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(w.from)}
		}
		conn, err := dialer.Dial("tcp", w.address)
		if err != nil {
			return err
		}
		w.conn, w.reader = conn, bufio.NewReader(conn)
	}
	err := w.conn.SetDeadline(time.Now().Add(responseTimeout))
	if err == nil {
		_, err = io.WriteString(w.conn, text)
	}
	if err != nil {
		w.close()
	}
	return err
}

// read reads one response.
func (w *pingConn) read() pingResponse {
	if _, err := w.reader.Peek(1); err != nil {
		w.close()
		var a pingResponse
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			a.err = fmt.Errorf("no answer within %s", responseTimeout)
		}
		return a
	}
	resp, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		w.close()
		return pingResponse{err: err}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.close()
		return pingResponse{err: err}
	}
	if resp.Close {
		w.close()
	}
	return pingResponse{status: resp.StatusCode, body: string(body), retryAfter: resp.Header.Get("Retry-After")}
}

// close closes the connection. The next ping opens another.
func (w *pingConn) close() {
	if w.conn != nil {
		_ = w.conn.Close() // it cannot be used again
		w.conn = nil
	}
}
