package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
)

// Limits of one step of the grouping of incidents. They bound how long a step holds the lock of a SQLite
// file.
const (
	maxGroupedAtOnce = 500  // incidents about which one step decides
	comparedBefore   = 2000 // earlier incidents of the project that can still form a group with them
	maxAckedAtOnce   = 250  // members that are acknowledged or snoozed in one transaction
)

var (
	incidentGroupBatch = dialect.Batch{Table: "incident_groups", Columns: dialect.Columns(`
		project bigint, number bigint, factor text, value text, first_opened bigint, last_opened bigint, members bigint,
		acknowledged_by text, acknowledging boolean`)}
	grownGroupBatch = dialect.Batch{Table: "incident_groups", KeyColumns: 2, Columns: dialect.Columns(`
		project bigint, number bigint, first_opened bigint, last_opened bigint, members bigint, acknowledging boolean`)}
	memberBatch = dialect.Batch{Table: "incidents", KeyColumns: 2, Columns: dialect.Columns(`
		project bigint, number bigint, group_number bigint`)}
)

// ProjectsToGroup returns the projects with incidents about which is not decided yet whether they belong to
// a group.
func (tx *Tx) ProjectsToGroup() ([]int64, error) {
	keys, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) }, `SELECT p.key FROM projects p
		LEFT JOIN incident_grouping d ON d.project = p.key WHERE p.key > 0 AND p.incidents > COALESCE(d.decided, 0) ORDER BY p.key`)
	if err != nil {
		return nil, fmt.Errorf("projects with new incidents: %w", err)
	}
	return keys, nil
}

// GroupingStep is the result of one step.
type GroupingStep struct {
	Changed []int64 // heartbeats whose incident joined a group, by key
	Pending bool    // alerts are pending
	More    bool    // another step has something to do
}

// RunGrouping decides about new incidents of all projects, and acknowledges the members of groups. It does
// a step of each project, in its own transaction.
func (db *DB) RunGrouping(ctx context.Context, now time.Time) (all GroupingStep, err error) {
	var projects []int64
	var acknowledged []monitor.IncidentGroup
	err = db.View(ctx, func(tx *Tx) (err error) {
		if projects, err = tx.ProjectsToGroup(); err == nil {
			acknowledged, err = tx.groupsToAcknowledge()
		}
		return err
	})
	steps := make([]func(*Tx) (GroupingStep, error), 0, len(projects)+len(acknowledged))
	for _, p := range projects {
		steps = append(steps, func(tx *Tx) (GroupingStep, error) { return tx.GroupIncidents(p, now) })
	}
	for _, g := range acknowledged {
		steps = append(steps, func(tx *Tx) (GroupingStep, error) { return tx.AcknowledgeMembers(g.Project, g.Number, now) })
	}
	for _, run := range steps {
		var step GroupingStep
		if err == nil {
			err = db.Update(ctx, func(tx *Tx) (err error) { step, err = run(tx); return err })
		}
		if err != nil {
			return all, err
		}
		all.Changed, all.More, all.Pending = append(all.Changed, step.Changed...), all.More || step.More, all.Pending || step.Pending
	}
	return all, err
}

// ungrouped is an incident that belongs to no group yet.
type ungrouped struct {
	monitor.GroupableIncident
	heartbeat int64
}

// GroupIncidents decides which of the next incidents of a project belong to a group, see
// [monitor.Correlate]. Numbers are committed in their order, so no incident is skipped.
func (tx *Tx) GroupIncidents(project int64, now time.Time) (step GroupingStep, err error) {
	decided, err := tx.lockGrouping(project)
	if err != nil {
		return step, err
	}
	incidents, last, err := tx.ungrouped(project, decided)
	if err != nil || last == decided {
		return step, err
	}
	pool := make([]monitor.GroupableIncident, 0, len(incidents))
	for _, i := range incidents {
		pool = append(pool, i.GroupableIncident)
	}
	var found monitor.Correlation
	if len(pool) > 0 {
		groups, err := tx.groupsNear(project, pool)
		if err != nil {
			return step, err
		}
		found = monitor.Correlate(groups, pool)
	}
	if err := tx.saveGroups(project, found, now); err != nil {
		return step, err
	}
	var rows [][]any
	for _, i := range incidents {
		if group := found.Groups[i.Number]; group > 0 {
			step.Changed = append(step.Changed, i.heartbeat)
			rows = append(rows, []any{project, i.Number, group})
		}
	}
	if err := tx.updateBatch(&memberBatch, rows); err != nil {
		return step, fmt.Errorf("members of incident groups: %w", err)
	}
	_, err = tx.exec(`UPDATE incident_grouping SET decided = $2 WHERE project = $1`, project, last)
	step.More = last-decided >= maxGroupedAtOnce
	for _, g := range found.Grown {
		step.More = step.More || g.Acknowledges(now)
	}
	return step, err
}

// lockGrouping returns the number of the last incident of a project about which is decided, and lets other
// nodes wait until the transaction ends.
func (tx *Tx) lockGrouping(project int64) (decided int64, err error) {
	if _, err := tx.exec(`INSERT INTO incident_grouping (project, decided) VALUES ($1, 0) ON CONFLICT (project) DO NOTHING`, project); err != nil {
		return 0, fmt.Errorf("grouping of incidents: %w", err)
	}
	decided, _, err = queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT decided FROM incident_grouping WHERE project = $1`+tx.d.ForUpdate, project)
	if err != nil {
		return 0, fmt.Errorf("grouping of incidents: %w", err)
	}
	return decided, nil
}

// ungrouped returns the incidents after a number, with earlier ones that are in no group and opened shortly
// before. last is the number of the last one.
func (tx *Tx) ungrouped(project, decided int64) (incidents []ungrouped, last int64, err error) {
	last = decided
	var earliest time.Time
	all, err := queryAll(tx, func(row scanner) (i ungrouped, err error) {
		var opened sql.NullInt64
		var host sql.NullString
		var tags string
		if err := row.Scan(&i.Number, &opened, &i.heartbeat, &host, &tags); err != nil {
			return i, err
		}
		i.OpenedAt = timeFromMicros(opened)
		if f, ok := monitor.HostFactor(host.String); ok {
			i.Factors = append(i.Factors, f)
		}
		list, err := decodeList(tags)
		for _, t := range list {
			i.Factors = append(i.Factors, monitor.Factor{Kind: monitor.FactorTag, Value: t})
		}
		if i.Number > decided {
			if last = i.Number; earliest.IsZero() || i.OpenedAt.Before(earliest) {
				earliest = i.OpenedAt
			}
		}
		return i, err
	}, `SELECT i.number, i.opened, i.heartbeat, i.host, h.tags FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.project = $1 AND i.number > $2 AND i.number <= $3 AND (i.number > $4 OR i.group_number IS NULL) ORDER BY i.number`,
		project, decided-comparedBefore, decided+maxGroupedAtOnce, decided)
	if err != nil {
		return nil, decided, fmt.Errorf("new incidents: %w", err)
	}
	for _, i := range all {
		if i.Number > decided || !i.OpenedAt.Before(earliest.Add(-monitor.GroupWindow)) {
			incidents = append(incidents, i)
		}
	}
	return incidents, last, nil
}

// groupColumns are in the order of scanGroup.
const groupColumns = `g.project, g.number, g.factor, g.value, g.first_opened, g.last_opened, g.members, g.acknowledged, g.acknowledged_by`

// scanGroup reads groupColumns.
func scanGroup(row scanner) (g monitor.IncidentGroup, err error) {
	var first, last, acknowledged sql.NullInt64
	err = row.Scan(&g.Project, &g.Number, &g.Factor.Kind, &g.Factor.Value, &first, &last, &g.Members, &acknowledged, &g.AcknowledgedBy)
	g.First, g.Last, g.AcknowledgedAt = timeFromMicros(first), timeFromMicros(last), timeFromMicros(acknowledged)
	return g, err
}

// groupsNear returns the groups that incidents can join. A group that was acknowledged and is over takes no
// members: its acknowledgement must not end the reminders of a new failure.
func (tx *Tx) groupsNear(project int64, incidents []monitor.GroupableIncident) ([]monitor.IncidentGroup, error) {
	first, last := incidents[0].OpenedAt, incidents[0].OpenedAt
	for _, i := range incidents {
		if i.OpenedAt.Before(first) {
			first = i.OpenedAt
		}
		if i.OpenedAt.After(last) {
			last = i.OpenedAt
		}
	}
	groups, err := queryAll(tx, scanGroup, `SELECT `+groupColumns+` FROM incident_groups g WHERE g.project = $1 AND g.last_opened >= $2 AND g.first_opened <= $3
		AND (g.acknowledged IS NULL OR EXISTS (SELECT 1 FROM incidents m WHERE m.project = g.project AND m.group_number = g.number AND m.resolved IS NULL))
		ORDER BY g.number`+tx.d.ForUpdate, project, micros(first.Add(-monitor.GroupWindow)), micros(last.Add(monitor.GroupWindow)))
	if err != nil {
		return nil, fmt.Errorf("groups of incidents: %w", err)
	}
	return groups, nil
}

// saveGroups stores the new groups of a project, and the members that others have now.
func (tx *Tx) saveGroups(project int64, c monitor.Correlation, now time.Time) error {
	var added, grown [][]any
	for _, g := range c.New {
		added = append(added, []any{project, g.Number, string(g.Factor.Kind), g.Factor.Value, g.First.UnixMicro(), g.Last.UnixMicro(), int64(g.Members), "", false})
	}
	for _, g := range c.Grown {
		grown = append(grown, []any{project, g.Number, g.First.UnixMicro(), g.Last.UnixMicro(), int64(g.Members), g.Acknowledges(now)})
	}
	if err := errors.Join(tx.insertBatch(&incidentGroupBatch, added), tx.updateBatch(&grownGroupBatch, grown)); err != nil {
		return fmt.Errorf("save groups of incidents: %w", err)
	}
	return nil
}

// groupsToAcknowledge returns the acknowledged groups with members that are still to be acknowledged.
func (tx *Tx) groupsToAcknowledge() ([]monitor.IncidentGroup, error) {
	groups, err := queryAll(tx, scanGroup, `SELECT `+groupColumns+` FROM incident_groups g WHERE g.acknowledging ORDER BY g.project, g.number`)
	if err != nil {
		return nil, fmt.Errorf("groups to acknowledge: %w", err)
	}
	return groups, nil
}

// IncidentGroup returns a group of a project.
func (tx *Tx) IncidentGroup(project, number int64) (monitor.IncidentGroup, error) {
	g, found, err := queryOne(tx, scanGroup, `SELECT `+groupColumns+` FROM incident_groups g WHERE g.project = $1 AND g.number = $2`, project, number)
	if err == nil && !found {
		err = notFound("group of incidents", tx.db.retention.IncidentsText())
	}
	return g, err
}

// AcknowledgeGroup records who acknowledges a group. Its open members, and those that join it within
// [monitor.GroupAcknowledgement], are acknowledged by [Tx.AcknowledgeMembers]: in several transactions,
// because there can be many. A kill between two of them loses nothing.
func (tx *Tx) AcknowledgeGroup(g monitor.IncidentGroup, by string, now time.Time) error {
	_, err := tx.exec(`UPDATE incident_groups SET acknowledged = $3, acknowledged_by = $4, acknowledging = TRUE WHERE project = $1 AND number = $2`,
		g.Project, g.Number, micros(now), by)
	if err != nil {
		return fmt.Errorf("acknowledge group of incidents: %w", err)
	}
	return nil
}

// AcknowledgeMembers acknowledges some open members of an acknowledged group.
func (tx *Tx) AcknowledgeMembers(project, number int64, now time.Time) (step GroupingStep, err error) {
	g, found, err := queryOne(tx, scanGroup, `SELECT `+groupColumns+` FROM incident_groups g
		WHERE g.project = $1 AND g.number = $2 AND g.acknowledging`+tx.d.ForUpdate, project, number)
	if err != nil || !found {
		return step, err
	}
	members, err := tx.openMembers(g, 0, maxAckedAtOnce)
	if err != nil {
		return step, err
	}
	done, err := tx.acknowledge(members, g.AcknowledgedBy, acknowledgedText(g), now)
	if err != nil {
		return step, err
	}
	for _, i := range done {
		step.Changed = append(step.Changed, i.Heartbeat)
	}
	step.Pending = len(done) > 0
	if step.More = len(members) == maxAckedAtOnce; step.More {
		return step, nil
	}
	_, err = tx.exec(`UPDATE incident_groups SET acknowledging = FALSE WHERE project = $1 AND number = $2`, project, number)
	return step, err
}

// acknowledgedText is the entry on the timelines of the members of an acknowledged group.
func acknowledgedText(g monitor.IncidentGroup) string {
	return fmt.Sprintf("Acknowledged by %s, together with group %d.", g.AcknowledgedBy, g.Number)
}

// openMembers returns members of a group that are open and not acknowledged, with higher numbers than one.
func (tx *Tx) openMembers(g monitor.IncidentGroup, after int64, limit int) ([]monitor.Incident, error) {
	members, err := queryAll(tx, scanIncident, `SELECT `+incidentColumns+` FROM incidents i JOIN heartbeats h ON h.key = i.heartbeat
		WHERE i.project = $1 AND i.group_number = $2 AND i.number > $3 AND i.resolved IS NULL AND i.acknowledged IS NULL ORDER BY i.number LIMIT $4`,
		g.Project, g.Number, after, limit)
	if err != nil {
		return nil, fmt.Errorf("open members of group: %w", err)
	}
	return members, nil
}
