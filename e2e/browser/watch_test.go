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

// watch notes everything that goes wrong in a tab. It is safe for concurrent
// use.
type watch struct {
	mu       sync.Mutex
	wrong    []string
	expected []int64           // statuses that the journey provokes
	requests map[string]string // by id: what was asked for
	done     bool              // nothing more counts
}

// breach is the function of the page that watchPolicy calls.
const breach = "policyBreached"

// watchPolicy tells of every breach of the content security policy, from inside
// the page.
const watchPolicy = `addEventListener("securitypolicyviolation", (e) => ` + breach + `(e.effectiveDirective + " " + e.blockedURI + " " + e.sample));`

// noTransition is what Chromium itself throws into a page when it was too slow
// to fade from the page before, as the stylesheet asks. The page is shown at
// once then, which is as good.
const noTransition = "Transition was aborted because of invalid state"

// expect announces statuses of errors that the journey provokes.
func (w *watch) expect(statuses ...int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = append(w.expected, statuses...)
}

// over forgets what went wrong, and does not note any more: for a journey that
// provokes it.
func (w *watch) over() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong, w.done = nil, true
}

// faults are what went wrong so far.
func (w *watch) faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// note adds what went wrong.
func (w *watch) note(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// hear takes an event of the tab. It must be fast and ask the browser nothing.
func (w *watch) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventBindingCalled:
		if e.Name == breach {
			w.note("content security policy: %s", e.Payload)
		}
	case *runtime.EventExceptionThrown:
		if what := thrown(e.ExceptionDetails); !strings.Contains(what, noTransition) {
			w.note("exception: %s", what)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.note("console: %s", said(e.Args))
		}
	case *log.EventEntryAdded:
		// What the network has to say is judged by the request itself.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			w.note("log of the browser: %s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		w.issue(e.Issue)
	default:
		w.transfer(event)
	}
}

// performance is the code of issues that are advice about speed, which
// make bench measures.
const performance = "PerformanceIssue"

// issue takes what the browser itself finds wrong with a page.
func (w *watch) issue(i *audits.InspectorIssue) {
	switch {
	case i.Code == performance:
	case i.Details == nil:
		w.note("issue: %s", i.Code)
	case i.Details.ContentSecurityPolicyIssueDetails != nil:
		d := i.Details.ContentSecurityPolicyIssueDetails
		w.note("content security policy: %s %s", d.ViolatedDirective, d.BlockedURL)
	case i.Details.GenericIssueDetails != nil:
		w.note("issue: %s %s", i.Details.GenericIssueDetails.ErrorType, i.Details.GenericIssueDetails.ViolatingNodeAttribute)
	default:
		w.note("issue: %s", i.Code)
	}
}

// transfer takes what becomes of requests.
func (w *watch) transfer(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests[string(e.RequestID)] = e.Request.Method + " " + e.Request.URL
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 && !slices.Contains(w.expected, e.Response.Status) {
			w.note("answer: %d to %s", e.Response.Status, w.requests[string(e.RequestID)])
		}
	case *network.EventLoadingFailed:
		// A page that is left takes its stream and its unfinished requests along.
		if !e.Canceled {
			w.note("request: %s: %s %s", w.requests[string(e.RequestID)], e.ErrorText, e.BlockedReason)
		}
	}
}

// thrown is an exception in words.
func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// said is what was written to the console.
func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, strings.TrimSpace(string(a.Value)+" "+a.Description))
	}
	return strings.Join(words, " ")
}
