package notify

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what a Retry-After may ask for. Delivery honours less.
const maxRetryAfter = 24 * time.Hour

// Receipt is what the other side answered when it took the message.
type Receipt struct {
	// Status is the provider's status code: HTTP, or SMTP for e-mail.
	Status int
	// Detail is the start of its answer, in one line without secrets.
	Detail string
	// Recipients are the results of a kind with several recipients, nil for others.
	Recipients []RecipientResult
}

// SendError is why a message was not taken. It is the only error of a Send.
type SendError struct {
	// Status is the provider's status code, 0 if there was no answer.
	Status int
	// Reason is the start of the provider's answer or, where there was none, a
	// sentence that says what happened. It holds no secrets.
	Reason string
	// Permanent means that asking again cannot help until somebody changes something.
	Permanent bool
	// RetryAfter is how long to wait at least before the next attempt: what the
	// provider asked for, at most a day. 0: it asked for nothing.
	RetryAfter time.Duration
	// Uncertain means that the provider may have taken the message: the connection
	// ended between the end of the message and the answer.
	Uncertain bool
	// Recipients are the results of a kind with several recipients, nil if the
	// refusal concerns the whole channel.
	Recipients []RecipientResult

	// cause is set when the caller's context ended, so that a stop is not
	// mistaken for a provider's no.
	cause error
}

// Error returns the refusal in one line.
func (r *SendError) Error() string {
	switch {
	case r.Status == 0:
		return "not told: " + r.Reason
	case r.Reason == "":
		return fmt.Sprintf("refused with %d", r.Status)
	}
	return fmt.Sprintf("refused with %d: %s", r.Status, r.Reason)
}

// Unwrap returns the error of the caller's context, if that is what ended the
// attempt.
func (r *SendError) Unwrap() error { return r.cause }

// isPermanentStatus reports whether an HTTP status is an answer that cannot get better.
// Three of the 4xx are about the moment rather than the request: 408, 425 (RFC
// 8470) and 429 (RFC 6585).
func isPermanentStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 300 && status < 500
}

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds or
// an HTTP date. What cannot be read, or lies in the past, is no wish at all.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil {
		// Compared before it is multiplied: a huge number must not wrap round.
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
