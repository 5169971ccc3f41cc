package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"overdue/internal/canary"
	"overdue/internal/loop"
	"overdue/internal/store"
)

// readinessCheck is one condition of readiness.
type readinessCheck struct {
	name  string // shown to unauthenticated clients
	cause error  // nil: it does
}

// readinessChecks returns all conditions of readiness. They do not include providers: if
// one is unavailable, pings are still stored and other alerts are still sent.
func (e *Engine) readinessChecks(now time.Time) []readinessCheck {
	_, down := e.db.Unavailable()
	storing := down
	if storing == nil {
		storing = errors.Join(e.files.Check(now), e.publish.Check(now), e.batcher.Check(now))
	}
	return []readinessCheck{
		{"storing pings", storing},
		{"evaluating heartbeats", e.sweep.Check(now)},
		{"delivering alerts", e.delivery.Check(now)},
		{"testing the pipeline", e.checkCanary(now)},
	}
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
	if cause != nil {
		w.Header().Set("Retry-After", "5")
		writeText(w, http.StatusServiceUnavailable, "not ready: "+public+" (see the log)")
		return
	}
	text := "ready"
	for _, warning := range e.warnings() {
		text += "; warning: " + warning
	}
	writeText(w, http.StatusOK, text)
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
