package client

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Problem is an error response of the server: an application/problem+json document (RFC
// 9457), or the status and first line of another response.
type Problem struct {
	Type   string       `json:"type,omitempty"`
	Title  string       `json:"title,omitempty"`
	Status int          `json:"status,omitempty"`
	Detail string       `json:"detail,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`

	// RetryAfter is the wait that the server requested; 0 if it requested none (RFC 9110,
	// section 10.2.3).
	RetryAfter time.Duration `json:"-"`

	// fromPingEndpoint reports that the ping endpoint of Overdue answered, and not a proxy
	// or firewall before it: each of its answers has Ping-Body-Limit.
	fromPingEndpoint bool
}

// FieldError is a fault of one member of a request.
type FieldError struct {
	Message  string `json:"message,omitempty"`
	Location string `json:"location,omitempty"`
	Value    any    `json:"value,omitempty"`

	// Suggestions are schedules with the meaning of an expression of another program: one,
	// or several if it is ambiguous.
	Suggestions []Suggestion `json:"suggestions,omitempty"`
}

// Suggestion is a schedule that can replace a rejected one.
type Suggestion struct {
	Schedule string `json:"schedule"`           // the member to write it in: interval, cron or oncalendar
	Text     string `json:"text"`               // the value to write
	Timezone string `json:"timezone,omitempty"` // the zone that the expression names
	Reading  string `json:"reading"`            // the dialect of the expression, such as Quartz
	Note     string `json:"note,omitempty"`     // what else to change
}

// Error returns the problem in one line: the status, the sentence, and the fault of each
// member. A sentence that repeats the fault of a member is omitted.
func (p *Problem) Error() string {
	said := fmt.Sprintf("the server answered %d", p.Status)
	if p.Title != "" {
		said += " " + p.Title
	}
	var parts []string
	detailed := p.Detail == "" || p.Detail == p.Title
	for _, e := range p.Errors {
		detailed = detailed || e.Message == p.Detail
		part := e.Message
		if e.Location != "" {
			part = e.Location + ": " + part
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	if !detailed {
		parts = slices.Insert(parts, 0, p.Detail)
	}
	if len(parts) == 0 {
		return said
	}
	for i := range len(parts) - 1 { // a full stop before a semicolon ends no sentence
		parts[i] = strings.TrimSuffix(parts[i], ".")
	}
	return said + ": " + strings.Join(parts, "; ")
}

// Retryable reports whether the same request can succeed later: only after a timeout, a
// rate limit, or an error of the server.
func (p *Problem) Retryable() bool {
	return p.Status == http.StatusRequestTimeout || p.Status == http.StatusTooManyRequests || p.Status >= 500
}

// readProblem returns the problem of an error response.
func readProblem(resp *http.Response, body []byte) *Problem {
	p := &Problem{}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // an invalid type counts as none
	switch kind {
	case "application/problem+json", "application/json":
		if json.Unmarshal(body, p) != nil {
			p = &Problem{}
		}
	case "text/plain":
		p.Detail = firstLine(body)
	}
	// Proxies act on the status line, so it takes precedence over the document.
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(resp.StatusCode)
	}
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode < 400 {
		p.Detail = "the server redirects to " + firstLine([]byte(to)) + ": use that address, or copy the ping URL again"
	}
	p.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	p.fromPingEndpoint = resp.Header.Get("Ping-Body-Limit") != ""
	return p
}

// maxLineBytes is the maximum length of a plain-text error.
const maxLineBytes = 200

// firstLine returns the first line of a body, shortened, without characters that a terminal
// cannot show.
func firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if len(line) > maxLineBytes {
		line = line[:maxLineBytes]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, line)
}

// retryAfter parses both forms of the header: seconds and an HTTP date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
