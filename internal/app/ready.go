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

// part is one thing that a server must do to be ready.
type part struct {
	name  string // what it does, for strangers
	cause error  // nil: it does
}

// parts are all of them. A provider that is slow or away is no reason: pings are
// stored, and alerts sent elsewhere, all the same.
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

// reasons are all that strangers may read: what a driver says holds addresses,
// users and paths. The first that fits counts.
var reasons = []struct {
	err  error
	text string
}{
	{store.ErrMoved, "the database is unavailable: its files were deleted, moved or replaced"},
	{store.ErrDisk, "the database is unavailable: its disk is full or fails"},
	{store.ErrAway, "the database is unavailable"},
}

// otherReason is for what is in no list.
const otherReason = "fails or is stalled"

// publicReason is a cause in words that strangers may read.
func publicReason(cause error) string {
	for _, r := range reasons {
		if errors.Is(cause, r.err) {
			return r.text
		}
	}
	return otherReason
}

// Ready returns nil when pings can be committed, judging is on time and
// deliveries go on. Otherwise it returns why not: in public, and in full.
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

// answerReady answers /readyz. Strangers may ask, so only the log has details.
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
	plain(w, http.StatusOK, "ready")
}

// readyLogInterval is how often the log repeats why a server is not ready.
const readyLogInterval = time.Minute

// readyLog decides what the log says: probes may ask many times a second.
type readyLog struct {
	mu   sync.Mutex
	said string // empty: ready
	at   time.Time
}

// due reports whether an answer is news: it changed, or it is still bad after
// the interval.
func (l *readyLog) due(now time.Time, public string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if public == l.said && (public == "" || now.Sub(l.at) < readyLogInterval) {
		return false
	}
	l.said, l.at = public, now
	return true
}
