package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"overdue/internal/canary"
	"overdue/internal/loop"
	"overdue/internal/store"
	"overdue/internal/web"
)

// readinessCheck is one condition of readiness.
type readinessCheck struct {
	name  string // shown to unauthenticated clients
	cause error  // nil: it does
}

// readinessChecks returns all conditions of readiness. They do not include providers: if
// one is unavailable, pings are still stored and other alerts are still sent.
func (e *Engine) readinessChecks(now time.Time) []readinessCheck {
	storing := e.checkStoring(now)
	if storing == nil {
		storing = e.batcher.Check(now)
	}
	return []readinessCheck{
		{"storing pings", storing},
		{"evaluating heartbeats", e.sweep.Check(now)},
		{"delivering alerts", e.delivery.Check(now)},
		{"testing the pipeline", e.checkCanary(now)},
	}
}

// checkStoring returns why this node cannot store pings, or nil. It does not include the last
// batches: only another ping shows that they can be stored again.
func (e *Engine) checkStoring(now time.Time) error {
	if _, down := e.db.Unavailable(); down != nil {
		return down
	}
	return errors.Join(e.files.Check(now), e.publish.Check(now))
}

// publicReasons are the only causes that /readyz shows, because driver errors
// contain addresses, users and paths. The first match is used.
var publicReasons = []struct {
	err  error
	text string
}{
	{store.ErrFilesMoved, "the database is unavailable: its files were deleted, moved or replaced"},
	{store.ErrDisk, "the database is unavailable: its disk is full or failing"},
	{store.ErrUnavailable, "the database is unavailable"},
	{errChannelFailing, "a channel does not deliver (see the page Channels)"},
	{errAlertsWaiting, "alerts are waiting (see overdue_alerts_oldest_pending_seconds)"},
}

// defaultReason is shown for every cause that is not in reasons.
const defaultReason = "failing"

// publicReason returns the text that /readyz shows for a cause.
func publicReason(cause error) string {
	for _, r := range publicReasons {
		if errors.Is(cause, r.err) {
			return r.text
		}
	}
	return defaultReason
}

// public returns the text of a failed check. The name of a loop, how long it is stalled
// and how late the canary is reveal nothing that is secret.
func (c readinessCheck) public() string {
	reason := publicReason(c.cause)
	if late, ok := errors.AsType[*canary.LateError](c.cause); ok && reason == defaultReason {
		return late.Error()
	}
	if stalled, ok := errors.AsType[*loop.StalledError](c.cause); ok && reason == defaultReason {
		return stalled.Error()
	}
	return c.name + ": " + reason
}

// Ready returns nil if pings can be committed, heartbeats are evaluated on time and
// alerts are delivered. Otherwise it returns the public reason and the full cause.
func (e *Engine) Ready() (public string, cause error) {
	var texts []string
	var causes []error
	for _, p := range e.readinessChecks(time.Now()) {
		if p.cause != nil {
			texts = append(texts, p.public())
			causes = append(causes, fmt.Errorf("%s: %w", p.name, p.cause))
		}
	}
	return strings.Join(texts, "; "), errors.Join(causes...)
}

// serveReady serves /readyz. It needs no credentials, so details are only in
// the log.
func (e *Engine) serveReady(w http.ResponseWriter, _ *http.Request) {
	public, cause := e.Ready()
	if e.readyLog.due(time.Now(), public) {
		if cause != nil {
			e.log.Warn("not ready", "component", "readiness", "error", cause)
		} else {
			e.log.Info("ready again", "component", "readiness")
		}
	}
	status, text := e.readyAnswer(public, cause)
	if cause != nil {
		w.Header().Set("Retry-After", readyRetryAfter)
	}
	writeText(w, status, text)
}

// readyRetryAfter is the header Retry-After of a server that is not ready, in seconds.
const readyRetryAfter = "5"

// readyAnswer returns the status and the text of /readyz for the result of Ready.
func (e *Engine) readyAnswer(public string, cause error) (status int, text string) {
	if cause != nil {
		return http.StatusServiceUnavailable, "not ready: " + public + " (see the log)"
	}
	text = "ready"
	for _, warning := range e.warnings() {
		text += "; warning: " + warning
	}
	return http.StatusOK, text
}

// serverStatus returns what the page about the server shows about this node. Like
// /readyz, it has no causes that only the log has: people own a project, not the server.
func (e *Engine) serverStatus(ctx context.Context) (s web.ServerStatus, err error) {
	now := time.Now()
	public, cause := e.Ready()
	status, text := e.readyAnswer(public, cause)
	header := fmt.Sprintf("HTTP/1.1 %d %s\n", status, http.StatusText(status))
	if cause != nil {
		header += "Retry-After: " + readyRetryAfter + "\n"
	}
	s = web.ServerStatus{Shared: e.db.IsShared(), Ready: cause == nil, Answer: header + "\n" + text, Canary: e.canaryStatus(now)}
	measured := e.measured(s.Canary)
	for i, c := range e.readinessChecks(now) {
		row := web.ReadinessCheck{Name: c.name, Failing: c.cause != nil, Detail: measured[i]}
		if row.Failing {
			row.Detail = c.public()
		}
		s.Checks = append(s.Checks, row)
	}
	for _, warning := range e.warnings() {
		s.Checks = addWarning(s.Checks, warning)
	}
	s.Targets, err = e.pingTargets(ctx)
	return s, err
}

// addWarning adds a warning of /readyz to its check, or as another one. A check that
// fails keeps its reason.
func addWarning(checks []web.ReadinessCheck, warning string) []web.ReadinessCheck {
	name, detail, found := strings.Cut(warning, ": ")
	if !found {
		name, detail = "using the clock", warning
	}
	for i, c := range checks {
		if c.Name != name {
			continue
		}
		if !c.Failing {
			checks[i].Warning, checks[i].Detail = true, c.Detail+"; "+detail
		}
		return checks
	}
	return append(checks, web.ReadinessCheck{Name: name, Warning: true, Detail: detail})
}

// measured returns the current values of the checks that readinessChecks returns.
func (e *Engine) measured(canary web.CanaryStatus) []string {
	stored, alerts, pipeline := "No ping or test ping stored yet", "No alert is pending", "No alert of the canary has arrived yet"
	if t := e.db.LastCommit(); !t.IsZero() {
		stored = fmt.Sprintf("The last ping or test ping was stored %.1f s ago", max(0, e.db.Now().Sub(t).Seconds()))
	}
	if oldest := e.outbox().Oldest; oldest > 0 {
		alerts = fmt.Sprintf("The oldest pending alert has waited %.0f s", oldest.Seconds())
	}
	switch n := len(canary.Rounds); {
	case !canary.Enabled:
		pipeline = "The canary is turned off"
	case n > 0 && canary.Rounds[n-1].Lost:
		pipeline = "The last alert of the canary did not arrive"
	case n > 0:
		pipeline = fmt.Sprintf("The last alert of the canary took %.2f s", canary.Rounds[n-1].Took.Seconds())
	}
	return []string{stored, fmt.Sprintf("Pings are stored up to %d ms ago", e.nodeMetrics().WatermarkLag.Milliseconds()), alerts, pipeline}
}

// readyLogInterval is the interval at which the log repeats why a server is not ready.
const readyLogInterval = time.Minute

// readyLog limits the log messages about readiness: there may be many probes a second.
type readyLog struct {
	mu         sync.Mutex
	lastReason string // empty: ready
	loggedAt   time.Time
}

// due reports whether to log the state: it changed, or the server is still not
// ready after the interval.
func (l *readyLog) due(now time.Time, public string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	public = strings.Map(func(r rune) rune { // how long a loop is stalled is no change
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, public)
	if public == l.lastReason && (public == "" || now.Sub(l.loggedAt) < readyLogInterval) {
		return false
	}
	l.lastReason, l.loggedAt = public, now
	return true
}
