package app

import (
	"errors"
	"time"

	"overdue/internal/meter"
)

// outbox returns the alerts that are not delivered yet, as the delivery loop counted
// them a few seconds ago: metrics and probes never wait for the database.
func (e *Engine) outbox() meter.Outbox {
	o := e.dispatcher.Outbox()
	shown := meter.Outbox{Pending: o.Pending, Failing: o.Failing}
	if !o.Oldest.IsZero() {
		shown.Oldest = max(0, time.Since(o.Oldest))
	}
	return shown
}

// errChannelFailing is a warning: the server is still ready.
var errChannelFailing = errors.New("a channel does not deliver")

// warning returns a problem that does not make the server unready, or nil. A channel
// that fails is not a reason to take the server out of service: it still stores
// pings and sends alerts through the other channels.
func (e *Engine) warning() error {
	for _, failing := range e.outbox().Failing {
		if failing {
			return errChannelFailing
		}
	}
	return nil
}
