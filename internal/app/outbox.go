package app

import (
	"errors"

	"overdue/internal/metrics"
)

// outbox returns the pending alerts as the delivery loop last counted them: metrics
// and probes never wait for the database.
func (e *Engine) outbox() metrics.Outbox {
	o := e.dispatcher.Outbox()
	shown := metrics.Outbox{Pending: o.Pending, Failing: o.Failing}
	if !o.Oldest.IsZero() {
		shown.Oldest = max(0, e.db.Now().Sub(o.Oldest))
	}
	return shown
}

// errChannelFailing is a warning: the server is still ready.
var errChannelFailing = errors.New("a channel does not deliver")

// warnings returns the problems that do not affect readiness, as texts for /readyz. If a
// channel fails, the server still stores pings and sends alerts through the other
// channels. If its clock is off, it uses that of the database.
func (e *Engine) warnings() (texts []string) {
	for _, failing := range e.outbox().Failing {
		if failing {
			texts = append(texts, "delivering alerts: "+publicReason(errChannelFailing))
			break
		}
	}
	if wrong := e.clock.clockWarning(); wrong != nil {
		texts = append(texts, wrong.Error())
	}
	return texts
}
