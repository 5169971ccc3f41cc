package httpd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// How a server stops.
const (
	// acceptDuration is the period for which a stopping server still accepts connections
	// if no other process accepts them after it.
	acceptDuration = 500 * time.Millisecond
	// firstRequestTimeout is the time from its acceptance for which a connection can send
	// its first request. If the packet with the request is lost, it comes again after
	// one second.
	firstRequestTimeout = 2 * time.Second
	// idleGrace is the minimum period for which a stopping server waits for requests on
	// connections that have none: their clients cannot know that it stops.
	idleGrace = 250 * time.Millisecond
	// incompleteTimeout is the time after which incomplete requests are closed. It
	// begins when the server no longer accepts connections.
	incompleteTimeout = 2 * time.Second
	// stopStep is the interval at which a stopping server looks at its connections.
	stopStep = 10 * time.Millisecond
)

// Serve serves the listener until ctx ends. Then it stops accepting connections
// and answers every complete request, for at most StopTimeout. Incomplete
// requests are closed after two seconds.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	var stopping atomic.Bool
	table := newConnRegistry(o.Limits, o.Rejections)
	table.plain = &plainServer{handler: o.Handler, stopping: &stopping}
	s, accepting := o.server(&stopping), newListener(l, table)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(accepting) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	deadline := time.Now().Add(o.StopTimeout)
	stopping.Store(true)
	if !o.Inherited && (o.Restarting == nil || !o.Restarting()) {
		// Connections that wait in the socket are lost when it is closed.
		waitWhile(acceptDuration, func() bool { return true })
	}
	err := accepting.stopAccepting()
	stoppedAccepting := time.Now()
	table.drain()
	// Shutdown would close their connections. No further ones begin.
	waitWhile(time.Until(deadline), func() bool { return table.plain.inProgress.Load() > 0 })
	err = errors.Join(err, shutDown(s, table, deadline))
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if o.Report != nil {
		*o.Report = StopReport{StoppedAccepting: stoppedAccepting, Dropped: int(table.dropped.Load())}
	}
	if err != nil {
		return fmt.Errorf("stop serving on %s: %w", l.Addr(), err)
	}
	return nil
}

// StopReport describes how a server stopped.
type StopReport struct {
	StoppedAccepting time.Time
	// Dropped is the number of connections that were closed after part of a request had
	// arrived.
	Dropped int
}

// drain waits until each connection was closed or has a complete request in progress,
// for at most incompleteTimeout. It is needed because [http.Server.Shutdown] closes
// each connection whose request is read after its call, without a response.
func (t *connRegistry) drain() {
	waited := time.Duration(0) // counted in steps: on a starved machine, clients get their turns
	waitWhile(incompleteTimeout, func() bool {
		waiting := t.closeIdle(waited >= idleGrace)
		waited += stopStep
		return waiting
	})
}

// closeIdle closes the connections from which no request is expected, if graceOver: those
// that are idle after a request, and those that sent nothing within firstRequestTimeout.
// It reports whether connections remain whose request is expected or incomplete.
func (t *connRegistry) closeIdle(graceOver bool) (waiting bool) {
	now := time.Now().UnixNano()
	for _, c := range t.all() {
		switch {
		case c.http2.Load(), c.completeRequests.Load() > 0: // Shutdown waits for these
		case !graceOver || c.received.Load() || c.serving.Load():
			waiting = true
		case !c.hadRequest.Load() && now-c.waitingSince.Load() < int64(firstRequestTimeout):
			waiting = true
		default:
			_ = c.Close() // without a request, no response is lost
		}
	}
	return waiting
}

// shutDown waits for the requests that are being answered, and closes all others: they
// must not delay the next server.
func shutDown(s *http.Server, table *connRegistry, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	tick := time.NewTicker(5 * stopStep)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if errors.Is(err, context.DeadlineExceeded) {
				err = s.Close()
			}
			return err
		case <-tick.C:
			table.closeWaiting()
		}
	}
}

// waitWhile waits for a duration, or until the condition is false. It waits in short
// steps and counts them: on a starved machine a step takes longer, and other
// goroutines still get their turns.
func waitWhile(d time.Duration, condition func() bool) {
	tick := time.NewTicker(stopStep)
	defer tick.Stop()
	for range d / stopStep {
		if !condition() {
			return
		}
		<-tick.C
	}
}
