package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"overdue/internal/store"
)

// readinessCheck is one condition of readiness.
type readinessCheck struct {
	name  string // what it does, for strangers
	cause error  // nil: it does
}

// readinessChecks returns all conditions of readiness. A slow or unavailable provider is not
// one of them: pings are still stored, and other alerts are still sent.
func (e *Engine) readinessChecks(now time.Time) []readinessCheck {
	_, down := e.db.Unavailable()
	storing := down
	if storing == nil {
		storing = errors.Join(e.files.Check(now), e.publish.Check(now), e.batcher.Check(now))
	}
	return []readinessCheck{
		{"storing pings", storing},
		{"judging", e.sweep.Check(now)},
		{"delivering alerts", e.deliver.Check(now)},
	}
}

// publicReasons are the only causes that /readyz shows: errors of a driver contain
// addresses, users and paths. The first match is used.
var publicReasons = []struct {
	err  error
	text string
}{
	{store.ErrFilesMoved, "the database is unavailable: its files were deleted, moved or replaced"},
	{store.ErrDisk, "the database is unavailable: its disk is full or fails"},
	{store.ErrUnavailable, "the database is unavailable"},
	{errChannelFailing, "a channel does not deliver (see the page Channels)"},
}

// defaultReason is shown for every cause that is not in reasons.
const defaultReason = "fails or is stalled"

// publicReason returns the text that /readyz shows for a cause.
func publicReason(cause error) string {
	for _, r := range publicReasons {
		if errors.Is(cause, r.err) {
			return r.text
		}
	}
	return defaultReason
}

// Ready returns nil when pings can be committed, judging is on time and
// deliveries continue. Otherwise it returns the public reason and the full cause.
func (e *Engine) Ready() (public string, cause error) {
	var said []string
	var causes []error
	for _, p := range e.readinessChecks(time.Now()) {
		if p.cause != nil {
			said = append(said, p.name+": "+publicReason(p.cause))
			causes = append(causes, fmt.Errorf("%s: %w", p.name, p.cause))
		}
	}
	return strings.Join(said, "; "), errors.Join(causes...)
}

// serveReady answers /readyz, which needs no credentials: details are only in
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
	if warning := e.warning(); warning != nil {
		text += "; warning: delivering alerts: " + publicReason(warning)
	}
	writeText(w, http.StatusOK, text)
}

// readyLogInterval is how often the log repeats why a server is not ready.
const readyLogInterval = time.Minute

// readyLog limits the messages about readiness: probes may ask many times a second.
type readyLog struct {
	mu         sync.Mutex
	lastReason string // empty: ready
	loggedAt   time.Time
}

// due reports whether to log an answer: it changed, or the server is still not
// ready after the interval.
func (l *readyLog) due(now time.Time, public string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if public == l.lastReason && (public == "" || now.Sub(l.loggedAt) < readyLogInterval) {
		return false
	}
	l.lastReason, l.loggedAt = public, now
	return true
}
