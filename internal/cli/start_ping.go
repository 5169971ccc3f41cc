package cli

import (
	"context"
	"sync"
	"time"

	"overdue/client"
)

// startPing is the ping that says "the job began", on its way while the job
// runs already.
//
// A start that arrives after the end of its run would look like a job that
// began and never ended. So it has stopped, one way or the other, before the
// end is sent.
type startPing struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing is on its way any more
	failed chan struct{} // closed when the first attempt has failed
}

// startPingTimeout is how long, at most, the end of a short job waits for a start ping that is
// on its way. Cutting it off would leave open whether it arrives.
const startPingTimeout = 2 * time.Second

// sendStart begins to send the start ping. Its failure is not reported: either
// the end ping makes up for it, or fails in turn and says so.
func (r *runner) sendStart(ctx context.Context) *startPing {
	ctx, cancel := r.withWaitLimit(ctx)
	p := &startPing{cancel: cancel, done: make(chan struct{}), failed: make(chan struct{})}
	if r.address == "" {
		close(p.done)
		return p
	}
	var once sync.Once
	ping := r.withRunFields(client.PingOptions{Signal: client.Start})
	ping.OnRetry = func(error, time.Duration) { once.Do(func() { close(p.failed) }) }
	go func() {
		defer close(p.done)
		_ = client.Send(ctx, r.address, ping)
	}()
	return p
}

// finishOrCancel makes sure that no start ping is under way any more. One that is being
// tried again is dropped: the job is over.
func (p *startPing) finishOrCancel(grace time.Duration) {
	defer p.cancel()
	over := time.NewTimer(grace)
	defer over.Stop()
	select {
	case <-p.done:
		return
	case <-p.failed:
	case <-over.C:
	}
	p.cancel()
	<-p.done
}
