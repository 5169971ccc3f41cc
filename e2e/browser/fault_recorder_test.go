package browser_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// faultRecorder records the errors and failed requests of a tab. It is safe for
// concurrent use.
type faultRecorder struct {
	mu       sync.Mutex
	wrong    []string
	expected []int64           // statuses that the journey provokes
	requests map[string]string // by id: what was asked for
	done     bool              // nothing more counts
}

// violationCallback is the function of the page that violationListener calls.
const violationCallback = "policyBreached"

// violationListener reports every violation of the content security policy from
// inside the page.
const violationListener = `addEventListener("securitypolicyviolation", (e) => ` + violationCallback + `(e.effectiveDirective + " " + e.blockedURI + " " + e.sample));`

// toastListener keeps the toast of a page, which disappears after a few seconds: a busy
// machine may look too late.
const toastListener = `addEventListener("DOMContentLoaded", () => {
	document.documentElement.dataset.toast = document.querySelector("#toast")?.innerText.trim() ?? "";
});`

// noTransition is an exception that Chromium throws into a page if it was too slow
// for the view transition of the stylesheet. The page is then shown without it.
const noTransition = "Transition was aborted because of invalid state"

// expect allows error statuses that the journey causes.
func (w *faultRecorder) expect(statuses ...int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, statuses...)
}

// finish discards the faults and stops recording, for a journey that causes them.
func (w *faultRecorder) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong, w.done = nil, true
}

// faults returns the faults so far.
func (w *faultRecorder) faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// record adds a fault.
func (w *faultRecorder) record(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// handleEvent handles an event of the tab. It must be fast and must not call the
// browser.
func (w *faultRecorder) handleEvent(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventBindingCalled:
		if e.Name == violationCallback {
			w.record("content security policy: %s", e.Payload)
		}
	case *runtime.EventExceptionThrown:
		if what := exceptionText(e.ExceptionDetails); !strings.Contains(what, noTransition) {
			w.record("exception: %s", what)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.record("console: %s", consoleText(e.Args))
		}
	case *log.EventEntryAdded:
		// Failed requests are recorded as network events.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			w.record("log of the browser: %s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		w.handleIssue(e.Issue)
	default:
		w.handleTransfer(event)
	}
}

// performanceIssue is the code of issues that are advice about speed.
const performanceIssue = "PerformanceIssue"

// handleIssue records a problem that the browser finds in a page.
func (w *faultRecorder) handleIssue(i *audits.InspectorIssue) {
	switch {
	case i.Code == performanceIssue:
	case i.Details == nil:
		w.record("issue: %s", i.Code)
	case i.Details.ContentSecurityPolicyIssueDetails != nil:
		d := i.Details.ContentSecurityPolicyIssueDetails
		w.record("content security policy: %s %s", d.ViolatedDirective, d.BlockedURL)
	case i.Details.GenericIssueDetails != nil:
		w.record("issue: %s %s", i.Details.GenericIssueDetails.ErrorType, i.Details.GenericIssueDetails.ViolatingNodeAttribute)
	default:
		w.record("issue: %s", i.Code)
	}
}

// handleTransfer records failed requests.
func (w *faultRecorder) handleTransfer(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests[string(e.RequestID)] = e.Request.Method + " " + e.Request.URL
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 && !slices.Contains(w.expected, e.Response.Status) {
			w.record("answer: %d to %s", e.Response.Status, w.requests[string(e.RequestID)])
		}
	case *network.EventLoadingFailed:
		// A page that is left takes its stream and its unfinished requests along.
		if !e.Canceled {
			w.record("request: %s: %s %s", w.requests[string(e.RequestID)], e.ErrorText, e.BlockedReason)
		}
	}
}

// exceptionText returns the text of an exception.
func exceptionText(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// consoleText returns the text of a console message.
func consoleText(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, strings.TrimSpace(string(a.Value)+" "+a.Description))
	}
	return strings.Join(words, " ")
}
