package provider

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the maximum delay that a service can ask for.
const maxRetryAfter = 24 * time.Hour

// InterpretStatus interprets a response by its status alone: 2xx is sent, and of the others, 408, 425 (RFC 8470), 429
// (RFC 6585) and 5xx can be tried again.
func InterpretStatus(r Response) Verdict {
	if r.Status >= 200 && r.Status < 300 {
		return Verdict{Sent: true}
	}
	v := Verdict{Permanent: isPermanent(r.Status)}
	if !v.Permanent {
		v.RetryAfter = ParseRetryAfter(r.Header.Get("Retry-After"), r.Now)
	}
	return v
}

// isPermanent reports whether an HTTP status is a permanent error.
func isPermanent(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 300 && status < 500
}

// ParseRetryAfter parses a Retry-After header (RFC 9110, section 10.2.3): seconds or
// an HTTP date. It returns 0 for an invalid header and for a time in the past.
func ParseRetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil {
		return seconds2delay(float64(seconds))
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// seconds2delay converts a number of seconds from a service, which can be absurd, to a delay.
func seconds2delay(seconds float64) time.Duration {
	if math.IsNaN(seconds) || seconds <= 0 {
		return 0
	}
	if seconds >= maxRetryAfter.Seconds() {
		return maxRetryAfter
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond
}

// decode decodes a JSON body into value, as far as it has the expected types, and reports whether it is a JSON
// object at all. Members of another type stay zero.
func decode(body []byte, value any) bool {
	err := json.Unmarshal(body, value)
	_, wrongType := err.(*json.UnmarshalTypeError) //nolint:errorlint // never wrapped by Unmarshal
	return (err == nil || wrongType) && strings.HasPrefix(strings.TrimSpace(string(body)), "{")
}
