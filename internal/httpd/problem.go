package httpd

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"overdue/internal/monitor"
)

// Problem is an error response in the format application/problem+json (RFC
// 9457). It is an error, so handlers can return it.
type Problem struct {
	Title     string         `json:"title" doc:"Text of the HTTP status" example:"Unprocessable Entity"`
	Status    int            `json:"status" doc:"The HTTP status" example:"422"`
	Detail    string         `json:"detail" doc:"Description of the error, for people" example:"Write a name of 1 to 100 characters."`
	Errors    []FieldProblem `json:"errors,omitempty" nullable:"false" doc:"Errors of single members"`
	RequestID string         `json:"request_id,omitempty" doc:"Id of the request in the log of the server"`

	header http.Header
}

// FieldProblem is an error of one member of a request.
type FieldProblem struct {
	Location string `json:"location" doc:"Position of the member: body, query, path or header, a dot, and its name" example:"body.name"`
	Message  string `json:"message" doc:"Description of the error, for people" example:"Write a name of 1 to 100 characters."`

	Suggestions []Suggestion `json:"suggestions,omitempty" nullable:"false" doc:"Equivalent schedules for an expression of another program: one, or several if the expression is ambiguous"`
}

// Suggestion is a valid schedule in place of a rejected one.
type Suggestion struct {
	Schedule string `json:"schedule" enum:"interval,cron,oncalendar" doc:"Member that takes the text" example:"cron"`
	Text     string `json:"text" doc:"Value of the member" example:"0 12 * * 1-5"`
	Timezone string `json:"timezone,omitempty" doc:"Time zone that the expression contains" example:"Europe/Berlin"`
	Reading  string `json:"reading" doc:"Program whose syntax the expression was read as" example:"Quartz"`
	Note     string `json:"note,omitempty" doc:"What else to change" example:"Choose the time zone too: EventBridge rules run in UTC, schedules in the zone that they name."`
}

// problemType is the media type of a Problem.
const problemType = "application/problem+json"

// NewProblem returns a problem with a description for people.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, header: http.Header{}}
}

// RetryAfter sets the Retry-After header (RFC 9110, section 10.2.3), rounded up
// to whole seconds.
func (p *Problem) RetryAfter(wait time.Duration) *Problem {
	seconds := (wait + time.Second - 1) / time.Second
	return p.With("Retry-After", strconv.FormatInt(int64(max(seconds, 1)), 10))
}

// With adds a header to the response.
func (p *Problem) With(name, value string) *Problem {
	p.header.Set(name, value)
	return p
}

// Error returns the description.
func (p *Problem) Error() string { return p.Detail }

// GetStatus, GetHeaders and ContentType implement the interfaces of the API framework.
func (p *Problem) GetStatus() int              { return p.Status }
func (p *Problem) GetHeaders() http.Header     { return p.header }
func (p *Problem) ContentType(_ string) string { return problemType }

// statusByKind maps each kind of fault to its status.
var statusByKind = map[monitor.FaultKind]int{
	monitor.Invalid:     http.StatusUnprocessableEntity,
	monitor.NotFound:    http.StatusNotFound,
	monitor.Forbidden:   http.StatusForbidden,
	monitor.Conflict:    http.StatusConflict,
	monitor.RateLimited: http.StatusTooManyRequests,
}

// rateLimitWait is the Retry-After of faults without a wait.
const rateLimitWait = 10 * time.Second

// ProblemOf returns the response to an error of the client: a [*Problem], a
// [*monitor.Fault] or [monitor.Faults]. It returns false for internal errors.
// locate returns the position of a field in the request.
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

// InternalError is the response to an internal error. Details are only in the log.
func InternalError() *Problem {
	return NewProblem(http.StatusInternalServerError, "Internal server error. The log of the server has the details under this request id.")
}

// Unavailable is the response while the database is unavailable.
func Unavailable() *Problem {
	return NewProblem(http.StatusServiceUnavailable, "The database is unavailable. Try again in a few seconds.").RetryAfter(5 * time.Second)
}

// Write writes the problem as the response.
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
	_, _ = w.Write(append(body, '\n')) // the client may have disconnected
}
