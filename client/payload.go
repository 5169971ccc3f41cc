package client

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"
)

// ReducedBodySize is how many bytes of a body [Send] still sends if the whole body
// does not get through.
const ReducedBodySize = 1000

// payload is the body of a ping: the forms of it that have not failed yet, from
// whole to empty.
type payload struct {
	variants     [][]byte
	reason       error // why the body is no longer whole
	bodyFailures int   // failures of the current form that the body may explain
}

// newPayload returns the forms of a body: whole, its last bytes, nothing.
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

// body is the current form.
func (p *payload) body() []byte { return p.variants[0] }

// timeout is the longest time for the next attempt: at most longest, and at most
// an equal part of the time left for each form that may still be needed. The
// last form may use all of it; ctx ends it.
func (p *payload) timeout(ctx context.Context, longest time.Duration) time.Duration {
	if deadline, bounded := ctx.Deadline(); bounded && len(p.variants) > 1 {
		return min(longest, time.Until(deadline)/time.Duration(len(p.variants)))
	}
	return longest
}

// maxBodyFailures is the number of failures, possibly caused by the body, after
// which it is reduced. One is not enough: a server that restarts resets
// connections as well.
const maxBodyFailures = 2

// reduce continues with the next form if the body explains the failure. It
// reports whether it did: then the ping must be sent again at once.
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
// An answer of the ping endpoint does not depend on the body, except 408 and 413.
// Any other 4xx, or a page in place of the answer, comes from a proxy or firewall
// that may have read the body. A connection that was never made has not carried
// any of it.
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

// reportReduced calls onReduced if the acknowledged form is not the whole body.
func (p *payload) reportReduced(onReduced func(kept int, reason error)) {
	if onReduced != nil && p.reason != nil {
		onReduced(len(p.body()), p.reason)
	}
}

// Tail returns the end of a body, at most limit bytes. It does not begin inside
// a UTF-8 character: half of one would make the whole body invalid text.
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
