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

// Problem is a refusal by the server: an application/problem+json document
// (RFC 9457), or the status and first line of whatever else was answered.
type Problem struct {
	Type   string       `json:"type,omitempty"`
	Title  string       `json:"title,omitempty"`
	Status int          `json:"status,omitempty"`
	Detail string       `json:"detail,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`

	// RetryAfter is how long the server asked to be left alone; 0 if it did
	// not say (RFC 9110, section 10.2.3).
	RetryAfter time.Duration `json:"-"`

	// fromPingEndpoint says that the ping endpoint of Overdue answered, and not a
	// proxy or firewall before it: each of its answers has Ping-Body-Limit.
	fromPingEndpoint bool
}

// FieldError is what is wrong with one member of a request.
type FieldError struct {
	Message  string `json:"message,omitempty"`
	Location string `json:"location,omitempty"`
	Value    any    `json:"value,omitempty"`

	// Suggestions are schedules with the meaning of an expression of another
	// program: one, or several if it is ambiguous.
	Suggestions []Suggestion `json:"suggestions,omitempty"`
}

// Suggestion is a schedule to write instead of one that was rejected.
type Suggestion struct {
	Schedule string `json:"schedule"`           // the member to write it in: interval, cron or oncalendar
	Text     string `json:"text"`               // what to write
	Timezone string `json:"timezone,omitempty"` // the zone that the expression names
	Reading  string `json:"reading"`            // whose expression it was taken for, such as Quartz
	Note     string `json:"note,omitempty"`     // what else to change
}

// Error says what the server said, in one line: the status, the sentence, and
// each member that is wrong. Each is said once: the sentence of this server is
// that of the first member.
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
	return said + ": " + strings.Join(parts, "; ")
}

// Retryable reports whether the same request may succeed later. Only timeouts,
// abuse limits and trouble on the server's side pass; a request that the server
// understood and refused stays refused.
func (p *Problem) Retryable() bool {
	return p.Status == http.StatusRequestTimeout || p.Status == http.StatusTooManyRequests || p.Status >= 500
}

// readProblem reads the problem out of an answer that is not a success.
func readProblem(resp *http.Response, body []byte) *Problem {
	p := &Problem{}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // a bad type is no type
	switch kind {
	case "application/problem+json", "application/json":
		if json.Unmarshal(body, p) != nil {
			p = &Problem{}
		}
	case "text/plain":
		p.Detail = firstLine(body)
	}
	// The status line is what intermediaries act on, so it beats the document.
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(resp.StatusCode)
	}
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode < 400 {
		p.Detail = "it sends to " + firstLine([]byte(to)) + "; use that address, or copy the ping URL again"
	}
	p.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	p.fromPingEndpoint = resp.Header.Get("Ping-Body-Limit") != ""
	return p
}

// maxLineBytes is how many bytes of a plain-text refusal are kept.
const maxLineBytes = 200

// firstLine keeps what can be shown on a terminal: one line, short, printable.
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

// retryAfter reads both forms of the header: seconds and an HTTP date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
