package web

import (
	"errors"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// showLink is the page behind the link in an alert. It changes nothing: mail
// scanners open links too.
func showLink(v *visit) error {
	found, err := v.site.Desk.ByLink(v.ctx(), v.site.Links, v.r.PathValue("token"))
	if err != nil {
		return err
	}
	return v.linked(found, false)
}

// followLink acknowledges by the link, whoever presses the button.
func followLink(v *visit) error {
	token := v.r.PathValue("token")
	found, err := v.site.Desk.AcknowledgeByLink(v.ctx(), v.site.Links, token, strings.TrimSpace(v.text("note")), v.source())
	if isFault(err, monitor.Conflict) {
		// It was resolved meanwhile: the page says so.
		if found, err = v.site.Desk.ByLink(v.ctx(), v.site.Links, token); err == nil {
			return v.linked(found, false)
		}
	}
	if err != nil {
		return err
	}
	return v.linked(found, found.Incident.AcknowledgedBy == "link from "+found.Channel)
}

// linked answers with the incident and its button.
func (v *visit) linked(found manage.Linked, done bool) error {
	if zone, err := time.LoadLocation(found.Zone); err == nil {
		v.clock.Zone = zone
	}
	i := found.Incident
	return v.show(view.Acknowledge(view.AcknowledgePage{
		Gate: v.gate(), Number: int(i.Number), Heartbeat: i.HeartbeatName, Cause: string(i.Cause), State: string(i.State()),
		Opened: i.Opened, Action: view.AcknowledgePath(v.r.PathValue("token")), By: "link from " + found.Channel, Done: done,
		FullDetails: view.IncidentPath(i.ID),
	}))
}

// isFault reports whether an error is a fault of the kind.
func isFault(err error, kind monitor.FaultKind) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == kind
}
