package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/calendars"
)

// maintenanceColumns are in the order of scanMaintenance.
const maintenanceColumns = `id, project, reason, scope, started, ended, language, calendar, zone, length, changed, created, created_by, revision`

// scanMaintenance reads maintenanceColumns.
func (tx *Tx) scanMaintenance(row scanner) (m monitor.Maintenance, err error) {
	var scope, changed string
	var from, to, created sql.NullInt64
	var length int64
	var text calendars.Text
	if err = row.Scan(&m.ID, &m.Project, &m.Reason, &scope, &from, &to, &text.Language, &text.Lines, &text.Zone, &length, &changed, &created, &m.By, &m.Revision); err != nil {
		return m, err
	}
	m.From, m.To, m.Created, m.Length = timeFromMicros(from), timeFromMicros(to), timeFromMicros(created), durationFromMicros(length)
	if text.Language != "" {
		if m.Calendar, err = tx.db.calendars.Parse(text); err != nil {
			return m, fmt.Errorf("maintenance %s: %w", m.ID, err)
		}
	}
	if err := cmp.Or(json.Unmarshal([]byte(scope), &m.Scope), json.Unmarshal([]byte(changed), &m.Changed)); err != nil {
		return m, fmt.Errorf("maintenance %s: %w", m.ID, err)
	}
	return m, nil
}

// Maintenances lists the maintenance of a project, oldest first.
func (tx *Tx) Maintenances(project int64) ([]monitor.Maintenance, error) {
	found, err := queryAll(tx, tx.scanMaintenance, `SELECT `+maintenanceColumns+` FROM maintenances WHERE project = $1 ORDER BY id`, project)
	if err != nil {
		return nil, fmt.Errorf("maintenances: %w", err)
	}
	return found, nil
}

// confirmAfter is the time after a change of a maintenance after which it is planned once more: a
// heartbeat that another transaction added or tagged at the same time does not see the change.
const confirmAfter = 3 * time.Second

// SaveMaintenance stores a maintenance. One without an id is new: it gets one. PlanMaintenance must
// follow.
func (tx *Tx) SaveMaintenance(m monitor.Maintenance, now time.Time) (monitor.Maintenance, error) {
	scope, err := json.Marshal(m.Scope)
	if err != nil {
		return m, fmt.Errorf("scope of maintenance: %w", err)
	}
	changed := encodeList(m.Changed)
	m.Revision++
	text := calendars.TextOf(m.Calendar)
	values := []any{
		m.Reason, string(scope), micros(m.From), micros(m.To), text.Language, text.Lines, text.Zone, m.Length.Microseconds(), changed, m.Revision, micros(now.Add(confirmAfter)),
	}
	if m.ID == "" {
		m.ID = newID()
		_, err = tx.exec(`INSERT INTO maintenances (id, reason, scope, started, ended, language, calendar, zone, length, changed, revision, plan_at, project, created, created_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, append([]any{m.ID}, append(values, m.Project, micros(m.Created), m.By)...)...)
	} else {
		_, err = tx.exec(`UPDATE maintenances SET reason = $2, scope = $3, started = $4, ended = $5, language = $6, calendar = $7, zone = $8, length = $9,
			changed = $10, revision = $11, plan_at = $12 WHERE id = $1`, append([]any{m.ID}, values...)...)
	}
	if err != nil {
		return m, fmt.Errorf("save maintenance: %w", err)
	}
	return m, nil
}

// DeleteMaintenance deletes a maintenance. PlanMaintenance must follow.
func (tx *Tx) DeleteMaintenance(m monitor.Maintenance) error {
	if _, err := tx.exec(`DELETE FROM maintenances WHERE id = $1`, m.ID); err != nil {
		return fmt.Errorf("delete maintenance: %w", err)
	}
	return nil
}

// Planned is the result of PlanMaintenance.
type Planned struct {
	Changed   []int64 // keys of the heartbeats whose windows changed
	NewAlerts int
	Last      monitor.Heartbeat // the last of them, after the change
	NextDue   time.Time         // first time that one of these heartbeats is due for evaluation
}

// planChunk is the number of heartbeats that PlanMaintenance reads and saves together.
const planChunk = 500

// PlanMaintenance stores the windows ahead in the state of every heartbeat of a project that is in
// maintenance, or was. until returns the watermark of a heartbeat.
func (tx *Tx) PlanMaintenance(project int64, now time.Time, until func(id string) time.Time) (p Planned, err error) {
	all, err := tx.Maintenances(project)
	if err != nil {
		return p, err
	}
	keys, err := queryAll(tx, func(row scanner) (key int64, err error) {
		h, planned, tags := monitor.Heartbeat{Project: project}, false, ""
		if err = row.Scan(&h.Key, &tags, &planned); err != nil {
			return 0, err
		}
		if h.Tags, err = decodeList(tags); err != nil {
			return 0, err
		}
		if planned || slices.ContainsFunc(all, func(m monitor.Maintenance) bool { return m.Covers(h) }) {
			key = h.Key
		}
		return key, nil
	}, `SELECT key, tags, maintenance IS NOT NULL FROM heartbeats WHERE project = $1 AND deleted IS NULL ORDER BY key`, project)
	if err != nil {
		return p, fmt.Errorf("heartbeats in maintenance: %w", err)
	}
	keys = slices.DeleteFunc(keys, func(key int64) bool { return key == 0 })
	for chunk := range slices.Chunk(keys, planChunk) {
		locked, err := queryAll(tx, tx.lockHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
			WHERE `+tx.d.InList("h.key", "$1")+` AND h.deleted IS NULL ORDER BY h.key`+tx.d.ForUpdate, tx.d.IntList(chunk))
		if err != nil {
			return p, fmt.Errorf("heartbeats in maintenance: %w", err)
		}
		if err := tx.savePlan(&p, locked, all, now, until); err != nil {
			return p, err
		}
	}
	for _, m := range all {
		if _, err := tx.exec(`UPDATE maintenances SET plan_at = $2 WHERE id = $1 AND (plan_at IS NULL OR plan_at <= $3)`, m.ID, micros(m.ReplanAt(now)), micros(now)); err != nil {
			return p, fmt.Errorf("plan maintenance: %w", err)
		}
	}
	return p, nil
}

// PlanHeartbeat is PlanMaintenance for one locked heartbeat that was added, restored, or got other tags.
func (tx *Tx) PlanHeartbeat(h monitor.Heartbeat, now time.Time, until func(id string) time.Time) (p Planned, err error) {
	all, err := tx.Maintenances(h.Project)
	if err != nil || len(all) == 0 && h.Maintenance == nil {
		return p, err
	}
	err = tx.savePlan(&p, []monitor.Heartbeat{h}, all, now, until)
	return p, err
}

// savePlan plans the windows of locked heartbeats and saves those that changed.
func (tx *Tx) savePlan(p *Planned, locked []monitor.Heartbeat, all []monitor.Maintenance, now time.Time, until func(id string) time.Time) error {
	var transitions []Transition
	for _, h := range locked {
		after, change, changed := h.PlanMaintenance(all, now, until(h.ID))
		if !changed {
			continue
		}
		transitions = append(transitions, Transition{Heartbeat: after, Change: change})
		p.Changed, p.Last = append(p.Changed, h.Key), after
		p.NextDue = monitor.Earlier(p.NextDue, after.EvaluationDue())
	}
	n, err := tx.Save(now, transitions)
	p.NewAlerts += n
	return err
}

// ProjectsToPlan lists the projects whose maintenance is to be planned again by now, and returns when
// the next one is, zero for none.
func (db *DB) ProjectsToPlan(ctx context.Context, now time.Time) (projects []int64, next time.Time, err error) {
	err = db.View(ctx, func(tx *Tx) (err error) {
		projects, err = queryAll(tx, func(row scanner) (p int64, err error) { return p, row.Scan(&p) },
			`SELECT DISTINCT project FROM maintenances WHERE plan_at <= $1 ORDER BY project`, micros(now))
		if err == nil {
			next, err = queryTime(tx, `SELECT MIN(plan_at) FROM maintenances WHERE plan_at > $1`, micros(now))
		}
		return err
	})
	return projects, next, err
}
