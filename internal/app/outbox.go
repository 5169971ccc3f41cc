package app

import (
	"errors"
	"time"

	"overdue/internal/metrics"
)

// outbox returns the pending alerts as the delivery loop last counted them: metrics
// and probes never wait for the database.
func (e *Engine) outbox() metrics.Outbox {
	o, now := e.dispatcher.Outbox(), e.db.Now()
	age := func(oldest time.Time) time.Duration {
		if oldest.IsZero() {
			return 0
		}
		return max(0, now.Sub(oldest))
	}
	shown := metrics.Outbox{Pending: o.Pending, Oldest: age(o.Oldest), Channels: make(map[string]metrics.ChannelOutbox, len(o.Channels))}
	for id, c := range o.Channels {
		shown.Channels[id] = metrics.ChannelOutbox{
			Pending: c.Pending, Oldest: age(c.Oldest), Failing: c.Failing, Concurrency: o.Concurrency[id], Paused: max(0, c.PausedUntil.Sub(now)),
		}
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
	for _, c := range o.Channels {
		if c.Failing {
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
