package notify

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the maximum Retry-After. Package deliver honors less.
const maxRetryAfter = 24 * time.Hour

// Receipt is the response of a provider that accepted the message.
type Receipt struct {
	// Status is the status code of the provider: HTTP, or SMTP for email.
	Status int
	// Detail is the start of its response, in one line without secrets.
	Detail string
	// Recipients are the results per recipient, nil for a kind without recipients.
	Recipients []RecipientResult
}

// SendError describes why a message was not delivered. It is the only error of Send.
type SendError struct {
	// Status is the status code of the provider, 0 if there was no response.
	Status int
	// Reason is the start of the response or, without one, a sentence that
	// explains the error. It contains no secrets.
	Reason string
	// Permanent means that a retry cannot succeed until a person changes something.
	Permanent bool
	// RetryAfter is the minimum delay before the next attempt that the provider
	// asked for, at most a day. 0: none.
	RetryAfter time.Duration
	// Uncertain means that the message may have been delivered: the connection
	// ended after the message and before the response.
	Uncertain bool
	// Recipients are the results per recipient, nil if the error concerns the
	// whole channel.
	Recipients []RecipientResult

	// cause is set if the context of the caller ended, to distinguish a stop
	// from an error of the provider.
	cause error
}

// Error returns the error in one line.
func (r *SendError) Error() string {
	switch {
	case r.Status == 0:
		return "not delivered: " + r.Reason
	case r.Reason == "":
		return fmt.Sprintf("rejected with status %d", r.Status)
	}
	return fmt.Sprintf("rejected with status %d: %s", r.Status, r.Reason)
}

// Unwrap returns the error of the caller's context, if it ended the attempt.
func (r *SendError) Unwrap() error { return r.cause }

// isPermanentStatus reports whether an HTTP status is a permanent error. Three of the
// 4xx are temporary: 408, 425 (RFC 8470) and 429 (RFC 6585).
func isPermanentStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 300 && status < 500
}

// retryAfter parses a Retry-After header (RFC 9110, section 10.2.3): seconds or
// an HTTP date. It returns 0 for an invalid header and for a time in the past.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil {
		// Compared before the multiplication, which could overflow.
		if seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
