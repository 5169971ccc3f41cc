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

// Warnings: the server is still ready.
var (
	errChannelFailing = errors.New("a channel does not deliver")
	errAlertsWaiting  = errors.New("alerts are waiting")
)

// maxAlertAge is the age of a pending alert from which /readyz warns.
const maxAlertAge = 15 * time.Second

// warning returns a problem that does not affect readiness, or nil. If a channel
// fails or hangs, the server still stores pings and sends alerts through the other
// channels.
func (e *Engine) warning() error {
	o := e.outbox()
	for _, failing := range o.Failing {
		if failing {
			return errChannelFailing
		}
	}
	if o.Oldest > maxAlertAge {
		return errAlertsWaiting
	}
	return nil
}
