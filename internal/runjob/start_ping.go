package runjob

import (
	"context"
	"sync"
	"time"

	"overdue/client"
)

// startPing is the start ping of a run. It is sent while the job runs already.
//
// A start that arrives after the finish of its run would look like a job that started
// and never finished. So the start has arrived or was canceled before the finish is
// sent.
type startPing struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing is on its way any more
	failed chan struct{} // closed when the first attempt has failed
}

// startPingTimeout limits how long the end of a short job waits for a start ping in
// flight. If it were canceled, it could still arrive.
const startPingTimeout = 2 * time.Second

// sendStart starts to send the start ping. Its failure is not reported: the finish ping
// either makes up for it, or fails as well and is reported.
func (r *runner) sendStart(ctx context.Context) *startPing {
	ctx, cancel := r.withWaitLimit(ctx)
	p := &startPing{cancel: cancel, done: make(chan struct{}), failed: make(chan struct{})}
	if r.PingURL == "" {
		close(p.done)
		return p
	}
	var once sync.Once
	ping := r.withRunFields(client.PingOptions{Signal: client.Start})
	ping.OnRetry = func(error, time.Duration) { once.Do(func() { close(p.failed) }) }
	go func() {
		defer close(p.done)
		_ = client.Send(ctx, r.PingURL, ping)
	}()
	return p
}

// finishOrCancel returns when no start ping is in flight. It cancels one that is being
// retried, because the job has ended.
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
