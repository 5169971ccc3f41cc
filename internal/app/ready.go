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

// part is one condition of readiness.
type part struct {
	name  string // what it does, for strangers
	cause error  // nil: it does
}

// parts returns all conditions of readiness. A slow or unavailable provider is not
// one of them: pings are still stored, and other alerts are still sent.
func (e *Engine) parts(now time.Time) []part {
	_, down := e.db.Unavailable()
	storing := down
	if storing == nil {
		storing = errors.Join(e.files.Check(now), e.publish.Check(now), e.batcher.Check(now))
	}
	return []part{
		{"storing pings", storing},
		{"judging", e.sweep.Check(now)},
		{"delivering alerts", e.deliver.Check(now)},
	}
}

// reasons are the only causes that /readyz shows: errors of a driver contain
// addresses, users and paths. The first match is used.
var reasons = []struct {
	err  error
	text string
}{
	{store.ErrMoved, "the database is unavailable: its files were deleted, moved or replaced"},
	{store.ErrDisk, "the database is unavailable: its disk is full or fails"},
	{store.ErrAway, "the database is unavailable"},
	{errChannelFails, "a channel does not deliver (see the page Channels)"},
}

// otherReason is shown for every cause that is not in reasons.
const otherReason = "fails or is stalled"

// publicReason returns the text that /readyz shows for a cause.
func publicReason(cause error) string {
	for _, r := range reasons {
		if errors.Is(cause, r.err) {
			return r.text
		}
	}
	return otherReason
}

// Ready returns nil when pings can be committed, judging is on time and
// deliveries continue. Otherwise it returns the public reason and the full cause.
func (e *Engine) Ready() (public string, cause error) {
	var said []string
	var causes []error
	for _, p := range e.parts(time.Now()) {
		if p.cause != nil {
			said = append(said, p.name+": "+publicReason(p.cause))
			causes = append(causes, fmt.Errorf("%s: %w", p.name, p.cause))
		}
	}
	return strings.Join(said, "; "), errors.Join(causes...)
}

// answerReady answers /readyz, which needs no credentials: details are only in
// the log.
func (e *Engine) answerReady(w http.ResponseWriter, _ *http.Request) {
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
		plain(w, http.StatusServiceUnavailable, "not ready: "+public+" (see the log)")
		return
	}
	text := "ready"
	if warning := e.warning(); warning != nil {
		text += "; warning: delivering alerts: " + publicReason(warning)
	}
	plain(w, http.StatusOK, text)
}

// readyLogInterval is how often the log repeats why a server is not ready.
const readyLogInterval = time.Minute

// readyLog limits the messages about readiness: probes may ask many times a second.
type readyLog struct {
	mu   sync.Mutex
	said string // empty: ready
	at   time.Time
}

// due reports whether to log an answer: it changed, or the server is still not
// ready after the interval.
func (l *readyLog) due(now time.Time, public string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if public == l.said && (public == "" || now.Sub(l.at) < readyLogInterval) {
		return false
	}
	l.said, l.at = public, now
	return true
}
