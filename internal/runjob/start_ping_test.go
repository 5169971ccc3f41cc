package runjob

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// startSlowPing returns a start ping that needs a second to stop when it is canceled.
func startSlowPing(answer time.Duration) (p *startPing, stopped *bool) {
	ctx, cancel := context.WithCancel(context.Background())
	p = &startPing{cancel: cancel, done: make(chan struct{}), failed: make(chan struct{})}
	stopped = new(bool)
	go func() {
		defer close(p.done)
		select {
		case <-time.After(answer):
		case <-ctx.Done():
			time.Sleep(time.Second)
		}
		*stopped = true
	}()
	return p, stopped
}

func TestStartPing_FinishWaitsUntilNoStartIsInFlight(t *testing.T) {
	for name, c := range map[string]struct {
		answer time.Duration
		failed bool
		want   time.Duration
	}{
		"answered in time":       {answer: 1500 * time.Millisecond, want: 1500 * time.Millisecond},
		"never answered":         {answer: time.Hour, want: startPingTimeout + time.Second},
		"being tried once again": {answer: time.Hour, failed: true, want: time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, stopped := startSlowPing(c.answer)
			if c.failed {
				close(p.failed)
			}
			began := time.Now()
			p.finishOrCancel(startPingTimeout)
			if took := time.Since(began); !*stopped || took != c.want {
				t.Errorf("%s: ended after %v, start stopped: %v; want %v", name, took, *stopped, c.want)
			}
		})
	}
}
