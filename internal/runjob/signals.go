package runjob

import (
	"context"
	"os"
	"os/signal"
	"time"
)

// signals receives the signals to this process while a job runs.
type signals struct {
	received chan os.Signal
	ignored  chan os.Signal
}

// listenForSignals starts to catch signals. It is called before the child starts, so
// that none is lost.
func listenForSignals() *signals {
	s := &signals{received: make(chan os.Signal, 16), ignored: make(chan os.Signal, 1)}
	notifyUnlessIgnored(s.received, forwardedSignals()...)
	// Otherwise the first write to a closed standard output would end this process
	// before the finish ping. The child would inherit an ignored signal.
	signal.Notify(s.ignored, brokenPipeSignal())
	return s
}

// notifyUnlessIgnored relays signals, except ignored ones such as SIGHUP under nohup(1).
// If this process caught an ignored signal, the child would no longer ignore it.
func notifyUnlessIgnored(to chan<- os.Signal, all ...os.Signal) {
	for _, sig := range all {
		if !signal.Ignored(sig) {
			signal.Notify(to, sig)
		}
	}
}

// close restores the default effect of the signals.
func (s *signals) close() {
	signal.Stop(s.received)
	signal.Stop(s.ignored)
}

// forward passes a signal on, unless the terminal has sent it to the child as well: to
// many programs, a second interrupt means "stop at once". So in a foreground job, an
// interrupt that kill(1) sends to this process alone is lost; in other jobs, and for
// SIGTERM, nothing is lost. A signal to the whole process group reaches the child
// twice, because the kernel does not say which processes received it.
func (s *signals) forward(child *os.Process, sig os.Signal) {
	if isTerminalSignal(sig) && inForeground() {
		return
	}
	_ = child.Signal(sig) // it has just ended: the wait says so
}

// lateSignalTimeout is the time left for pings after a signal that arrives after the end
// of the job. It is not zero, because the signal can be the one that ended the job.
const lateSignalTimeout = 2 * time.Second

// cancelAfterSignal returns a context that ends soon after the next signal.
func (s *signals) cancelAfterSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-ctx.Done():
			return
		case sig := <-s.received:
			soon := time.NewTimer(lateSignalTimeout)
			defer soon.Stop()
			select {
			case <-ctx.Done():
			case <-soon.C:
				cancel(signalError{sig})
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ sig os.Signal }

func (i signalError) Error() string { return "stopped by signal: " + i.sig.String() }
