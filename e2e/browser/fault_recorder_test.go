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

// faultRecorder notes everything that goes wrong in a tab. It is safe for concurrent
// use.
type faultRecorder struct {
	mu       sync.Mutex
	wrong    []string
	expected []int64           // statuses that the journey provokes
	requests map[string]string // by id: what was asked for
	done     bool              // nothing more counts
}

// violationCallback is the function of the page that violationListener calls.
const violationCallback = "policyBreached"

// violationListener tells of every breach of the content security policy, from inside
// the page.
const violationListener = `addEventListener("securitypolicyviolation", (e) => ` + violationCallback + `(e.effectiveDirective + " " + e.blockedURI + " " + e.sample));`

// noTransition is what Chromium itself throws into a page when it was too slow
// to fade from the page before, as the stylesheet asks. The page is shown at
// once then, which is as good.
const noTransition = "Transition was aborted because of invalid state"

// expect announces statuses of errors that the journey provokes.
func (w *faultRecorder) expect(statuses ...int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, statuses...)
}

// finish forgets what went wrong, and does not note any more: for a journey that
// provokes it.
func (w *faultRecorder) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong, w.done = nil, true
}

// faults are what went wrong so far.
func (w *faultRecorder) faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// record adds what went wrong.
func (w *faultRecorder) record(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// handleEvent takes an event of the tab. It must be fast and ask the browser nothing.
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
		// What the network has to say is judged by the request itself.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			w.record("log of the browser: %s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		w.handleIssue(e.Issue)
	default:
		w.handleTransfer(event)
	}
}

// performance is the code of issues that are advice about speed, which
// make bench measures.
const performance = "PerformanceIssue"

// handleIssue takes what the browser itself finds wrong with a page.
func (w *faultRecorder) handleIssue(i *audits.InspectorIssue) {
	switch {
	case i.Code == performance:
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

// handleTransfer takes what becomes of requests.
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

// exceptionText is an exception in words.
func exceptionText(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// consoleText is what was written to the console.
func consoleText(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, strings.TrimSpace(string(a.Value)+" "+a.Description))
	}
	return strings.Join(words, " ")
}
