package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"overdue/client"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// Limits of a body template. Admins of projects write templates, and must not be able to use up the memory or the
// processor of the server.
const (
	maxTemplateOutput = 256 << 10 // bytes of a body, and of each text in between
	maxTemplateSteps  = 100_000   // iterations and calls of templates
	maxTemplateTime   = time.Second
)

var (
	errTemplateOutput = fmt.Errorf("the body is larger than %d kB", maxTemplateOutput>>10)
	errTemplateTime   = errors.New("the template takes too long")
)

// bodyTemplate is a parsed template of the body of a webhook. It is for one use.
type bodyTemplate struct {
	*template.Template
	steps int
	begun time.Time
}

// parseBody parses a template. Every iteration and every call of a template checks the limits.
func parseBody(text string) (*bodyTemplate, error) {
	b := &bodyTemplate{}
	t, err := template.New("body").Option("missingkey=error").Funcs(b.functions()).Parse(text)
	if err != nil {
		return nil, err
	}
	check := template.Must(template.New("check").Funcs(b.functions()).Parse("{{checkLimits}}")).Root.Nodes[0]
	for _, part := range t.Templates() {
		if part.Tree != nil {
			addChecks(part.Root, check)
			part.Root.Nodes = append([]parse.Node{check}, part.Root.Nodes...)
		}
	}
	b.Template = t
	return b, nil
}

// addChecks adds a check to the body of each loop.
func addChecks(list *parse.ListNode, check parse.Node) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			addChecks(n.List, check)
			addChecks(n.ElseList, check)
		case *parse.WithNode:
			addChecks(n.List, check)
			addChecks(n.ElseList, check)
		case *parse.RangeNode:
			addChecks(n.List, check)
			addChecks(n.ElseList, check)
			n.List.Nodes = append([]parse.Node{check}, n.List.Nodes...)
		}
	}
}

// functions returns the functions of templates. Those of the package that return texts are replaced by ones with a limit.
func (b *bodyTemplate) functions() template.FuncMap {
	limited := func(text string) (string, error) {
		if len(text) > maxTemplateOutput {
			return "", errTemplateOutput
		}
		return text, nil
	}
	return template.FuncMap{
		"checkLimits": func() (string, error) {
			b.steps++
			if b.steps > maxTemplateSteps || time.Since(b.begun) > maxTemplateTime {
				return "", errTemplateTime
			}
			return "", nil
		},
		"json": func(value any) (string, error) {
			var out bytes.Buffer
			e := json.NewEncoder(&out)
			e.SetEscapeHTML(false)
			if err := e.Encode(value); err != nil {
				return "", err
			}
			return limited(strings.TrimSuffix(out.String(), "\n"))
		},
		"upper":    func(text string) (string, error) { return limited(strings.ToUpper(text)) },
		"lower":    func(text string) (string, error) { return limited(strings.ToLower(text)) },
		"trim":     strings.TrimSpace,
		"shorten":  func(length int, text string) string { return message.Shorten(text, max(length, 1)) },
		"print":    func(values ...any) (string, error) { return limited(fmt.Sprint(values...)) },
		"println":  func(values ...any) (string, error) { return limited(fmt.Sprintln(values...)) },
		"printf":   func(format string, values ...any) (string, error) { return limited(fmt.Sprintf(format, values...)) },
		"html":     func(values ...any) (string, error) { return limited(template.HTMLEscaper(values...)) },
		"js":       func(values ...any) (string, error) { return limited(template.JSEscaper(values...)) },
		"urlquery": func(values ...any) (string, error) { return limited(template.URLQueryEscaper(values...)) },
	}
}

// limitedBuffer is a buffer that rejects more than the limit.
type limitedBuffer struct{ bytes.Buffer }

// Write adds output.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxTemplateOutput {
		return 0, errTemplateOutput
	}
	return b.Buffer.Write(p)
}

// renderBody returns the body for an event. Templates use the names of the JSON members.
func renderBody(text string, event client.Notification) ([]byte, error) {
	b, err := parseBody(text)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var data any
	if err := decoder.Decode(&data); err != nil {
		return nil, err
	}
	b.begun = time.Now()
	var out limitedBuffer
	if err := b.Execute(&out, withIntegers(data)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// withIntegers replaces numbers without a fraction by integers, so that templates can compare them with constants.
func withIntegers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n)
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = withIntegers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = withIntegers(v[name])
		}
	}
	return value
}

// templatePlace matches the name, the line and the column at the beginning of an error.
var templatePlace = regexp.MustCompile(`^template: body:(\d+)(?::\d+)?: (?:executing "[^"]*" at |)`)

// templateProblem returns an error of a template as a sentence with its line.
func templateProblem(err error) string {
	text := message.OneLine(err.Error())
	if at := templatePlace.FindStringSubmatch(text); at != nil {
		text = "Line " + at[1] + ": " + text[len(at[0]):]
	}
	return strings.TrimSuffix(message.Shorten(text, message.MaxDetail), ".") + "."
}

// checkWebhook checks the template with an example of every event.
func checkWebhook(set setting.Values) []setting.Problem {
	text := set.Text("body")
	if text == "" {
		if _, given := set.Map("headers")["Content-Type"]; given {
			return []setting.Problem{{Field: "headers", Text: "The header Content-Type is set by Overdue: use another name, or set a body template."}}
		}
		return nil
	}
	if _, err := parseBody(text); err != nil {
		return []setting.Problem{{Field: "body", Text: templateProblem(err)}}
	}
	begun := time.Now()
	for _, n := range exampleEvents() {
		_, err := renderBody(text, n.Body())
		if err == nil && time.Since(begun) > maxTemplateTime { // of all examples
			err = errTemplateTime
		}
		if err != nil {
			return []setting.Problem{{Field: "body", Text: fmt.Sprintf("With the event %s: %s", n.Event, templateProblem(err))}}
		}
	}
	return nil
}

// exampleEvents returns a notification of every event, each with the members that it has.
func exampleEvents() (all []message.Notification) {
	at := time.Date(2026, 10, 14, 5, 0, 4, 0, time.UTC)
	exit := 3
	incident := client.Incident{ID: "01", Number: 482, State: "open", Cause: "failure", OpenedAt: at, DetectedAt: at, HeartbeatName: "backup"}
	heartbeat := client.Heartbeat{Ref: "r1", Name: "backup", Slug: "backup", Status: "down", Severity: "critical", Schedule: "every 1 h"}
	for _, event := range []string{message.EventOpened, message.EventReminder, message.EventAcknowledged, message.EventResolved, message.EventLate} {
		for _, code := range []*int{&exit, nil} {
			i, h := incident, heartbeat
			n := message.Notification{
				AlertID: "01", Event: event, At: at, Project: "Main", Heartbeat: "backup", Number: 482, Cause: "failure", DownSince: at,
				URL: "https://overdue.example.com/incidents/01", ExitCode: code, Notice: client.Notification{Heartbeat: &h},
			}
			if event != message.EventLate {
				n.Notice.Incident = &i
			}
			if code != nil {
				n.Output, n.Explanation, n.AckURL = "disk full", "The job failed.", "https://overdue.example.com/ack"
			}
			all = append(all, n)
		}
	}
	failing := &message.FailingChannel{Channel: "mail", Reason: "refused", Since: at}
	return append(all,
		message.Notification{AlertID: "01", Event: message.EventChannelFailing, At: at, Project: "Main", Failing: failing},
		message.Notification{AlertID: "01", Event: message.EventChannelRecovered, At: at, Project: "Main", Failing: failing},
		message.Notification{AlertID: "01", Event: message.EventBlackout, At: at, Project: "Main", Blackout: &client.BlackoutDetail{}},
		message.Notification{AlertID: "01", Event: message.EventGrouped, At: at, Project: "Main", Group: &client.IncidentGroup{}},
		message.Notification{AlertID: "01", Event: message.EventTest, At: at, Project: "Main"},
	)
}

// webhookBody returns the body of a request, and its content type.
func webhookBody(set setting.Values, n message.Notification) (body []byte, contentType string, err error) {
	text := set.Text("body")
	if text == "" {
		body, err = json.Marshal(n.Body())
		return body, "application/json", err
	}
	if body, err = renderBody(text, n.Body()); err != nil {
		return nil, "", errors.New(templateProblem(err))
	}
	if json.Valid(body) {
		return body, "application/json", nil
	}
	return body, "text/plain; charset=utf-8", nil
}
