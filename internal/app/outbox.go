package app

import (
	"errors"
	"time"

	"overdue/internal/metrics"
)

// outbox returns the pending alerts as the delivery loop last counted them: metrics
// and probes never wait for the database.
func (e *Engine) outbox() metrics.Outbox {
	o := e.dispatcher.Outbox()
	shown := metrics.Outbox{Pending: o.Pending, Failing: o.Failing}
	if !o.Oldest.IsZero() {
		shown.Oldest = max(0, time.Since(o.Oldest))
	}
	return shown
}

// errChannelFailing is a warning: the server is still ready.
var errChannelFailing = errors.New("a channel does not deliver")

// warning returns a problem that does not affect readiness, or nil. If a channel
// fails, the server still stores pings and sends alerts through the other channels.
func (e *Engine) warning() error {
	for _, failing := range e.outbox().Failing {
		if failing {
			return errChannelFailing
		}
	}
	return nil
}
