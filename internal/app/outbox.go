package app

import (
	"errors"
	"time"

	"overdue/internal/meter"
)

// outbox returns what is not delivered yet, as the delivery loop counted it a few
// seconds ago: metrics and probes never wait for the database.
func (e *Engine) outbox() meter.Outbox {
	o := e.courier.Outbox()
	shown := meter.Outbox{Pending: o.Pending, Failing: o.Failing}
	if !o.Oldest.IsZero() {
		shown.Oldest = max(0, time.Since(o.Oldest))
	}
	return shown
}

// errChannelFails is the warning of a server that is ready.
var errChannelFails = errors.New("a channel does not deliver")

// warning returns what people should look at while the server is ready, or nil. A
// channel that fails is not a reason to take the server out of service: it still
// stores pings and alerts through the other channels.
func (e *Engine) warning() error {
	for _, failing := range e.outbox().Failing {
		if failing {
			return errChannelFails
		}
	}
	return nil
}
