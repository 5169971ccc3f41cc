package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// heartbeatColumns are in the order of scanHeartbeat.
const heartbeatColumns = `h.key, h.id, h.ref, h.project, h.name, h.slug, h.description, h.tags,
	h.interval_us, h.language, h.calendar, h.zone, h.early, h.grace, h.max_run_time, h.min_run_time, h.start_grace, h.alert_after,
	h.expect_first_by, h.methods, h.manual_resume, h.channels, h.created, h.updated, h.deleted,
	h.status, h.counted_from, h.heard, h.last_ping, h.began, h.run_time, h.runs, h.pings, h.incident, h.cause, h.ledger, h.finished`

// scanHeartbeat reads heartbeatColumns.
func (tx *Tx) scanHeartbeat(row scanner) (monitor.Heartbeat, error) {
	var h monitor.Heartbeat
	var tags string
	var calendar calendarText
	var channels, runs, incident, ledger, finished sql.NullString
	var interval, grace, maxRun, minRun, startGrace int64
	var early, firstBy, created, updated, deleted, from, heard, last, began, took sql.NullInt64
	err := row.Scan(&h.Key, &h.ID, &h.Ref, &h.Project, &h.Name, &h.Slug, &h.Description, &tags,
		&interval, &calendar.language, &calendar.lines, &calendar.zone, &early, &grace, &maxRun, &minRun, &startGrace, &h.Rule.AlertAfter,
		&firstBy, &h.Rule.Methods, &h.Rule.ManualResume, &channels, &created, &updated, &deleted,
		&h.Status, &from, &heard, &last, &began, &took, &runs, &h.PingCount, &incident, &h.DownCause, &ledger, &finished)
	if err != nil {
		return h, err
	}
	h.Rule.Interval, h.Rule.Grace, h.Rule.MaxRunTime = durationFromMicros(interval), durationFromMicros(grace), durationFromMicros(maxRun)
	h.Rule.MinRunTime, h.Rule.StartGrace, h.Rule.ExpectFirstBy = durationFromMicros(minRun), durationFromMicros(startGrace), timeFromMicros(firstBy)
	if h.Rule.Early = monitor.DefaultEarly; early.Valid {
		h.Rule.Early = durationFromMicros(early.Int64)
	}
	h.Created, h.Updated, h.Deleted = timeFromMicros(created), timeFromMicros(updated), timeFromMicros(deleted)
	h.CountedFrom, h.StaleBefore, h.LastPing, h.LastStart = timeFromMicros(from), timeFromMicros(heard), timeFromMicros(last), timeFromMicros(began)
	h.LastRunTime, h.HasRunTime = durationFromMicros(took.Int64), took.Valid
	h.OpenIncident, h.AllChannels = incident.String, !channels.Valid
	if calendar.language != "" {
		if h.Rule.Calendar, err = tx.db.calendars.parse(calendar); err != nil {
			return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
		}
	}
	if h, err = decodeRunState(h, ledger); err != nil {
		return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	if h.FinishedRuns, err = decodeFinishedRuns(finished.String); err != nil {
		return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
	}
	for _, list := range []struct {
		text string
		into any
	}{{tags, &h.Tags}, {channels.String, &h.Channels}, {runs.String, &h.ActiveRuns}} {
		// Nearly all are empty, and this runs for every ping.
		if list.text == "" || list.text == "[]" {
			continue
		}
		if err := json.Unmarshal([]byte(list.text), list.into); err != nil {
			return h, fmt.Errorf("heartbeat %d: %w", h.Key, err)
		}
	}
	return h, nil
}

// durationFromMicros reads a stored duration.
func durationFromMicros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// Heartbeat returns the one with the given id or ref, in a project.
func (tx *Tx) Heartbeat(project int64, idOrRef string) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND (h.id = $2 OR h.ref = $2) AND h.deleted IS NULL`, project, idOrRef)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// HeartbeatWithSlug returns the one with the given slug, in a project, to read it.
func (tx *Tx) HeartbeatWithSlug(project int64, slug string) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.slug = $2 AND h.deleted IS NULL`, project, slug)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// HeartbeatForUpdate is Heartbeat by id, locked until the transaction ends.
func (tx *Tx) HeartbeatForUpdate(project int64, id string) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.id = $2 AND h.deleted IS NULL`+tx.d.forUpdate, project, id)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// LockHeartbeatBySlug returns the one with the given slug, locked, and whether
// there is one.
func (tx *Tx) LockHeartbeatBySlug(project int64, slug string) (monitor.Heartbeat, bool, error) {
	return queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.slug = $2 AND h.deleted IS NULL`+tx.d.forUpdate, project, slug)
}

// HeartbeatByKey returns the one with the given key, also after its deletion.
func (tx *Tx) HeartbeatByKey(key int64) (monitor.Heartbeat, error) {
	h, found, err := queryOne(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE h.key = $1`, key)
	if err == nil && !found {
		err = notFound("heartbeat")
	}
	return h, err
}

// HeartbeatsForPings returns the heartbeats with the given ids, of any project, locked in
// the order of their keys so that no two batches wait for each other.
func (tx *Tx) HeartbeatsForPings(ids []string) (map[string]monitor.Heartbeat, error) {
	found, err := queryAll(tx, tx.scanHeartbeat, tx.d.heartbeatsForPingsSQL(), tx.d.textList(ids))
	if err != nil {
		return nil, fmt.Errorf("heartbeats of the batch: %w", err)
	}
	byID := make(map[string]monitor.Heartbeat, len(found))
	for _, h := range found {
		byID[h.ID] = h
	}
	return byID, nil
}

// heartbeatsForPingsSQL is the statement of Pinged.
func (d *dialect) heartbeatsForPingsSQL() string {
	return `SELECT ` + heartbeatColumns + ` FROM heartbeats h WHERE ` + d.inList("h.id", "$1") + ` AND h.deleted IS NULL ORDER BY h.key` + d.forUpdate
}

// HeartbeatExists reports whether a heartbeat of any project has the given id.
func (tx *Tx) HeartbeatExists(id string) (bool, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM heartbeats WHERE id = $1 AND deleted IS NULL`, id)
	return n > 0, err
}

// DueForEvaluation returns up to n heartbeats for which something happens by itself no
// later than now, soonest first, locked. Those that another node has are left
// to it.
func (tx *Tx) DueForEvaluation(now time.Time, n int) ([]monitor.Heartbeat, error) {
	return queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.next_at <= $1 ORDER BY h.next_at LIMIT $2`+tx.d.forUpdateSkipLocked, micros(now), n)
}

// NextDue is the next moment at which anything happens by itself, zero when
// nothing ever will.
func (tx *Tx) NextDue() (time.Time, error) {
	return queryTime(tx, `SELECT MIN(next_at) FROM heartbeats WHERE next_at IS NOT NULL`)
}

// queryTime reads a query for a single moment.
func queryTime(tx *Tx, query string, args ...any) (time.Time, error) {
	t, _, err := queryOne(tx, func(row scanner) (time.Time, error) {
		var n sql.NullInt64
		err := row.Scan(&n)
		return timeFromMicros(n), err
	}, query, args...)
	return t, err
}

// HeartbeatFilter says which heartbeats are listed, and from where on.
type HeartbeatFilter struct {
	Project   int64
	Status    monitor.Status // any when empty
	Tag       string
	Text      string // in name, slug, description or tag
	SearchIDs bool   // Text may match the id of the heartbeat in them
	Sort      string // name (default), created, or due
	After     Cursor // the last one of the page before
	Limit     int
}

// Cursor is a place in a sorted list: the sort value and the key there.
type Cursor struct {
	Value string `json:"v"`
	Key   int64  `json:"k"`
}

// sortExpressions are the expressions a list can be sorted by, each a text or a number
// that is never NULL.
var sortExpressions = map[string]string{
	"name":    "lower(h.name)",
	"created": "h.created",
	"due":     "COALESCE(h.next_at, 9223372036854775807)",
}

// Heartbeats lists a page, and the cursor of its last row.
func (tx *Tx) Heartbeats(f HeartbeatFilter) ([]monitor.Heartbeat, Cursor, error) {
	sort, ok := sortExpressions[f.Sort]
	if !ok {
		sort = sortExpressions["name"]
	}
	where, args := []string{"h.project = $1", "h.deleted IS NULL"}, []any{f.Project}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args))))
	}
	if f.Status != "" {
		add("h.status = ?", string(f.Status))
	}
	if f.Tag != "" {
		add(`EXISTS (SELECT 1 FROM `+tx.d.tagRows+` t WHERE t.value = ?)`, f.Tag)
	}
	if f.Text != "" {
		// Both sides are lowered by the database: SQLite's lower leaves all but ASCII as it is.
		add(`(`+searchExpression(searchedColumns, f.SearchIDs)+` LIKE lower(?) ESCAPE '\'
			OR EXISTS (SELECT 1 FROM `+tx.d.tagRows+` t WHERE `+searchExpression("t.value", f.SearchIDs)+` LIKE lower(?) ESCAPE '\'))`, "%"+escapeLike(f.Text)+"%")
	}
	if f.After.Key > 0 {
		var value any = f.After.Value
		if f.Sort == "created" || f.Sort == "due" {
			var n int64
			if _, err := fmt.Sscan(f.After.Value, &n); err != nil {
				return nil, Cursor{}, monitor.Faultf(monitor.Invalid, "cursor", "This cursor is not from this list; begin without one.")
			}
			value = n
		}
		args = append(args, value, f.After.Key)
		where = append(where, fmt.Sprintf("(%s, h.key) > ($%d, $%d)", sort, len(args)-1, len(args)))
	}
	args = append(args, f.Limit)
	var last Cursor
	list, err := queryAll(tx, func(row scanner) (monitor.Heartbeat, error) {
		return tx.scanHeartbeat(scanPlusLast{row, &last.Value})
	}, fmt.Sprintf(`SELECT %s, %s FROM heartbeats h WHERE %s ORDER BY %s, h.key LIMIT $%d`,
		heartbeatColumns, sort, strings.Join(where, " AND "), sort, len(args)), args...)
	if len(list) > 0 {
		last.Key = list[len(list)-1].Key
	}
	return list, last, err
}

// scanPlusLast reads one more column behind those that a scan function knows.
type scanPlusLast struct {
	scanner
	into any
}

// Scan reads the known columns and the further one.
func (a scanPlusLast) Scan(into ...any) error { return a.scanner.Scan(append(into, a.into)...) }

// escapeLike makes a text safe inside a LIKE pattern with the escape \.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// AddHeartbeat keeps a new heartbeat and gives it its key. ErrTaken says that
// its slug is in use.
func (tx *Tx) AddHeartbeat(h monitor.Heartbeat) (monitor.Heartbeat, error) {
	key, err := tx.nextKey("heartbeats")
	if err != nil {
		return h, err
	}
	h.Key = key
	return h, tx.insertHeartbeat(h)
}

// insertHeartbeat adds a heartbeat that has its key.
func (tx *Tx) insertHeartbeat(h monitor.Heartbeat) error {
	_, err := tx.exec(`INSERT INTO heartbeats (key, id, ref, project, name, slug, description, tags, channels, created, updated, status,
		methods, manual_resume, interval_us, language, calendar, zone, early, grace, max_run_time, min_run_time, start_grace, alert_after,
		expect_first_by, next_at, pings, cause)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, 0, '')`,
		append([]any{
			h.Key, h.ID, h.Ref, h.Project, h.Name, h.Slug, h.Description, encodeList(h.Tags),
			channelsJSON(h), micros(h.Created), micros(h.Updated), string(h.Status),
		}, append(ruleRow(h.Rule), micros(h.NextEvaluation()))...)...)
	if err != nil {
		return fmt.Errorf("add heartbeat: %w", err)
	}
	return nil
}

// SaveHeartbeatSettings keeps what people may change of a heartbeat. How it stands is
// saved by Save.
func (tx *Tx) SaveHeartbeatSettings(h monitor.Heartbeat) error {
	_, err := tx.exec(`UPDATE heartbeats SET name = $2, slug = $3, description = $4, tags = $5, channels = $6, updated = $7, deleted = $8,
		methods = $9, manual_resume = $10, interval_us = $11, language = $12, calendar = $13, zone = $14, early = $15, grace = $16,
		max_run_time = $17, min_run_time = $18, start_grace = $19, alert_after = $20, expect_first_by = $21 WHERE key = $1`,
		append([]any{
			h.Key, h.Name, h.Slug, h.Description, encodeList(h.Tags), channelsJSON(h), micros(h.Updated), micros(h.Deleted),
		}, ruleRow(h.Rule)...)...)
	if err != nil {
		return fmt.Errorf("save settings of heartbeat: %w", err)
	}
	return nil
}

// ruleRow is a rule as it is stored: methods, manual_resume, and then all that
// is judged by, in the order of the schema.
func ruleRow(r monitor.Rule) []any {
	calendar := calendarTextOf(r.Calendar)
	var early any // NULL: as usual
	if r.Early >= 0 {
		early = r.Early.Microseconds()
	}
	return []any{
		string(r.Methods), r.ManualResume, r.Interval.Microseconds(), calendar.language, calendar.lines, calendar.zone, early,
		r.Grace.Microseconds(), r.MaxRunTime.Microseconds(), r.MinRunTime.Microseconds(), r.StartGrace.Microseconds(),
		int64(r.AlertAfter), micros(r.ExpectFirstBy),
	}
}

// channelsJSON is how the routing of a heartbeat is stored: NULL for all.
func channelsJSON(h monitor.Heartbeat) any {
	if h.AllChannels {
		return nil
	}
	return encodeList(h.Channels)
}

// encodeList writes a list as JSON.
func encodeList[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(list) // lists of texts and runs always marshal
	return string(b)
}

// nextKey takes the next number of a counter.
func (tx *Tx) nextKey(name string) (int64, error) {
	n, _, err := queryOne(tx, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value`, name)
	if err != nil {
		return 0, fmt.Errorf("number of %s: %w", name, err)
	}
	return n, nil
}

// CountHeartbeats counts those of a project that were not deleted.
func (tx *Tx) CountHeartbeats(project int64) (n int, err error) {
	n, _, err = queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) },
		`SELECT COUNT(*) FROM heartbeats WHERE project = $1 AND deleted IS NULL`, project)
	return n, err
}
