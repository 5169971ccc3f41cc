package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// responseTimeout is the maximum time that a connection waits for a response. The
// server responds earlier, even if only with an error.
const responseTimeout = 30 * time.Second

// conn is one keep-alive connection. It does as little work as possible,
// because it shares the processors with the server under test: requests are built in
// advance, and only the checked part of a response is read.
type conn struct {
	net.Conn
	in             *bufio.Reader
	took           []int64 // nanoseconds of each exchange
	lastUnexpected string  // the last response that was not 200 with OK
}

// dial opens n connections.
func dial(ctx context.Context, address string, n int) ([]*conn, error) {
	conns := make([]*conn, 0, n)
	for range n {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
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

// requests makes one ping request per heartbeat.
func requests(ids []string) [][]byte {
	all := make([][]byte, len(ids))
	for i, id := range ids {
		all[i] = []byte("POST /api/v1/hb/" + id + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nContent-Length: 0\r\n\r\n")
	}
	return all
}

// exchange sends a request and reads its response; ok reports whether it was 200
// with the body OK. After an error, the connection cannot be used again.
func (c *conn) exchange(request []byte) (ok bool, err error) {
	if _, err := c.Write(request); err != nil {
		return false, fmt.Errorf("ping: %w", err)
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return false, fmt.Errorf("response: %w", err)
	}
	ok = bytes.HasPrefix(line, []byte("HTTP/1.1 200 "))
	if !ok {
		c.lastUnexpected = string(bytes.TrimSpace(line))
	}
	length := -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return false, fmt.Errorf("response header: %w", err)
		}
		if len(line) <= len("\r\n") {
			break
		}
		if name := "Content-Length: "; len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return false, fmt.Errorf("response length: %w", err)
			}
		}
	}
	return c.body(ok, length)
}

// body reads the body of a response.
func (c *conn) body(ok bool, length int) (bool, error) {
	if length < 0 {
		return false, fmt.Errorf("response %s has no Content-Length", c.lastUnexpected)
	}
	body, err := c.in.Peek(length)
	if err != nil {
		return false, fmt.Errorf("response body: %w", err)
	}
	if ok && string(body) != "OK" {
		ok, c.lastUnexpected = false, fmt.Sprintf("200 with the body %q", body)
	}
	_, err = c.in.Discard(length)
	return ok, err
}

// roundResult is the result of one round of load.
type roundResult struct {
	pings   int64
	elapsed time.Duration
	took    latencies
	cpu     time.Duration // used by the server
	commits float64       // of the server
}

// perSecond returns the number of pings per second.
func (t roundResult) perSecond() float64 { return float64(t.pings) / t.elapsed.Seconds() }

// round loads a server from n connections for the given time. Each connection
// sends one ping after another, each to a random heartbeat. Any response except
// OK is an error.
func round(ctx context.Context, address string, requests [][]byte, n int, length time.Duration) (roundResult, error) {
	conns, err := dial(ctx, address, n)
	if err != nil {
		return roundResult{}, err
	}
	defer closeAll(conns)
	begun := time.Now()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() { errs[i] = c.pingUntil(requests, begun, length) })
	}
	all.Wait()
	t := roundResult{elapsed: time.Since(begun)}
	for i, c := range conns {
		t.pings += int64(len(c.took))
		t.took = append(t.took, c.took...)
		if err == nil {
			err = errs[i] // the first error is enough: the others are alike
		}
	}
	return t, err
}

// pingUntil sends one ping after another until length has passed since begun. At
// the end it waits for the ping in flight, because the server may store it.
func (c *conn) pingUntil(requests [][]byte, begun time.Time, length time.Duration) error {
	if err := c.SetDeadline(begun.Add(length + responseTimeout)); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	pick := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	c.took = make([]int64, 0, 1<<12)
	// The clock is read once per ping: the end of one is the start of the next.
	for last := begun; last.Sub(begun) < length; {
		ok, err := c.exchange(requests[pick.IntN(len(requests))])
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("ping answered %s", c.lastUnexpected)
		}
		now := time.Now()
		c.took = append(c.took, int64(now.Sub(last)))
		last = now
	}
	return nil
}
