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
		shown.Oldest = max(0, e.db.Now().Sub(o.Oldest))
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

// warnings returns the problems that do not affect readiness, as texts for /readyz. If a
// channel fails, the server still stores pings and sends alerts through the other
// channels. If its clock is off, it uses that of the database.
func (e *Engine) warnings() (texts []string) {
	o := e.outbox()
	for _, failing := range o.Failing {
		if failing {
			texts = append(texts, "delivering alerts: "+publicReason(errChannelFailing))
			break
		}
	}
	if o.Oldest > maxAlertAge {
		texts = append(texts, "delivering alerts: "+publicReason(errAlertsWaiting))
	}
	if wrong := e.clock.clockWarning(); wrong != nil {
		texts = append(texts, wrong.Error())
	}
	return texts
}
