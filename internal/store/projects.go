package store

import (
	"database/sql"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// projectColumns are in the order of scanProject.
const projectColumns = `key, slug, name, zone, created`

// scanProject reads projectColumns.
func scanProject(row scanner) (monitor.Project, error) {
	var p monitor.Project
	var created sql.NullInt64
	err := row.Scan(&p.Key, &p.Slug, &p.Name, &p.Zone, &created)
	p.Created = timeFromMicros(created)
	return p, err
}

// Projects lists all projects, oldest first.
func (tx *Tx) Projects() ([]monitor.Project, error) {
	return queryAll(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE deleted IS NULL ORDER BY key`)
}

// Project returns the project with the given key, including deleted ones: pending
// alerts name them.
func (tx *Tx) Project(key int64) (monitor.Project, error) {
	p, found, err := queryOne(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE key = $1`, key)
	if err == nil && !found {
		err = notFound("project")
	}
	return p, err
}

// ProjectBySlugOrName returns the project with the given slug or name.
func (tx *Tx) ProjectBySlugOrName(name string) (monitor.Project, error) {
	p, found, err := queryOne(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE (slug = $1 OR name = $1) AND deleted IS NULL ORDER BY key LIMIT 1`, name)
	if err == nil && !found {
		err = monitor.Faultf(monitor.NotFound, "project", "There is no project %q.", name)
	}
	return p, err
}

// AddProject stores a new project and sets its key.
func (tx *Tx) AddProject(p monitor.Project) (monitor.Project, error) {
	key, err := tx.nextKey("projects")
	if err != nil {
		return p, err
	}
	p.Key = key
	_, err = tx.exec(`INSERT INTO projects (key, slug, name, zone, incidents, created) VALUES ($1, $2, $3, $4, 0, $5)`,
		p.Key, p.Slug, p.Name, p.Zone, micros(p.Created))
	if err != nil {
		return p, fmt.Errorf("add project: %w", err)
	}
	return p, nil
}

// SaveProject stores the fields of a project that users can edit.
func (tx *Tx) SaveProject(p monitor.Project) error {
	if _, err := tx.exec(`UPDATE projects SET name = $2, zone = $3 WHERE key = $1`, p.Key, p.Name, p.Zone); err != nil {
		return fmt.Errorf("save project: %w", err)
	}
	return nil
}

// DeleteProject deletes a project with everything in it: its heartbeats are neither
// evaluated nor pinged, it has no members, its keys are revoked, and its pending
// alerts fail. The row stays, because slugs are never used again.
func (tx *Tx) DeleteProject(p monitor.Project, now time.Time) error {
	for _, text := range []string{
		`UPDATE projects SET deleted = $2 WHERE key = $1`,
		`UPDATE heartbeats SET deleted = $2, status = 'paused', next_at = NULL, runs = NULL, incident = NULL, cause = ''
			WHERE project = $1 AND deleted IS NULL`,
		`UPDATE incidents SET resolved = $2, resolution = 'deleted' WHERE project = $1 AND resolved IS NULL`,
		`UPDATE channels SET deleted = $2 WHERE project = $1 AND deleted IS NULL`,
		`UPDATE api_keys SET revoked = $2 WHERE project = $1 AND revoked IS NULL`,
	} {
		if _, err := tx.exec(text, p.Key, micros(now)); err != nil {
			return fmt.Errorf("delete project: %w", err)
		}
	}
	for _, text := range []string{
		`UPDATE alerts SET state = 'failed', holder = NULL WHERE project = $1 AND state = 'pending'`,
		`DELETE FROM policies WHERE project = $1`,
		`DELETE FROM maintenances WHERE project = $1`,
		`DELETE FROM members WHERE project = $1`,
		`DELETE FROM invitations WHERE project = $1`,
	} {
		if _, err := tx.exec(text, p.Key); err != nil {
			return fmt.Errorf("delete project: %w", err)
		}
	}
	return nil
}

// CanaryKind is the kind of the channel of a canary: alerts go to the node itself.
const CanaryKind = "canary"

// canaryChannelPrefix begins the id of the channel of a canary, before the id of the node.
const canaryChannelPrefix = "canary-"

// canaryProject returns the key of the project that contains the canary of a node, 0
// for a program without a node. It is negative, so every query can tell it from the
// projects of users, and each node has its own, so nodes do not wait for each other.
func canaryProject(node string) int64 {
	if node == "" {
		return 0
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, node) // never fails
	return -1 - int64(h.Sum32()>>1)
}

// PrepareCanary creates the canary of this node unless it exists: a heartbeat with the
// given rule, and a channel for its alerts, in a project that counts as deleted, so no
// list contains it. It deletes what earlier rounds left, and the canaries of nodes that
// have not been seen since deadBefore.
func (tx *Tx) PrepareCanary(rule monitor.Rule, now, deadBefore time.Time) (monitor.Heartbeat, error) {
	if err := tx.deleteDeadCanaries(deadBefore); err != nil {
		return monitor.Heartbeat{}, err
	}
	project := canaryProject(tx.db.node)
	h, found, err := tx.LockHeartbeatBySlug(project, CanaryKind)
	switch {
	case err != nil:
		return h, err
	case found && h.FlappingAlerts != monitor.FlappingSend: // made by an earlier version
		h.FlappingAlerts = monitor.FlappingSend
		if err := tx.SaveHeartbeatSettings(h); err != nil {
			return h, err
		}
		return h, tx.deleteCanaryHistory(h)
	case found:
		return h, tx.deleteCanaryHistory(h)
	}
	slug := canaryChannelPrefix + tx.db.node
	if _, err := tx.exec(`INSERT INTO projects (key, slug, name, zone, incidents, created, deleted) VALUES ($1, $2, $3, 'UTC', 0, $4, $4)`,
		project, slug, CanaryKind, micros(now)); err != nil {
		return h, fmt.Errorf("add project of canary: %w", err)
	}
	if _, err := tx.exec(`INSERT INTO channels (id, project, kind, name, settings, notify_on_late, notify_on_recovery, remind_every, failing, created)
		VALUES ($1, $2, $3, $3, '{}', FALSE, FALSE, 0, FALSE, $4)`, slug, project, CanaryKind, micros(now)); err != nil {
		return h, fmt.Errorf("add channel of canary: %w", err)
	}
	id := uuid.NewString()
	return tx.AddHeartbeat(monitor.Heartbeat{
		ID: id, Ref: id, Project: project, Name: CanaryKind, Slug: CanaryKind, AllChannels: true, Rule: rule, Status: monitor.New,
		Severity: monitor.SeverityInfo, Created: now, Updated: now,
		FlappingAlerts: monitor.FlappingSend, // it is down and up again in each round
	})
}

// Canary returns the canary of this node, the zero heartbeat if it does not exist. failed
// means that the alert about its open incident was not delivered: a node of a version
// without canaries does not know the channel.
func (tx *Tx) Canary() (h monitor.Heartbeat, failed bool, err error) {
	h, _, err = queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL`,
		canaryProject(tx.db.node))
	if err != nil || h.OpenIncident == "" {
		return h, false, err
	}
	_, failed, err = queryOne(tx, scanInt, `SELECT 1 FROM alerts WHERE incident = $1 AND state = 'failed' LIMIT 1`, h.OpenIncident)
	return h, failed, err
}

// deleteDeadCanaries deletes the canaries of nodes that are not running.
func (tx *Tx) deleteDeadCanaries(deadBefore time.Time) error {
	dead, err := queryAll(tx, func(row scanner) (node string, err error) { return node, row.Scan(&node) },
		`SELECT SUBSTR(p.slug, $3) FROM projects p WHERE p.key < 0 AND p.key <> $1 AND NOT EXISTS (
			SELECT 1 FROM nodes n WHERE n.id = SUBSTR(p.slug, $3) AND n.seen >= $2)`+tx.d.ForUpdateSkipLocked,
		canaryProject(tx.db.node), micros(deadBefore), len(canaryChannelPrefix)+1)
	if err != nil {
		return fmt.Errorf("canaries of stopped nodes: %w", err)
	}
	for _, node := range dead {
		if err := tx.deleteCanary(node); err != nil {
			return err
		}
	}
	return nil
}

// DeleteCanary deletes the canary of this node.
func (tx *Tx) DeleteCanary() error { return tx.deleteCanary(tx.db.node) }

// deleteCanary deletes the canary of a node, with everything that refers to it.
func (tx *Tx) deleteCanary(node string) error {
	project, channel := canaryProject(node), canaryChannelPrefix+node
	h, _, err := tx.LockHeartbeatBySlug(project, CanaryKind)
	if err != nil {
		return fmt.Errorf("delete canary: %w", err)
	}
	for _, s := range []struct {
		text string
		arg  any
	}{
		{`DELETE FROM attempts WHERE alert IN (SELECT id FROM alerts WHERE channel = $1 AND (attempts > 0 OR state <> 'pending'))`, channel},
		{`DELETE FROM alerts WHERE channel = $1 AND (attempts > 0 OR state <> 'pending')`, channel},
		{`DELETE FROM alerts WHERE channel = $1 AND state = 'pending' AND attempts = 0`, channel},
		{`DELETE FROM timeline WHERE incident IN (SELECT id FROM incidents WHERE project = $1)`, project},
		{`DELETE FROM threads WHERE channel = $1`, channel},
		{`DELETE FROM incidents WHERE project = $1`, project},
		{`DELETE FROM pings WHERE heartbeat = $1`, h.Key},
		{`DELETE FROM ping_blocks WHERE heartbeat = $1`, h.Key},
		{`DELETE FROM slots WHERE heartbeat = $1`, h.Key},
		{`DELETE FROM heartbeats WHERE key = $1`, h.Key}, // locked, so no other pings wait
		{`DELETE FROM channel_failures WHERE channel = $1`, channel},
		{`DELETE FROM channels WHERE id = $1`, channel},
		{`DELETE FROM projects WHERE key = $1`, project},
	} {
		if _, err := tx.exec(s.text, s.arg); err != nil {
			return fmt.Errorf("delete canary: %w", err)
		}
	}
	tx.changes.declareHeartbeat(project, 0) // no list contains it
	return nil
}

// deleteCanaryHistory deletes the pings and the delivered incidents of earlier rounds.
func (tx *Tx) deleteCanaryHistory(h monitor.Heartbeat) error {
	const delivered = `SELECT i.id FROM incidents i WHERE i.project = $1 AND i.resolved IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM alerts p WHERE p.incident = i.id AND p.state = 'pending')`
	for _, s := range []struct {
		text string
		arg  any
	}{
		{`DELETE FROM attempts WHERE alert IN (SELECT a.id FROM alerts a WHERE a.incident IN (` + delivered + `))`, h.Project},
		{`DELETE FROM alerts WHERE incident IN (` + delivered + `)`, h.Project},
		{`DELETE FROM timeline WHERE incident IN (` + delivered + `)`, h.Project},
		{`DELETE FROM threads WHERE incident IN (` + delivered + `)`, h.Project},
		{`DELETE FROM incidents WHERE id IN (` + delivered + `)`, h.Project},
		{`DELETE FROM pings WHERE heartbeat = $1`, h.Key},
		{`DELETE FROM ping_blocks WHERE heartbeat = $1`, h.Key},
		{`DELETE FROM slots WHERE heartbeat = $1`, h.Key},
	} {
		if _, err := tx.exec(s.text, s.arg); err != nil {
			return fmt.Errorf("delete history of canary: %w", err)
		}
	}
	return nil
}

// AddFeedback stores a reader's feedback on a page of the manual.
func (tx *Tx) AddFeedback(f monitor.Feedback) error {
	var project any
	if f.Project != 0 {
		project = f.Project
	}
	_, err := tx.exec(`INSERT INTO feedback (id, project, at, page, helpful, comment, person) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		newID(), project, micros(f.At), f.Page, f.Helpful, validText(f.Comment), f.Person)
	if err != nil {
		return fmt.Errorf("feedback: %w", err)
	}
	return nil
}

// FeedbackScore counts the positive and negative answers to a page.
type FeedbackScore struct {
	Page    string
	Yes, No int
}

// FeedbackScores counts the answers to each page.
func (tx *Tx) FeedbackScores() ([]FeedbackScore, error) {
	return queryAll(tx, func(row scanner) (s FeedbackScore, err error) {
		return s, row.Scan(&s.Page, &s.Yes, &s.No)
	}, `SELECT page, SUM(CASE WHEN helpful THEN 1 ELSE 0 END), SUM(CASE WHEN helpful THEN 0 ELSE 1 END) FROM feedback GROUP BY page ORDER BY page`)
}

// FeedbackComments lists up to n answers with a comment, newest first, older than the
// one with the given id; empty begins with the newest.
func (tx *Tx) FeedbackComments(before string, n int) ([]monitor.Feedback, error) {
	return queryAll(tx, func(row scanner) (monitor.Feedback, error) {
		var f monitor.Feedback
		var project, at sql.NullInt64
		err := row.Scan(&f.ID, &project, &at, &f.Page, &f.Helpful, &f.Comment, &f.Person)
		f.Project, f.At = project.Int64, timeFromMicros(at)
		return f, err
	}, `SELECT id, project, at, page, helpful, comment, person FROM feedback WHERE comment <> '' AND ($1 = '' OR id < $1) ORDER BY id DESC LIMIT $2`,
		before, n)
}

// AddAuditEntry stores an entry of the audit log. It fails if the entry does not identify
// the actor: a name alone is not unique.
func (tx *Tx) AddAuditEntry(e monitor.AuditEntry) error {
	if e.Kind == "" || e.ActorID == "" && e.Kind != monitor.ActorCommandLine {
		return fmt.Errorf("audit: %s: the entry does not identify its actor", e.Action)
	}
	_, err := tx.exec(`INSERT INTO audit (id, project, at, actor, actor_kind, actor_id, source, action, target, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		newID(), e.Project, micros(e.At), e.Actor, string(e.Kind), e.ActorID, e.Source, e.Action, e.Target, e.Detail)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// AuditQuery selects a part of a project's audit log.
type AuditQuery struct {
	Project   int64
	Text      string // in the name of the actor or the target, ignoring case; empty: all
	ActorID   string // entries of this actor; empty: of all
	Before    Cursor // the last entry of the previous page; zero: the newest entries
	Backwards bool   // the page is on the newer side of Before
	Limit     int
}

// AuditLine is an entry with its position in the log.
type AuditLine struct {
	monitor.AuditEntry
	Cursor Cursor
}

// AuditLog lists entries of a project's audit log, newest first.
func (tx *Tx) AuditLog(q AuditQuery) ([]AuditLine, error) {
	beyond, way := "<", "DESC"
	if q.Backwards {
		beyond, way = ">", "ASC"
	}
	lines, err := queryAll(tx, func(row scanner) (AuditLine, error) {
		var l AuditLine
		var at sql.NullInt64
		err := row.Scan(&l.Cursor.Value, &l.Project, &at, &l.Actor, &l.Kind, &l.ActorID, &l.Source, &l.Action, &l.Target, &l.Detail)
		l.At, l.Cursor.Key = timeFromMicros(at), at.Int64
		return l, err
	}, `SELECT id, project, at, actor, actor_kind, actor_id, source, action, target, detail FROM audit
		WHERE project = $1 AND ($2 = '' OR LOWER(actor) LIKE $2 ESCAPE '\' OR LOWER(target) LIKE $2 ESCAPE '\')
		AND ($3 = '' OR actor_id = $3)
		AND (CAST($4 AS BIGINT) = 0 OR (at, id) `+beyond+` ($4, $5)) ORDER BY at `+way+`, id `+way+` LIMIT $6`,
		q.Project, containsPattern(q.Text), q.ActorID, q.Before.Key, q.Before.Value, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	if q.Backwards {
		slices.Reverse(lines)
	}
	return lines, nil
}

// containsPattern returns the LIKE pattern of texts that contain the given one; empty
// matches all.
func containsPattern(text string) string {
	if text == "" {
		return ""
	}
	return "%" + escapeLike(strings.ToLower(text)) + "%"
}

// RecentAuditEntries lists up to n of the newest entries of a project's audit log,
// newest first.
func (tx *Tx) RecentAuditEntries(project int64, n int) ([]monitor.AuditEntry, error) {
	lines, err := tx.AuditLog(AuditQuery{Project: project, Limit: n})
	entries := make([]monitor.AuditEntry, 0, len(lines))
	for _, l := range lines {
		entries = append(entries, l.AuditEntry)
	}
	return entries, err
}

// AuditAction contains the last actor of an action, and the time.
type AuditAction struct {
	Actor string
	At    time.Time
}

// LastAuditActions returns the last time of an action on each of the targets, by
// target, as the audit log names them.
func (tx *Tx) LastAuditActions(project int64, action string, targets []string) (map[string]AuditAction, error) {
	actions := map[string]AuditAction{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var target string
		var d AuditAction
		var at sql.NullInt64
		err := row.Scan(&target, &d.Actor, &at)
		d.At = timeFromMicros(at)
		actions[target] = d
		return struct{}{}, err
	}, `SELECT a.target, a.actor, a.at FROM audit a
		WHERE a.project = $1 AND a.action = $2 AND `+tx.d.InList("a.target", "$3")+` ORDER BY a.at`, project, action, tx.d.TextList(targets))
	if err != nil {
		return nil, fmt.Errorf("last audit actions: %w", err)
	}
	return actions, nil
}
