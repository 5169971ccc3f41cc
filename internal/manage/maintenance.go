package manage

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// Limits of maintenance.
const (
	maxMaintenances   = 50 // of a project
	maxNamedInWindow  = 100
	maxMaintenanceTag = 20
)

// MaintenanceView is a maintenance with the heartbeats that it names.
type MaintenanceView struct {
	monitor.Maintenance
	Named []monitor.Heartbeat // without deleted ones
	At    time.Time           // when it was read
}

// MaintenanceVersion returns the version of a maintenance.
func MaintenanceVersion(m monitor.Maintenance) string { return strconv.FormatInt(m.Revision, 10) }

// view adds the heartbeats that a maintenance names.
func viewMaintenance(tx *store.Tx, a auth.Actor, m monitor.Maintenance, now time.Time) (MaintenanceView, error) {
	w := MaintenanceView{Maintenance: m, At: now}
	if len(m.Scope.Heartbeats) == 0 {
		return w, nil
	}
	found, err := tx.HeartbeatsByKey(m.Scope.Heartbeats)
	for _, key := range m.Scope.Heartbeats {
		if h, ok := found[key]; ok && h.Project == a.Project.Key {
			w.Named = append(w.Named, h)
		}
	}
	return w, err
}

// Maintenances lists the maintenance of the project, oldest first.
func (svc *Service) Maintenances(ctx context.Context, a auth.Actor) (list []MaintenanceView, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	now := svc.currentTime()
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		list = nil
		all, err := tx.Maintenances(a.Project.Key)
		if err != nil {
			return err
		}
		for _, m := range all {
			w, err := viewMaintenance(tx, a, m, now)
			if err != nil {
				return err
			}
			list = append(list, w)
		}
		return nil
	})
	return list, err
}

// Maintenance returns one maintenance.
func (svc *Service) Maintenance(ctx context.Context, a auth.Actor, id string) (MaintenanceView, error) {
	list, err := svc.Maintenances(ctx, a)
	if err != nil {
		return MaintenanceView{}, err
	}
	if n := slices.IndexFunc(list, func(w MaintenanceView) bool { return w.ID == id }); n >= 0 {
		return list[n], nil
	}
	return MaintenanceView{}, notFound("maintenance")
}

// maintenanceChange returns the changed maintenance, and the entry of the audit log. An empty action
// means that nothing changes.
type maintenanceChange func(tx *store.Tx, all []monitor.Maintenance, now time.Time) (monitor.Maintenance, auditEntry, error)

// saveMaintenance applies a change, and plans the windows of every heartbeat that it concerns.
func (svc *Service) saveMaintenance(ctx context.Context, a auth.Actor, change maintenanceChange) (w MaintenanceView, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return w, err
	}
	cut := svc.takeSnapshot()
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		now, err := cut.withPeers(tx)
		if err != nil {
			return s, err
		}
		all, err := tx.Maintenances(a.Project.Key)
		if err != nil {
			return s, err
		}
		m, entry, err := change(tx, all, now.at)
		if err != nil {
			return s, err
		}
		if entry.action == "maintenance.delete" {
			err = tx.DeleteMaintenance(m)
		} else if entry.action != "" {
			m, err = tx.SaveMaintenance(m, now.at)
		}
		if err != nil {
			return s, err
		}
		if w, err = viewMaintenance(tx, a, m, now.at); err != nil || entry.action == "" {
			return s, err
		}
		p, err := tx.PlanMaintenance(a.Project.Key, now.at, now.watermark)
		if err != nil {
			return s, err
		}
		s = effects{nextDue: p.NextDue, pending: p.NewAlerts > 0, changed: p.Changed}
		return s, writeAudit(tx, a, now.at, entry)
	})
	return w, err
}

// findMaintenance returns the maintenance with an id.
func findMaintenance(all []monitor.Maintenance, id string) (monitor.Maintenance, error) {
	if n := slices.IndexFunc(all, func(m monitor.Maintenance) bool { return m.ID == id }); n >= 0 {
		return all[n], nil
	}
	return monitor.Maintenance{}, notFound("maintenance")
}

// CreateMaintenance creates a maintenance. By default, it starts now.
func (svc *Service) CreateMaintenance(ctx context.Context, a auth.Actor, e MaintenanceEdit) (MaintenanceView, error) {
	return svc.saveMaintenance(ctx, a, func(tx *store.Tx, all []monitor.Maintenance, now time.Time) (monitor.Maintenance, auditEntry, error) {
		if len(all) >= maxMaintenances {
			return monitor.Maintenance{}, auditEntry{}, limitReached("reason", maxMaintenances, "maintenances in this project", "Delete one that is over.")
		}
		m, err := e.apply(tx, a, monitor.Maintenance{Project: a.Project.Key, Created: now, By: a.Name}, now)
		return m, auditEntry{"maintenance.create", m.Reason, m.Describe()}, err
	})
}

// ChangeMaintenance sets the values of the edit. Windows that are over stay as they were.
func (svc *Service) ChangeMaintenance(ctx context.Context, a auth.Actor, id string, e MaintenanceEdit) (MaintenanceView, error) {
	return svc.saveMaintenance(ctx, a, func(tx *store.Tx, all []monitor.Maintenance, now time.Time) (monitor.Maintenance, auditEntry, error) {
		before, err := findMaintenance(all, id)
		if err == nil {
			err = checkVersion(MaintenanceVersion(before), e.IfVersion)
		}
		if err != nil {
			return before, auditEntry{}, err
		}
		m, err := e.apply(tx, a, before, now)
		diff := formatDiff([]settingChange{
			{"reason", before.Reason, m.Reason}, {"time", before.Describe(), m.Describe()}, {"for", formatScope(before.Scope), formatScope(m.Scope)},
		})
		if err != nil || diff == "" {
			return m, auditEntry{}, err
		}
		return m, auditEntry{"maintenance.change", m.Reason, diff}, nil
	})
}

// formatScope describes a scope for the audit log.
func formatScope(s monitor.MaintenanceScope) string {
	if s.All {
		return "all heartbeats"
	}
	parts := slices.Clone(s.Tags)
	if n := len(s.Heartbeats); n > 0 {
		parts = append(parts, strconv.Itoa(n)+" heartbeats: "+strings.Join(keysText(s.Heartbeats), " "))
	}
	return strings.Join(parts, ", ")
}

// keysText formats keys.
func keysText(keys []int64) (all []string) {
	for _, k := range keys {
		all = append(all, strconv.FormatInt(k, 10))
	}
	return all
}

// DeleteMaintenance deletes a maintenance. A window in progress ends now.
func (svc *Service) DeleteMaintenance(ctx context.Context, a auth.Actor, id string) error {
	_, err := svc.saveMaintenance(ctx, a, func(_ *store.Tx, all []monitor.Maintenance, _ time.Time) (monitor.Maintenance, auditEntry, error) {
		m, err := findMaintenance(all, id)
		return m, auditEntry{"maintenance.delete", m.Reason, m.Describe()}, err
	})
	return err
}

// changeWindow changes the end of the window in progress.
func (svc *Service) changeWindow(ctx context.Context, a auth.Actor, id, action string, end func(w monitor.Window, now time.Time) (time.Time, error)) (MaintenanceView, error) {
	return svc.saveMaintenance(ctx, a, func(_ *store.Tx, all []monitor.Maintenance, now time.Time) (monitor.Maintenance, auditEntry, error) {
		m, err := findMaintenance(all, id)
		if err != nil {
			return m, auditEntry{}, err
		}
		w, open := m.InProgress(now)
		if !open {
			return m, auditEntry{}, monitor.Faultf(monitor.Conflict, "", "No window of this maintenance is in progress. To cancel windows that have not started, change or delete the maintenance.")
		}
		to, err := end(w, now)
		if err != nil {
			return m, auditEntry{}, err
		}
		return m.WithEnd(w, to, now), auditEntry{action, m.Reason, "until " + to.UTC().Format("2006-01-02 15:04:05 UTC")}, nil
	})
}

// EndMaintenance ends the window in progress now. Later windows of a recurring maintenance stay.
func (svc *Service) EndMaintenance(ctx context.Context, a auth.Actor, id string) (MaintenanceView, error) {
	return svc.changeWindow(ctx, a, id, "maintenance.end", func(_ monitor.Window, now time.Time) (time.Time, error) { return now, nil })
}

// ExtendMaintenance moves the end of the window in progress.
func (svc *Service) ExtendMaintenance(ctx context.Context, a auth.Actor, id string, by string) (MaintenanceView, error) {
	return svc.changeWindow(ctx, a, id, "maintenance.extend", func(w monitor.Window, _ time.Time) (time.Time, error) {
		v := &validator{}
		end := w.To.Add(v.duration("for", by, time.Minute))
		if v.err() == nil && end.Sub(w.From) > monitor.MaxMaintenance {
			v.reject("for", "A window lasts at most %s.", schedule.FormatDuration(monitor.MaxMaintenance))
		}
		return end, v.err()
	})
}
