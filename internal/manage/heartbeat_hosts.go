package manage

import (
	"context"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// instances parses the setting instances.
func (v *validator) instances(text string) monitor.Instances {
	n, err := monitor.ParseInstances(strings.TrimSpace(text))
	if err != nil {
		v.reject("instances", "Enter any, each, or a number of hosts from 1 to %d.", monitor.MaxHosts)
	}
	return n
}

// instancesRule rejects settings that hosts that count separately cannot have: their runs are not timed, and
// the slots of a calendar are not assigned to hosts.
func (v *validator) instancesRule(r monitor.Rule) {
	if r.Instances == monitor.AnyHost {
		return
	}
	const change = "remove it, or set instances to any."
	switch {
	case r.Calendar != nil:
		v.reject("instances", "instances requires an interval, not a cron or OnCalendar schedule: use an interval, such as 24h, or set instances to any.")
	case r.AlertAfter > 1:
		v.reject("alert_after", "alert_after cannot be used with instances: set it to 1, or set instances to any.")
	case r.MaxRunTime > 0:
		v.reject("max_run_time", "max_run_time cannot be used with instances: "+change)
	case r.MinRunTime > 0:
		v.reject("min_run_time", "min_run_time cannot be used with instances: "+change)
	case r.StartGrace > 0:
		v.reject("start_grace", "start_grace cannot be used with instances: "+change)
	}
}

// ForgetHost removes a host of a heartbeat whose hosts count separately. If the others are enough, it resolves the
// open incident. A later ping of the host adds it again.
func (svc *Service) ForgetHost(ctx context.Context, a auth.Actor, idOrRef, host string) (monitor.Heartbeat, error) {
	return svc.updateHeartbeat(ctx, a, idOrRef, func(tx *store.Tx, h monitor.Heartbeat, now changeTime) (monitor.Heartbeat, effects, error) {
		after, change, found := h.ForgetHost(host, now.at, now.watermark(h.ID))
		if !found {
			return h, effects{}, monitor.Faultf(monitor.NotFound, "host", "There is no host %q: use the name of one of the hosts of the heartbeat.", host)
		}
		after, s, err := saveChange(tx, after, change, now.at)
		if err != nil {
			return h, s, err
		}
		return after, s, writeAudit(tx, a, now.at, auditEntry{"heartbeat.forget_host", heartbeatLabel(h), "host: " + shortenDiffValue(host)})
	})
}
