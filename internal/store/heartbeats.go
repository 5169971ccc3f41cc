package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/calendars"
	"overdue/internal/store/dialect"
	"overdue/internal/store/staterow"
)

// heartbeatColumns are in the order of scanHeartbeat.
const heartbeatColumns = `h.key, h.id, h.ref, h.project, h.name, h.slug, h.description, h.tags, h.severity,
	h.interval_us, h.language, h.calendar, h.zone, h.early, h.grace, h.max_run_time, h.min_run_time, h.start_grace, h.alert_after,
	h.expect_first_by, h.instances, h.methods, h.manual_resume, h.channels, h.policy, h.muted_until, h.created, h.updated, h.deleted,
	h.flapping_alerts, h.flaps, h.flapping_since,
	h.status, h.counted_from, h.heard, h.last_ping, h.began, h.run_time, h.runs, h.pings, h.incident, h.cause, h.` + historyColumn + `, h.finished, h.blackout, h.hosts, h.maintenance`

// historyColumn is the column with the run history and the failure count.
const historyColumn = "ledger"

// heartbeatRow is a row of heartbeatColumns. It is used again, because a scan of new
// variables allocates each of them.
type heartbeatRow struct {
	h                                           monitor.Heartbeat
	tags                                        string
	calendar                                    calendars.Text
	channels, policy                            sql.NullString
	interval, grace, maxRun, minRun, startGrace int64
	early, firstBy, created, updated, deleted   sql.NullInt64
	muted, flappingSince, instances             sql.NullInt64
	flaps                                       sql.NullString
	state                                       staterow.Row
	into                                        []any
}

// heartbeatRows are rows that no scan uses.
var heartbeatRows = sync.Pool{New: func() any {
	r := &heartbeatRow{}
	h, s := &r.h, &r.state
	r.into = []any{
		&h.Key, &h.ID, &h.Ref, &h.Project, &h.Name, &h.Slug, &h.Description, &r.tags, &h.Severity,
		&r.interval, &r.calendar.Language, &r.calendar.Lines, &r.calendar.Zone, &r.early, &r.grace, &r.maxRun, &r.minRun, &r.startGrace, &h.Rule.AlertAfter,
		&r.firstBy, &r.instances, &h.Rule.Methods, &h.Rule.ManualResume, &r.channels, &r.policy, &r.muted, &r.created, &r.updated, &r.deleted,
		&h.FlappingAlerts, &r.flaps, &r.flappingSince,
		&s.Status, &s.CountedFrom, &s.StaleBefore, &s.LastPing, &s.LastStart, &s.RunTime, &s.Runs, &s.Pings, &s.Incident, &s.Cause, &s.History, &s.Finished, &s.Blackout, &s.Hosts, &s.Maintenance,
	}
	r.into = slices.Grow(r.into, 1) // for one more column, see scanPlusLast
	return r
}}

// scanHeartbeat reads heartbeatColumns. It returns the heartbeat after all its pings,
// including those that are not in the tables.
func (tx *Tx) scanHeartbeat(row scanner) (monitor.Heartbeat, error) {
	h, err := tx.scanTablesHeartbeat(row)
	if err == nil && tx.reader != nil {
		h, err = tx.reader.Heartbeat(h)
	} else if err == nil && tx.taken != nil {
		h, err = tx.taken.Heartbeat(h)
	}
	return h.WithBlackouts(tx.db.watching.list()), err
}

// lockHeartbeat is scanHeartbeat for a query that locks its rows: with a write-behind
// buffer, no ping of the heartbeat is stored until the transaction ends.
func (tx *Tx) lockHeartbeat(row scanner) (monitor.Heartbeat, error) {
	if tx.taken == nil {
		return tx.scanHeartbeat(row)
	}
	h, err := tx.scanTablesHeartbeat(row)
	if err == nil {
		h, err = tx.holdHeartbeat(h)
	}
	return h.WithBlackouts(tx.db.watching.list()), err
}

// scanTablesHeartbeat reads heartbeatColumns, as they are in the tables.
func (tx *Tx) scanTablesHeartbeat(row scanner) (monitor.Heartbeat, error) {
	r := heartbeatRows.Get().(*heartbeatRow)
	defer heartbeatRows.Put(r)
	if err := row.Scan(r.into...); err != nil { // it sets all variables
		return monitor.Heartbeat{}, err
	}
	h, err := r.h, error(nil)
	h.Rule.Interval, h.Rule.Grace, h.Rule.MaxRunTime = durationFromMicros(r.interval), durationFromMicros(r.grace), durationFromMicros(r.maxRun)
	h.Rule.MinRunTime, h.Rule.StartGrace, h.Rule.ExpectFirstBy = durationFromMicros(r.minRun), durationFromMicros(r.startGrace), timeFromMicros(r.firstBy)
	if h.Rule.Early = monitor.DefaultEarly; r.early.Valid {
		h.Rule.Early = durationFromMicros(r.early.Int64)
	}
	h.Rule.Instances = monitor.Instances(r.instances.Int64)
	h.Created, h.Updated, h.Deleted = timeFromMicros(r.created), timeFromMicros(r.updated), timeFromMicros(r.deleted)
	h.AllChannels, h.Policy, h.MutedUntil = !r.channels.Valid, r.policy.String, timeFromMicros(r.muted)
	if h.Flapping, err = decodeFlapping(r.flappingSince, r.flaps); err != nil {
		return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	if r.calendar.Language != "" {
		if h.Rule.Calendar, err = tx.db.calendars.Parse(r.calendar); err != nil {
			return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
		}
	}
	if err := r.state.Apply(&h); err != nil {
		return h, err
	}
	if h.Tags, err = decodeList(r.tags); err != nil {
		return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	if h.Channels, err = decodeList(r.channels.String); err != nil {
		return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	return h, nil
}

// decodeList returns a stored list. Most lists are empty, and this runs for every ping.
func decodeList(text string) (list []string, err error) {
	if text == "" || text == "[]" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &list)
	return list, err
}

// Heartbeat returns the heartbeat with the given id or ref, in a project.
func (tx *Tx) Heartbeat(project int64, idOrRef string) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND (h.id = $2 OR h.ref = $2) AND h.deleted IS NULL`, project, idOrRef)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// HeartbeatWithSlug returns the heartbeat with the given slug, in a project, without
// a lock.
func (tx *Tx) HeartbeatWithSlug(project int64, slug string) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.slug = $2 AND h.deleted IS NULL`, project, slug)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// HeartbeatForUpdate is Heartbeat by id, with a lock until the transaction ends.
func (tx *Tx) HeartbeatForUpdate(project int64, id string) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.lockHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.id = $2 AND h.deleted IS NULL`+tx.d.ForUpdate, project, id)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// LockHeartbeatBySlug returns the heartbeat with the given slug, locked, and whether
// there is one.
func (tx *Tx) LockHeartbeatBySlug(project int64, slug string) (monitor.Heartbeat, bool, error) {
	return queryOne(tx, tx.lockHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.slug = $2 AND h.deleted IS NULL`+tx.d.ForUpdate, project, slug)
}

// HeartbeatByKey returns the heartbeat with the given key, including deleted ones.
func (tx *Tx) HeartbeatByKey(key int64) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE h.key = $1`, key)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// HeartbeatsForPings returns the heartbeats with the given ids, of any project,
// locked in the order of their keys so that two batches never wait for each other.
func (tx *Tx) HeartbeatsForPings(ids []string) (map[string]monitor.Heartbeat, error) {
	return tx.heartbeatsForPings(heartbeatsForPingsSQL(tx.d, tx.d.ForUpdate), ids)
}

// unlockedHeartbeats is HeartbeatsForPings without the heartbeats that another
// transaction has locked, whose ids it returns.
func (tx *Tx) unlockedHeartbeats(ids []string) (byID map[string]monitor.Heartbeat, locked map[string]bool, err error) {
	byID, err = tx.heartbeatsForPings(heartbeatsForPingsSQL(tx.d, tx.d.ForUpdateSkipLocked), ids)
	if err != nil || len(byID) == len(ids) {
		return byID, nil, err
	}
	absent := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, found := byID[id]; return found })
	skipped, err := queryAll(tx, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		`SELECT id FROM heartbeats WHERE `+tx.d.InList("id", "$1")+` AND deleted IS NULL`, tx.d.TextList(absent))
	if err != nil {
		return nil, nil, fmt.Errorf("locked heartbeats: %w", err)
	}
	locked = make(map[string]bool, len(skipped))
	for _, id := range skipped {
		locked[id] = true
	}
	return byID, locked, nil
}

// heartbeatsForPings runs a heartbeatsForPingsSQL.
func (tx *Tx) heartbeatsForPings(text string, ids []string) (map[string]monitor.Heartbeat, error) {
	found, err := queryAll(tx, tx.lockHeartbeat, text, tx.d.TextList(ids))
	if err != nil {
		return nil, fmt.Errorf("heartbeats of the pings: %w", err)
	}
	byID := make(map[string]monitor.Heartbeat, len(found))
	for _, h := range found {
		byID[h.ID] = h
	}
	return byID, nil
}

// heartbeatsForPingsSQL is the statement of HeartbeatsForPings. lock ends it.
func heartbeatsForPingsSQL(d *dialect.Dialect, lock string) string {
	return `SELECT ` + heartbeatColumns + ` FROM heartbeats h WHERE ` + d.InList("h.id", "$1") + ` AND h.deleted IS NULL ORDER BY h.key` + lock
}

// HeartbeatExists reports whether a heartbeat of any project has the given id.
func (tx *Tx) HeartbeatExists(id string) (bool, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM heartbeats WHERE id = $1 AND deleted IS NULL`, id)
	return n > 0, err
}

// DueForEvaluation returns up to n heartbeats that are due for evaluation at or
// before now, earliest first, locked. It skips those that another node has locked, and
// the canaries of other nodes.
func (tx *Tx) DueForEvaluation(now time.Time, n int) ([]monitor.Heartbeat, error) {
	if err := tx.saveDue(now); err != nil {
		return nil, err
	}
	return queryAll(tx, tx.lockHeartbeat, dueForEvaluationSQL(tx.d), micros(now), n, canaryProject(tx.db.node))
}

// dueForEvaluationSQL is the statement of DueForEvaluation. CAST is explained in claimSQL.
func dueForEvaluationSQL(d *dialect.Dialect) string {
	return `SELECT ` + heartbeatColumns + ` FROM heartbeats h
		WHERE h.next_at <= $1 AND (h.project > 0 OR h.project = $3) ORDER BY h.next_at LIMIT CAST($2 AS BIGINT)` + d.ForUpdateSkipLocked
}

// saveDue saves the pending pings that make heartbeats due, so that the tables say which
// ones are.
func (tx *Tx) saveDue(now time.Time) error {
	if tx.taken == nil {
		return nil
	}
	tx.taken.DueBefore(now)
	return tx.saveHeld()
}

// DueKeys returns the keys of up to n heartbeats that are due for evaluation at or before
// now, the earliest ones, in the order of their keys. It reads only the index of due times.
func (tx *Tx) DueKeys(now time.Time, n int) ([]int64, error) {
	if err := tx.saveDue(now); err != nil {
		return nil, err
	}
	keys, err := queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT h.key FROM heartbeats h WHERE h.next_at <= $1 ORDER BY h.next_at LIMIT $2`, micros(now), n)
	slices.Sort(keys)
	return keys, err
}

// DueAmong is DueForEvaluation for the heartbeats with the given keys, in the order of
// the keys. Heartbeats that are no longer due are not in the result. ahead can be what ReadAhead
// read with the same keys, or nil.
func (tx *Tx) DueAmong(now time.Time, keys []int64, ahead *Ahead) ([]monitor.Heartbeat, error) {
	valid, err := tx.isUnchanged(ahead)
	switch {
	case err != nil:
		return nil, err
	case valid:
		return ahead.hold(tx)
	}
	return queryAll(tx, tx.lockHeartbeat, dueAmongSQL(tx.d), micros(now), tx.d.IntList(keys), canaryProject(tx.db.node))
}

// Ahead are rows of heartbeats that were read while an earlier transaction ran.
type Ahead struct {
	after      Mark
	heartbeats []monitor.Heartbeat // without the pings of the write-behind buffer
}

// Mark identifies the rows of heartbeats that a transaction sees.
type Mark struct {
	commits int64 // of this process, that changed them
	others  int64 // changes with each commit of another process
}

// Mark returns the mark of this transaction. ok is false if rows cannot be read ahead: without a
// write-behind buffer, nothing else prevents that they change.
func (tx *Tx) Mark() (m Mark, ok bool, err error) {
	if tx.taken == nil {
		return m, false, nil
	}
	m.commits = tx.db.rowChanges.Load()
	m.others, _, err = queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) }, `PRAGMA data_version`)
	return m, err == nil, err
}

// ReadAhead reads the heartbeats with the given keys that are due, for DueAmong. after is the mark
// of a transaction that is still running, and that changes no heartbeat with these keys.
func (db *DB) ReadAhead(ctx context.Context, after Mark, now time.Time, keys []int64) (*Ahead, error) {
	a := &Ahead{after: after}
	err := db.View(ctx, func(tx *Tx) (err error) {
		a.heartbeats, err = queryAll(tx, tx.scanTablesHeartbeat, dueAmongSQL(tx.d), micros(now), tx.d.IntList(keys), canaryProject(tx.db.node))
		return err
	})
	return a, err
}

// isUnchanged reports whether the rows that were read ahead are still what this transaction
// sees: since the one with the mark began, only that one has changed heartbeats.
func (tx *Tx) isUnchanged(a *Ahead) (bool, error) {
	if a == nil {
		return false, nil
	}
	m, ok, err := tx.Mark()
	return ok && m.commits == a.after.commits+1 && m.others == a.after.others, err
}

// hold makes the transaction hold the heartbeats, as lockHeartbeat does, and returns them.
func (a *Ahead) hold(tx *Tx) ([]monitor.Heartbeat, error) {
	blackouts := tx.db.watching.list()
	due := make([]monitor.Heartbeat, len(a.heartbeats)) // not in place: the transaction can run again
	for i := range due {
		h, err := tx.holdHeartbeat(a.heartbeats[i])
		if err != nil {
			return nil, err
		}
		due[i] = h.WithBlackouts(blackouts)
	}
	return due, tx.saveHeld()
}

// dueAmongSQL is the statement of DueAmong.
func dueAmongSQL(d *dialect.Dialect) string {
	return `SELECT ` + heartbeatColumns + ` FROM heartbeats h
		WHERE ` + d.InList("h.key", "$2") + ` AND h.next_at <= $1 AND (h.project > 0 OR h.project = $3) ORDER BY h.key` + d.ForUpdateSkipLocked
}

// NextDue returns the time of the next evaluation that is due, zero for none. The
// canaries of other nodes do not count.
func (tx *Tx) NextDue() (time.Time, error) {
	var pending time.Time
	if tx.taken != nil {
		pending = tx.db.buffer.NextDue()
	}
	next, err := queryTime(tx, `SELECT MIN(next_at) FROM heartbeats WHERE next_at IS NOT NULL AND (project > 0 OR project = $1)`,
		canaryProject(tx.db.node))
	return monitor.Earlier(next, pending), err
}

// AddHeartbeat stores a new heartbeat and sets its key. ErrTaken means that its slug
// is in use.
func (tx *Tx) AddHeartbeat(h monitor.Heartbeat) (monitor.Heartbeat, error) {
	key, err := tx.nextKey("heartbeats")
	if err != nil {
		return h, err
	}
	h.Key = key
	return h, tx.insertHeartbeat(h)
}

// insertHeartbeat stores a heartbeat that has its key.
func (tx *Tx) insertHeartbeat(h monitor.Heartbeat) error {
	_, err := tx.exec(`INSERT INTO heartbeats (key, id, ref, project, name, slug, description, tags, channels, created, updated, status,
		methods, manual_resume, interval_us, language, calendar, zone, early, grace, max_run_time, min_run_time, start_grace, alert_after,
		expect_first_by, instances, next_at, severity, flapping_alerts, policy, pings, cause)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, 0, '')`,
		slices.Concat([]any{
			h.Key, h.ID, h.Ref, h.Project, h.Name, h.Slug, h.Description, encodeList(h.Tags),
			channelsJSON(h), micros(h.Created), micros(h.Updated), string(h.Status),
		}, ruleRow(h.Rule), []any{micros(h.NextEvaluation())}, alertSettingsRow(h))...)
	if err != nil {
		return fmt.Errorf("add heartbeat: %w", err)
	}
	tx.changes.declareHeartbeat(h.Project, h.Key)
	return nil
}

// SaveHeartbeatSettings stores the fields of a heartbeat that users can edit. Save
// stores its state.
func (tx *Tx) SaveHeartbeatSettings(h monitor.Heartbeat) error {
	_, err := tx.exec(`UPDATE heartbeats SET name = $2, slug = $3, description = $4, tags = $5, channels = $6, updated = $7, deleted = $8,
		methods = $9, manual_resume = $10, interval_us = $11, language = $12, calendar = $13, zone = $14, early = $15, grace = $16,
		max_run_time = $17, min_run_time = $18, start_grace = $19, alert_after = $20, expect_first_by = $21, instances = $22,
		severity = $23, flapping_alerts = $24, policy = $25 WHERE key = $1`,
		slices.Concat([]any{
			h.Key, h.Name, h.Slug, h.Description, encodeList(h.Tags), channelsJSON(h), micros(h.Updated), micros(h.Deleted),
		}, ruleRow(h.Rule), alertSettingsRow(h))...)
	if err != nil {
		return fmt.Errorf("save settings of heartbeat: %w", err)
	}
	tx.changes.declareHeartbeat(h.Project, h.Key)
	return nil
}

// alertSettingsRow returns the settings of the alerts of a heartbeat as they are stored, in the order of the schema.
func alertSettingsRow(h monitor.Heartbeat) []any {
	return []any{severityText(h), flappingAlerts(h), nullableText(h.Policy)}
}

// ruleRow returns a rule as it is stored: methods, manual_resume, and then all fields
// that evaluation uses, in the order of the schema.
func ruleRow(r monitor.Rule) []any {
	calendar := calendars.TextOf(r.Calendar)
	var early any // NULL: the default
	if r.Early >= 0 {
		early = r.Early.Microseconds()
	}
	return []any{
		string(r.Methods), r.ManualResume, r.Interval.Microseconds(), calendar.Language, calendar.Lines, calendar.Zone, early,
		r.Grace.Microseconds(), r.MaxRunTime.Microseconds(), r.MinRunTime.Microseconds(), r.StartGrace.Microseconds(),
		int64(r.AlertAfter), micros(r.ExpectFirstBy), instancesValue(r.Instances),
	}
}

// severityText is how the severity of a heartbeat is stored: the zero value is critical.
func severityText(h monitor.Heartbeat) string {
	return string(cmp.Or(h.Severity, monitor.SeverityCritical))
}

// instancesValue is how the setting instances is stored: NULL for any host.
func instancesValue(n monitor.Instances) any {
	if n == monitor.AnyHost {
		return nil
	}
	return int64(n)
}

// channelsJSON returns the channels of a heartbeat as they are stored: NULL for all
// channels.
func channelsJSON(h monitor.Heartbeat) any {
	if h.AllChannels {
		return nil
	}
	return encodeList(h.Channels)
}

// encodeList returns a list as JSON.
func encodeList[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(list) // lists of strings and runs always marshal
	return string(b)
}

// nextKey returns the next value of a counter.
func (tx *Tx) nextKey(name string) (int64, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value`, name)
	if err != nil {
		return 0, fmt.Errorf("next key of %s: %w", name, err)
	}
	return n, nil
}

// CountHeartbeats counts the heartbeats of a project that are not deleted.
func (tx *Tx) CountHeartbeats(project int64) (n int, err error) {
	n, _, err = queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM heartbeats WHERE project = $1 AND deleted IS NULL`, project)
	return n, err
}

// HeartbeatsNamingChannel returns the heartbeats that name a channel in their list,
// locked in the order of their keys. Heartbeats that notify all channels name none.
func (tx *Tx) HeartbeatsNamingChannel(project int64, channel string) ([]monitor.Heartbeat, error) {
	routed, err := queryAll(tx, tx.lockHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.deleted IS NULL AND h.channels LIKE $2 ESCAPE '\' ORDER BY h.key`+tx.d.ForUpdate,
		project, `%"`+escapeLike(channel)+`"%`)
	if err != nil {
		return nil, fmt.Errorf("heartbeats of channel: %w", err)
	}
	return routed, nil
}

// DeletedHeartbeatForUpdate returns a heartbeat that was deleted at or after since,
// by id or ref, locked.
func (tx *Tx) DeletedHeartbeatForUpdate(project int64, idOrRef string, since time.Time) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.lockHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND (h.id = $2 OR h.ref = $2) AND h.deleted >= $3`+tx.d.ForUpdate, project, idOrRef, since.UnixMicro())
	if err == nil && !found {
		err = notFound("heartbeat to be restored; it was deleted too long ago")
	}
	return h, err
}

// HeartbeatsByKey returns the heartbeats with the given keys that are not deleted, by
// key.
func (tx *Tx) HeartbeatsByKey(keys []int64) (map[int64]monitor.Heartbeat, error) {
	found, err := queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE `+tx.d.InList("h.key", "$1")+` AND h.deleted IS NULL`, tx.d.IntList(keys))
	if err != nil {
		return nil, fmt.Errorf("heartbeats: %w", err)
	}
	byKey := make(map[int64]monitor.Heartbeat, len(found))
	for _, h := range found {
		byKey[h.Key] = h
	}
	return byKey, nil
}

// KnownPingIDs returns the given ids that belong to a heartbeat of any project. It
// includes deleted heartbeats, because they can be restored.
func (tx *Tx) KnownPingIDs(ids []string) ([]string, error) {
	found, err := queryAll(tx, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		`SELECT h.id FROM heartbeats h WHERE `+tx.d.InList("h.id", "$1"), tx.d.TextList(ids))
	if err != nil {
		return nil, fmt.Errorf("ids of heartbeats: %w", err)
	}
	return found, nil
}

// HeartbeatKeys returns the keys of the heartbeats of a project with the given refs.
func (tx *Tx) HeartbeatKeys(project int64, refs []string) ([]int64, error) {
	// The project is no condition: SQLite would search its index, and read all heartbeats.
	found, err := queryAll(tx, func(row scanner) (h monitor.Heartbeat, err error) { return h, row.Scan(&h.Key, &h.Project) },
		`SELECT h.key, h.project FROM heartbeats h WHERE `+tx.d.InList("h.ref", "$1")+` AND h.deleted IS NULL ORDER BY h.key`, tx.d.TextList(refs))
	if err != nil {
		return nil, fmt.Errorf("keys of heartbeats: %w", err)
	}
	var keys []int64
	for _, h := range found {
		if h.Project == project {
			keys = append(keys, h.Key)
		}
	}
	return keys, nil
}
