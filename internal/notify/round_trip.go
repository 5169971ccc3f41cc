package notify

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"overdue/internal/notify/provider"
)

// response is a response with the redactor of its channel.
type response struct {
	provider.Response
	hide redactor
	cut  bool // the body was longer
}

// roundTrip sends one request and reads the response.
func (o *Sender) roundTrip(ctx context.Context, r provider.Request, hide redactor) (response, *SendError) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(info.Err == nil) },
	})
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodPost), r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return response{}, &SendError{Reason: "The URL is invalid: set it again.", Permanent: true}
	}
	req.Header = r.Header
	resp, err := o.http.Do(req)
	if err != nil {
		failure := o.requestError(req.URL, hide, err)
		if written.Load() && !failure.Permanent {
			// The alert id allows the receiver to detect a duplicate.
			failure.Uncertain, failure.Reason = true, failure.Reason+" The alert may have arrived."
		}
		return response{}, failure
	}
	defer func() { _ = resp.Body.Close() }() // the result is known
	text, cut := readResponse(resp)
	return response{
		Response: provider.Response{Status: resp.StatusCode, Header: resp.Header, Body: []byte(text), Now: time.Now(), Request: r},
		hide:     hide, cut: cut,
	}, nil
}

// receipt returns the result of an attempt with this response.
func (r response) receipt(v provider.Verdict) (Receipt, error) {
	detail := r.hide.cleanResponse(v.Detail, false)
	if detail == "" {
		detail = r.hide.cleanResponse(string(r.Body), r.cut)
	}
	if v.Sent {
		return Receipt{Status: r.Status, Detail: detail, Thread: v.Thread, Settings: v.Settings}, nil
	}
	return Receipt{}, &SendError{Status: r.Status, Reason: detail, Permanent: v.Permanent, RetryAfter: v.RetryAfter}
}
