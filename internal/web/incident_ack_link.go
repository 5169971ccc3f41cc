package web

import (
	"errors"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// showAckLink is the page behind the link in an alert. It changes nothing: mail
// scanners open links too.
func showAckLink(v *request) error {
	found, err := v.site.Service.IncidentByAckLink(v.ctx(), v.site.AckLinks, v.r.PathValue("token"))
	if err != nil {
		return err
	}
	return v.render(view.Acknowledge(v.ackLinkPage(found)))
}

// acknowledgeByLink acknowledges by the link, whoever presses the button.
func acknowledgeByLink(v *request) error {
	text := strings.TrimSpace(v.formValue("note"))
	found, kept, err := v.site.Service.AcknowledgeByAckLink(v.ctx(), v.site.AckLinks, v.r.PathValue("token"), text, v.clientAddress())
	if wrong, form := fieldErrors(err); form {
		if found, err = v.site.Service.IncidentByAckLink(v.ctx(), v.site.AckLinks, v.r.PathValue("token")); err != nil {
			return err
		}
		p := v.ackLinkPage(found)
		p.Note = view.Input{Value: text, Error: wrong["text"]}
		return v.renderStatus(statusInvalid, view.Acknowledge(p))
	}
	if err != nil {
		return err
	}
	p := v.ackLinkPage(found)
	p.NoteNotSaved = !kept
	p.Acknowledged = found.Incident.AcknowledgedBy == p.By && found.Incident.State() != monitor.StateResolved
	return v.render(view.Acknowledge(p))
}

// ackLinkPage returns the page of an incident with its button.
func (v *request) ackLinkPage(found manage.LinkedIncident) view.AcknowledgePage {
	if zone, err := time.LoadLocation(found.Zone); err == nil {
		v.clock.Zone = zone
	}
	i := found.Incident
	return view.AcknowledgePage{
		SignedOutShell: v.gate(), Number: int(i.Number), Heartbeat: i.HeartbeatName, Cause: string(i.Cause), State: string(i.State()),
		Opened: i.OpenedAt, Action: view.AcknowledgePath(v.r.PathValue("token")), By: "link from " + found.Channel,
		IncidentPath: view.IncidentPath(i.ID),
	}
}

// isFault reports whether an error is a fault of the kind.
func isFault(err error, kind monitor.FaultKind) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == kind
}
