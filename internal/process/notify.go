package process

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// NotifyReady reports that the server is ready, with a line for systemctl status.
func NotifyReady(status string) { notify(daemon.SdNotifyReady, "STATUS="+status) }

// NotifyRestart reports that the server stops, and that the same process starts it again.
func NotifyRestart() {
	notify(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec(), "STATUS=Restarting")
}

// NotifyStop reports that the server stops.
func NotifyStop() { notify(daemon.SdNotifyStopping, "STATUS=Stopping") }

// notify sends lines to systemd. It does nothing without systemd. Errors do not matter:
// a service whose reports are missing is restarted.
func notify(lines ...string) { _, _ = daemon.SdNotify(false, strings.Join(lines, "\n")) }

// Health is the state of a server.
type Health struct {
	Status string // one line for systemctl status
	// Stalled is set if only a new process can heal the server.
	Stalled error
}

// maxStatusAge is the interval of status reports if systemd sets no shorter one for the
// watchdog.
const maxStatusAge = 10 * time.Second

// Reporter reports the state of the server regularly, for the watchdog of systemd. systemd restarts the server if it
// is stalled or the reports are missing.
type Reporter struct {
	log    *slog.Logger
	notify func(lines ...string)

	mu     sync.Mutex
	health func() Health // nil while the server starts or stops
}

// NewReporter returns a reporter to systemd.
func NewReporter(log *slog.Logger) *Reporter { return &Reporter{log: log, notify: notify} }

// Interval returns the interval of the reports: half of what systemd accepts, or 0
// without systemd.
func (w *Reporter) Interval() time.Duration {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return 0
	}
	timeout, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		w.log.Warn("systemd watchdog disabled", "component", "watchdog", "error", err)
	}
	if timeout <= 0 {
		return maxStatusAge
	}
	return min(timeout/2, maxStatusAge)
}

// Watch sets the function that returns the state of the server. While it is nil, as
// during a start and a stop, the server counts as healthy.
func (w *Reporter) Watch(health func() Health) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health = health
}

// Run reports at an interval until ctx ends.
func (w *Reporter) Run(ctx context.Context, interval time.Duration) {
	if interval <= 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	stalled := false
	for {
		stalled = w.report(stalled)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// report reports once, and returns whether the server is stalled.
func (w *Reporter) report(wasStalled bool) (stalled bool) {
	w.mu.Lock()
	health := w.health
	w.mu.Unlock()
	if health == nil {
		w.notify(daemon.SdNotifyWatchdog)
		return false
	}
	h := health()
	if h.Stalled == nil {
		w.notify(daemon.SdNotifyWatchdog, "STATUS="+h.Status)
		return false
	}
	if !wasStalled {
		w.log.Error("server stalled", "component", "watchdog", "error", h.Stalled, "advice", "systemd restarts the server if WatchdogSec is set")
	}
	w.notify("STATUS=Stalled: " + h.Stalled.Error())
	return true
}
