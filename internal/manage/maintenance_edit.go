package manage

import (
	"cmp"
	"errors"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// MaintenanceEdit contains the new values of a maintenance. A nil value keeps the current one, or sets
// the default of a new maintenance.
type MaintenanceEdit struct {
	Reason     *string
	All        *bool
	Tags       *[]string
	Heartbeats *[]string // ids or refs
	From, To   *string   // RFC 3339; an empty To removes the end of recurring windows
	Duration   *string
	Cron       *[]string
	OnCalendar *[]string
	Timezone   *string

	// IfVersion lists the versions that the edit may replace, see [MaintenanceVersion]. Empty: any.
	IfVersion []string

	// InputFaults are faults that the caller found while it decoded the input.
	InputFaults monitor.Faults
}

// apply returns m with the values of the edit.
func (e MaintenanceEdit) apply(tx *store.Tx, a auth.Actor, m monitor.Maintenance, now time.Time) (monitor.Maintenance, error) {
	v := &validator{}
	for _, fault := range e.InputFaults {
		v.add(fault)
	}
	if e.Reason != nil || m.ID == "" {
		reason := ""
		if e.Reason != nil {
			reason = *e.Reason
		}
		m.Reason = v.singleLine("reason", "reason", reason, maxNameLength)
	}
	if err := e.applyScope(tx, a, &m, v); err != nil {
		return m, err
	}
	e.applyTime(a, &m, now, v)
	if v.err() == nil {
		if fault := m.Check(now); fault != nil {
			v.add(fault)
		}
	}
	return m, v.err()
}

// applyScope sets the heartbeats.
func (e MaintenanceEdit) applyScope(tx *store.Tx, a auth.Actor, m *monitor.Maintenance, v *validator) error {
	if e.All != nil {
		m.Scope.All = *e.All
	}
	if e.Tags != nil {
		m.Scope.Tags = v.tags(*e.Tags)
	}
	if e.Heartbeats != nil {
		m.Scope.Heartbeats = nil
		if len(*e.Heartbeats) > maxNamedInWindow {
			v.reject("heartbeats", "The maximum is %d heartbeats: use a tag.", maxNamedInWindow)
			return nil
		}
		for _, ref := range *e.Heartbeats {
			h, err := findHeartbeat(tx, a, ref)
			if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
				v.reject("heartbeats", "There is no heartbeat %q in this project: use the id or ref of an existing one.", ref)
				continue
			}
			if err != nil {
				return err
			}
			m.Scope.Heartbeats = append(m.Scope.Heartbeats, h.Key)
		}
	}
	if m.Scope.All && len(m.Scope.Tags)+len(m.Scope.Heartbeats) > 0 {
		v.reject("all", "All heartbeats of the project include those with a tag: set either all, or tags and heartbeats.")
	}
	return nil
}

// applyTime sets the windows.
func (e MaintenanceEdit) applyTime(a auth.Actor, m *monitor.Maintenance, now time.Time, v *validator) {
	m.From = v.timeOrDefault("from", e.From, m.From).Truncate(monitor.Precision)
	if m.From.IsZero() {
		m.From = now
	}
	kind, lines := monitor.Cron, linesOf(e.Cron)
	if len(linesOf(e.OnCalendar)) > 0 {
		if len(lines) > 0 {
			v.reject("oncalendar", "Set either cron or oncalendar.")
		}
		kind, lines = monitor.OnCalendar, linesOf(e.OnCalendar)
	}
	switch {
	case len(lines) > 0:
		zone := cmp.Or(a.Project.Zone, "UTC")
		if e.Timezone != nil {
			zone = *e.Timezone
		}
		c, err := monitor.NewCalendar(kind, lines, zone)
		if err != nil {
			v.rejectExpression(string(kind), err)
			return
		}
		if m.Calendar == nil && m.ID != "" {
			m.To = time.Time{} // the end of the window
		}
		m.Calendar = c
	case e.Timezone != nil && m.Calendar != nil:
		c, err := monitor.NewCalendar(m.Calendar.Kind(), m.Calendar.Lines(), *e.Timezone)
		if err != nil {
			v.reject("timezone", "Unknown time zone %q: use a name such as Europe/Berlin.", *e.Timezone)
			return
		}
		m.Calendar = c
	case e.Timezone != nil:
		v.reject("timezone", "A single window has no time zone: write the offset in from and to.")
	}
	e.applyEnd(m, v)
}

// applyEnd sets the end or the length of the windows.
func (e MaintenanceEdit) applyEnd(m *monitor.Maintenance, v *validator) {
	length := m.Length
	if e.Duration != nil {
		length = v.duration("duration", *e.Duration, monitor.MinMaintenance)
	}
	if e.To != nil && (*e.To != "" || m.Calendar == nil) {
		m.To = v.timeOrDefault("to", e.To, m.To).Truncate(monitor.Precision)
	} else if e.To != nil {
		m.To = time.Time{}
	}
	switch {
	case m.Calendar != nil:
		if m.Length = length; length == 0 {
			v.reject("duration", "Enter how long each window lasts, such as 2h.")
		}
	case e.Duration != nil && e.To != nil:
		v.reject("duration", "Set either duration or to.")
	case e.Duration != nil:
		m.To = m.From.Add(length)
	case m.To.IsZero():
		v.reject("duration", "Enter how long the window lasts, such as 2h, or when it ends.")
	}
	wrongDuration := e.Duration != nil && length == 0 // rejected above
	if m.To.IsZero() || m.From.Before(m.To) || wrongDuration {
		return
	}
	v.reject("to", "The end must be after the start, %s. A window lasts at least %s.", m.From.Format(time.RFC3339), schedule.FormatDuration(monitor.MinMaintenance))
}
