package client

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"
)

// ReducedBodySize is the number of bytes of a body that [Send] sends if the whole body
// does not arrive.
const ReducedBodySize = 1000

// payload is the body of a ping: the variants that have not failed yet, from complete to
// empty.
type payload struct {
	variants     [][]byte
	reason       error // why the body is no longer complete
	bodyFailures int   // failures of the current variant that the body may have caused
}

// newPayload returns the variants of a body: complete, its last bytes, and empty.
func newPayload(body []byte) *payload {
	p := &payload{}
	if len(body) > 0 {
		p.variants = append(p.variants, body)
	}
	if len(body) > ReducedBodySize {
		p.variants = append(p.variants, Tail(body, ReducedBodySize))
	}
	p.variants = append(p.variants, nil)
	return p
}

// body returns the current variant.
func (p *payload) body() []byte { return p.variants[0] }

// timeout returns the timeout of the next attempt: at most longest, and at most an equal
// part of the remaining time for each variant that may still be needed. The last variant
// may use all of it.
func (p *payload) timeout(ctx context.Context, longest time.Duration) time.Duration {
	if deadline, bounded := ctx.Deadline(); bounded && len(p.variants) > 1 {
		return min(longest, time.Until(deadline)/time.Duration(len(p.variants)))
	}
	return longest
}

// maxBodyFailures is the number of failures, possibly caused by the body, after which it is
// reduced. One is not enough: a restarting server resets connections, too.
const maxBodyFailures = 2

// reduce continues with the next variant if the body explains the failure. It reports
// whether it did; then the ping must be sent again at once.
func (p *payload) reduce(err error) bool {
	if len(p.variants) == 1 {
		return false
	}
	certain, possible := causedByBody(err)
	if possible {
		p.bodyFailures++
	}
	if !certain && p.bodyFailures < maxBodyFailures {
		return false
	}
	if p.reason == nil {
		p.reason = err
	}
	p.variants, p.bodyFailures = p.variants[1:], 0
	return true
}

// causedByBody reports whether the body certainly or possibly caused a failure.
//
// The answers of the ping endpoint do not depend on the body, except 408 and 413. Any other
// 4xx, or a page in place of the answer, comes from a proxy or firewall that may have
// inspected the body. A connection that was never established has not carried any of it.
func causedByBody(err error) (certain, possible bool) {
	var p *Problem
	var n *connectionError
	switch {
	case errors.Is(err, errNotOverdue):
		return true, false
	case errors.As(err, &p) && (p.Status == http.StatusRequestTimeout || p.Status == http.StatusRequestEntityTooLarge):
		return true, false
	case errors.As(err, &p) && (p.fromPingEndpoint || p.Status == http.StatusTooManyRequests || p.Status < 400):
		return false, false
	case errors.As(err, &p):
		return p.Status < 500, p.Status >= 500
	case errors.As(err, &n):
		return n.connected && n.timeout, n.connected
	}
	return false, false
}

// reportReduced calls onReduced if the acknowledged variant is not the complete body.
func (p *payload) reportReduced(onReduced func(kept int, reason error)) {
	if onReduced != nil && p.reason != nil {
		onReduced(len(p.body()), p.reason)
	}
}

// Tail returns the end of a body, at most limit bytes. It does not begin inside a UTF-8
// character, which would make the whole text invalid.
func Tail(body []byte, limit int) []byte {
	if len(body) <= limit {
		return body
	}
	end := body[len(body)-limit:]
	for i := 0; i < utf8.UTFMax-1 && len(end) > 0 && !utf8.RuneStart(end[0]); i++ {
		end = end[1:]
	}
	return end
}
