package cli

import (
	"context"
	"os"
	"os/signal"
	"time"
)

// signals are what the operator sends us while a job runs.
type signals struct {
	received chan os.Signal
	ignored  chan os.Signal
}

// listenForSignals begins to catch signals: before the child starts, so that none falls
// into the gap.
func listenForSignals() *signals {
	s := &signals{received: make(chan os.Signal, 16), ignored: make(chan os.Signal, 1)}
	notifyUnlessIgnored(s.received, forwardedSignals()...)
	// Otherwise the first write to a closed standard output ends us before the
	// end ping. Ignoring the signal would not do: the child would inherit that.
	signal.Notify(s.ignored, brokenPipeSignal())
	return s
}

// notifyUnlessIgnored relays signals, except those that are ignored, as SIGHUP is under
// nohup(1). If we caught such a signal, the child would no longer ignore it.
func notifyUnlessIgnored(to chan<- os.Signal, all ...os.Signal) {
	for _, sig := range all {
		if !signal.Ignored(sig) {
			signal.Notify(to, sig)
		}
	}
}

// close gives the signals their ordinary meaning back.
func (s *signals) close() {
	signal.Stop(s.received)
	signal.Stop(s.ignored)
}

// forward passes a signal on, unless the terminal has sent it to the child as
// well: many programs take a second interrupt for "drop everything". So in a
// foreground job an interrupt sent with kill(1) to us alone is lost; outside,
// and for SIGTERM, nothing is. A signal that was sent to the whole process
// group reaches the child twice: the kernel does not say who else received it.
func (s *signals) forward(child *os.Process, sig os.Signal) {
	if isTerminalSignal(sig) && inForeground() {
		return
	}
	_ = child.Signal(sig) // it has just ended: the wait says so
}

// lateSignalTimeout is what is left of our patience once somebody has signalled after the
// end of the job. It is not nothing, because that signal may be the one that
// ended the job, sent to both of us and heard late.
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

// signalError is the reason for giving up early.
type signalError struct{ sig os.Signal }

func (i signalError) Error() string { return "stopped by signal: " + i.sig.String() }
