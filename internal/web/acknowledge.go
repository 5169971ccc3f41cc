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
	return v.show(view.Acknowledge(v.linkPage(found)))
}

// followLink acknowledges by the link, whoever presses the button.
func followLink(v *visit) error {
	text := strings.TrimSpace(v.text("note"))
	found, kept, err := v.site.Desk.AcknowledgeByLink(v.ctx(), v.site.Links, v.r.PathValue("token"), text, v.source())
	if wrong, form := wrongs(err); form {
		if found, err = v.site.Desk.ByLink(v.ctx(), v.site.Links, v.r.PathValue("token")); err != nil {
			return err
		}
		p := v.linkPage(found)
		p.Note = view.Input{Value: text, Error: wrong["text"]}
		return v.showStatus(refused, view.Acknowledge(p))
	}
	if err != nil {
		return err
	}
	p := v.linkPage(found)
	p.NoteLost = !kept
	p.Done = found.Incident.AcknowledgedBy == p.By && found.Incident.State() != monitor.Resolved
	return v.show(view.Acknowledge(p))
}

// linkPage returns the page of an incident with its button.
func (v *visit) linkPage(found manage.Linked) view.AcknowledgePage {
	if zone, err := time.LoadLocation(found.Zone); err == nil {
		v.clock.Zone = zone
	}
	i := found.Incident
	return view.AcknowledgePage{
		Gate: v.gate(), Number: int(i.Number), Heartbeat: i.HeartbeatName, Cause: string(i.Cause), State: string(i.State()),
		Opened: i.Opened, Action: view.AcknowledgePath(v.r.PathValue("token")), By: "link from " + found.Channel,
		FullDetails: view.IncidentPath(i.ID),
	}
}

// isFault reports whether an error is a fault of the kind.
func isFault(err error, kind monitor.FaultKind) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == kind
}
