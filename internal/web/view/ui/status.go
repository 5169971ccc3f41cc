package ui

import "github.com/a-h/templ"

// StatusSign is the look of a status: its icon, its word and its colour as the
// value of data-status.
type StatusSign struct {
	Icon, Text, Tone string
}

// statusSigns has the status of every heartbeat, incident, delivery and channel.
// All icons differ in shape, because colour alone must not carry the meaning.
var statusSigns = map[string]StatusSign{
	"new":          {"st-new", "New", "new"},
	"up":           {"st-up", "Up", "up"},
	"late":         {"st-late", "Late", "late"},
	"down":         {"st-down", "Down", "down"},
	"paused":       {"st-paused", "Paused", "paused"},
	"running":      {"st-running", "Running", "running"},
	"open":         {"in-open", "Open", "open"},
	"acknowledged": {"in-ack", "Acknowledged", "acknowledged"},
	"resolved":     {"in-resolved", "Resolved", "resolved"},
	"sent":         {"dl-ok", "Delivered", "delivered"},
	"failed":       {"dl-fail", "Failed", "failed"},
	"working":      {"dl-ok", "Working", "working"},
	"failing":      {"dl-fail", "Failing", "failing"},
	"retrying":     {"dl-retry", "Retrying", "retrying"},
	"unconfirmed":  {"dl-retry", "Last test failed", "retrying"},
	"pending":      {"dl-retry", "Pending", "retrying"},
	"waiting":      {"clock", "Waiting", "paused"},
	"untested":     {"st-new", "Not tested", "new"},
}

// SignOf returns the sign of a status. An unknown status, written by a newer
// node, is shown by its name.
func SignOf(status string) StatusSign {
	if s, ok := statusSigns[status]; ok {
		return s
	}
	return StatusSign{"info", status, status}
}

// causeTexts has the label of each cause of an incident.
var causeTexts = map[string]string{
	"missed":      "Missed ping",
	"failure":     "Reported failure",
	"overran":     "Ran too long",
	"too_short":   "Ran too short",
	"not_started": "Not started",
}

// Cause returns the label of the cause of an incident. An unknown cause is its
// own label.
func Cause(cause string) string {
	if w, ok := causeTexts[cause]; ok {
		return w
	}
	return cause
}

// HeartbeatStatuses lists the statuses of a heartbeat, the most urgent first.
var HeartbeatStatuses = []string{"down", "late", "new", "up", "paused"}

// ToneAttr returns the attribute data-status, or none if the name is empty.
func ToneAttr(name string) templ.Attributes {
	if name == "" {
		return nil
	}
	return templ.Attributes{"data-status": name}
}

// severityLabels has the severities that pages show. Critical is the default and is
// not shown.
var severityLabels = map[string]string{"warning": "Warning", "info": "Info"}

// HasSeverity reports whether [Severity] shows a severity.
func HasSeverity(name string) bool { return severityLabels[name] != "" }
