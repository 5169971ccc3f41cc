package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// responseTimeout is the maximum time that a connection waits for a response. The
// server responds earlier, even if only with an error.
const responseTimeout = 30 * time.Second

// conn is one keep-alive connection.
type conn struct {
	net.Conn
	in             *bufio.Reader
	out            []byte  // the current request
	took           []int64 // nanoseconds of each exchange
	rejected       int64   // responses 503 with Retry-After
	lastUnexpected string  // the last response that was not as expected
}

// response is the checked part of a response.
type response struct {
	status     int
	ok         bool // it is as expected
	retryAfter bool // it has a Retry-After
	close      bool // the server closes the connection after it
}

// dialer opens a connection to the server under test.
type dialer func(context.Context) (net.Conn, error)

// toAddress returns a dialer for plain TCP.
func toAddress(address string) dialer {
	return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) }
}

// dial opens n connections.
func dial(ctx context.Context, open dialer, n int) ([]*conn, error) {
	conns := make([]*conn, 0, n)
	for range n {
		c, err := open(ctx)
		if err != nil {
			closeAll(conns)
			return nil, fmt.Errorf("dial: %w", err)
		}
		conns = append(conns, &conn{Conn: c, in: bufio.NewReaderSize(c, 4096)})
	}
	return conns, nil
}

// closeAll closes connections and ignores errors.
func closeAll(conns []*conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// exchange sends request i and reads its response. After an error, the connection
// cannot be used again.
func (c *conn) exchange(all *Requests, i int) (r response, err error) {
	c.out = all.appendTo(c.out[:0], i)
	if _, err := c.Write(c.out); err != nil {
		return r, fmt.Errorf("request: %w", err)
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return r, fmt.Errorf("response: %w", err)
	}
	if r.status, err = statusOf(line); err != nil {
		return r, err
	}
	unexpected := ""
	if r.status != 200 {
		unexpected = string(bytes.TrimSpace(line))
	}
	length, err := c.header(&r)
	if err != nil {
		return r, err
	}
	body, err := c.body(r, length)
	if err != nil {
		return r, err
	}
	if r.ok = all.answer(r.status, body); !r.ok {
		if c.lastUnexpected = unexpected; unexpected == "" {
			c.lastUnexpected = fmt.Sprintf("200 with the body %q", body)
		}
	}
	if length >= 0 {
		_, err = c.in.Discard(length)
	}
	return r, err
}

// statusOf returns the status of a status line.
func statusOf(line []byte) (int, error) {
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, fmt.Errorf("response: %q is no status line", line)
	}
	return strconv.Atoi(string(line[len("HTTP/1.1 "):len("HTTP/1.1 200")]))
}

// Lengths of bodies that the header does not tell.
const (
	untilClose = -1
	inChunks   = -2
)

// header reads the header and returns the length of the body.
func (c *conn) header(r *response) (length int, err error) {
	length = untilClose
	if r.status == 204 || r.status == 304 {
		length = 0
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("response header: %w", err)
		}
		if len(line) <= len("\r\n") {
			return length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, fmt.Errorf("response length: %w", err)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			length = inChunks
		case bytes.EqualFold(name, []byte("Retry-After")):
			r.retryAfter = true
		case bytes.EqualFold(name, []byte("Connection")):
			r.close = bytes.EqualFold(value, []byte("close"))
		}
	}
}

// body returns the body of a response. It discards a body without a length, and leaves
// one with a length in the buffer, so that it is not copied.
func (c *conn) body(r response, length int) ([]byte, error) {
	switch {
	case length == inChunks:
		return nil, c.skipChunks()
	case length == untilClose && r.close:
		_, err := io.Copy(io.Discard, c.in)
		return nil, err
	case length == untilClose:
		return nil, errors.New("response has no Content-Length")
	}
	body, err := c.in.Peek(min(length, c.in.Size()))
	if err != nil {
		return nil, fmt.Errorf("response body: %w", err)
	}
	return body, nil
}

// skipChunks reads a chunked body (RFC 9112, section 7.1).
func (c *conn) skipChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("response chunk: %w", err)
		}
		hex, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
		size, err := strconv.ParseInt(string(hex), 16, 32)
		if err != nil {
			return fmt.Errorf("response chunk: %w", err)
		}
		if _, err := c.in.Discard(int(size) + len("\r\n")); err != nil {
			return fmt.Errorf("response chunk: %w", err)
		}
		if size == 0 {
			return nil
		}
	}
}
