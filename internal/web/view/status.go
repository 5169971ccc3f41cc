package view

import "github.com/a-h/templ"

// statusSign is how a status looks: which icon, which word, and which colour, as the
// value of data-status.
type statusSign struct {
	icon, word, tone string
}

// statusSigns holds every status there is, of heartbeats, incidents, deliveries and
// channels. Silhouettes differ, so that the colour is never needed.
var statusSigns = map[string]statusSign{
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
	"untested":     {"st-new", "Not tested", "new"},
}

// signOf never fails: a status that a newer node wrote is shown by its name.
func signOf(status string) statusSign {
	if s, ok := statusSigns[status]; ok {
		return s
	}
	return statusSign{"info", status, status}
}

// causeTexts are the reasons for an incident, in the words of the product.
var causeTexts = map[string]string{
	"missed":      "Missed ping",
	"failure":     "Reported failure",
	"overran":     "Ran too long",
	"too_short":   "Ran too short",
	"not_started": "Not started",
}

// Cause says why an incident opened; an unknown cause is its own name.
func Cause(cause string) string {
	if w, ok := causeTexts[cause]; ok {
		return w
	}
	return cause
}

// heartbeatStatuses in the order in which they deserve attention.
var heartbeatStatuses = []string{"down", "late", "new", "up", "paused"}

// tone is the value of data-status, absent for plain ink.
func tone(name string) templ.Attributes {
	if name == "" {
		return nil
	}
	return templ.Attributes{"data-status": name}
}
