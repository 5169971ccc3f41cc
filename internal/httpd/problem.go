package httpd

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"overdue/internal/monitor"
)

// Problem is an answer that refuses, as application/problem+json (RFC 9457).
// It is an error, so that handlers can return it.
type Problem struct {
	Title     string         `json:"title" doc:"The status in words" example:"Unprocessable Entity"`
	Status    int            `json:"status" doc:"The HTTP status" example:"422"`
	Detail    string         `json:"detail" doc:"What is wrong, in a sentence for people" example:"Write a name of 1 to 100 characters."`
	Errors    []FieldProblem `json:"errors,omitempty" nullable:"false" doc:"What is wrong with each member, all at once"`
	RequestID string         `json:"request_id,omitempty" doc:"Names this request in the server's log"`

	header http.Header
}

// FieldProblem is what is wrong with one member of a request.
type FieldProblem struct {
	Location string `json:"location" doc:"Where: body, query, path or header, a dot, and the member" example:"body.name"`
	Message  string `json:"message" doc:"What to write instead, in a sentence" example:"Write a name of 1 to 100 characters."`

	Suggestions []Suggestion `json:"suggestions,omitempty" nullable:"false" doc:"Equivalent schedules for an expression of another program: one, or several if the expression is ambiguous"`
}

// Suggestion is a schedule to write instead of one that was rejected.
type Suggestion struct {
	Schedule string `json:"schedule" enum:"interval,cron,oncalendar" doc:"Member that takes the text" example:"cron"`
	Text     string `json:"text" doc:"Value of the member" example:"0 12 * * 1-5"`
	Timezone string `json:"timezone,omitempty" doc:"Time zone that the expression contains" example:"Europe/Berlin"`
	Reading  string `json:"reading" doc:"Program whose syntax the expression was read as" example:"Quartz"`
	Note     string `json:"note,omitempty" doc:"What else to change" example:"Choose the time zone too: EventBridge rules run in UTC, schedules in the zone that they name."`
}

// problemType is the media type of a Problem.
const problemType = "application/problem+json"

// NewProblem returns a problem with a sentence for people.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, header: http.Header{}}
}

// RetryAfter adds after what time asking again may help (RFC 9110, section
// 10.2.3), rounded up to whole seconds.
func (p *Problem) RetryAfter(wait time.Duration) *Problem {
	seconds := (wait + time.Second - 1) / time.Second
	return p.With("Retry-After", strconv.FormatInt(int64(max(seconds, 1)), 10))
}

// With adds a header to the answer.
func (p *Problem) With(name, value string) *Problem {
	p.header.Set(name, value)
	return p
}

// Error returns the sentence.
func (p *Problem) Error() string { return p.Detail }

// GetStatus, GetHeaders and ContentType let the API layer send the problem.
func (p *Problem) GetStatus() int              { return p.Status }
func (p *Problem) GetHeaders() http.Header     { return p.header }
func (p *Problem) ContentType(_ string) string { return problemType }

// statusByKind is the one table of which mistake gets which status.
var statusByKind = map[monitor.FaultKind]int{
	monitor.Invalid:     http.StatusUnprocessableEntity,
	monitor.NotFound:    http.StatusNotFound,
	monitor.Forbidden:   http.StatusForbidden,
	monitor.Conflict:    http.StatusConflict,
	monitor.RateLimited: http.StatusTooManyRequests,
}

// rateLimitWait is how long somebody who asks too often is asked to wait.
const rateLimitWait = 10 * time.Second

// ProblemOf returns the answer to an error that is the person's mistake: a
// [*Problem], a [*monitor.Fault] or [monitor.Faults]. It reports false for an
// error that is ours. locate says where in the request a field stands.
func ProblemOf(err error, locate func(field string) string) (*Problem, bool) {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p, true
	}
	faults, ok := errors.AsType[monitor.Faults](err)
	if fault, one := errors.AsType[*monitor.Fault](err); !ok && one {
		faults, ok = monitor.Faults{fault}, true
	}
	if !ok || len(faults) == 0 {
		return nil, false
	}
	p := NewProblem(statusByKind[faults[0].Kind], faults[0].Message)
	if p.Status == http.StatusTooManyRequests {
		p.RetryAfter(rateLimitWait)
	}
	for _, f := range faults {
		if f.Field != "" {
			about := FieldProblem{Location: locate(f.Field), Message: f.Message}
			for _, s := range f.Suggestions {
				about.Suggestions = append(about.Suggestions, Suggestion{Schedule: s.Kind, Text: s.Text, Timezone: s.Zone, Reading: s.Dialect, Note: s.Note})
			}
			p.Errors = append(p.Errors, about)
		}
	}
	return p, true
}

// InternalError is the answer when the mistake is ours. What went wrong is for the log.
func InternalError() *Problem {
	return NewProblem(http.StatusInternalServerError, "Something went wrong on our side. The server's log tells more under this request id.")
}

// Unavailable is the answer while the database cannot be reached.
func Unavailable() *Problem {
	return NewProblem(http.StatusServiceUnavailable, "The database is not available at the moment. Try again shortly.").RetryAfter(5 * time.Second)
}

// Write answers a request with the problem.
func (p *Problem) Write(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for name, values := range p.header {
		header[name] = values
	}
	header.Set("Content-Type", problemType)
	header.Set("Cache-Control", "no-store")
	told := *p
	told.RequestID = RequestID(r)
	body, _ := json.Marshal(told) // texts and numbers always marshal
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // who left early need not be told
}
