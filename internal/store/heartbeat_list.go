package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/listindex"
)

// Types of the list of heartbeats, for the API and the pages.
type (
	HeartbeatFilter = listindex.Filter
	RowPosition     = listindex.Position
)

// expectedAt is the time of the next expected ping, NULL if none is expected. The
// next slot of a calendar has no column: the next evaluation is the same time, unless
// a run is in progress.
const expectedAt = `(CASE WHEN h.language = '' THEN h.counted_from + h.interval_us ELSE COALESCE(h.next_at, h.counted_from) END)`

// heartbeatOrders are the SQL expressions of the orders, never NULL. The default is
// attention first: Down, Late, New, Paused, Up, each by due time. The rank of the status
// is multiplied by a number that is greater than any time in microseconds.
var heartbeatOrders = map[string]string{
	"": `(CASE h.status WHEN 'down' THEN 0 WHEN 'late' THEN 1 WHEN 'new' THEN 2 WHEN 'paused' THEN 3 ELSE 4 END) * 1000000000000000000
		+ COALESCE(` + expectedAt + `, h.created)`,
	"due":     `CASE WHEN h.status IN ('up', 'late', 'down') THEN COALESCE(` + expectedAt + `, 9223372036854775807) ELSE 9223372036854775807 END`,
	"last":    `-COALESCE(h.last_ping, 0)`,
	"name":    `lower(h.name)`,
	"created": `h.created`,
	"slowest": `-COALESCE(h.run_time, -1)`,
}

// runInProgress is the condition that a run waits for its finish: in the stored list,
// an overdue run ends in "lost" and not in its start.
const runInProgress = `h.runs LIKE '%Z"}%'`

// sortsByText reports whether an order compares texts.
func sortsByText(order string) bool { return order == "name" }

// heartbeatsWhere returns the condition of a filter, without the position.
func (tx *Tx) heartbeatsWhere(f HeartbeatFilter) *whereClause {
	c := &whereClause{parts: []string{"h.deleted IS NULL"}}
	c.add("h.project = ?", f.Project)
	if f.Status != "" {
		c.add("h.status = ?", string(f.Status))
	}
	if f.Running {
		c.parts = append(c.parts, runInProgress)
	}
	for _, tag := range f.Tags {
		c.add(`EXISTS (SELECT 1 FROM `+tx.d.TagRows+` t WHERE t.value = ?)`, tag)
	}
	if f.Text != "" {
		ids := `h.ref LIKE $%[2]d ESCAPE '\'`
		if f.SearchIDs {
			ids += ` OR h.id LIKE $%[2]d ESCAPE '\'`
		}
		tags := `EXISTS (SELECT 1 FROM ` + tx.d.TagRows + ` t WHERE ` + searchExpression("t.value", f.SearchIDs) + ` LIKE lower($%[1]d) ESCAPE '\')`
		if !strings.ContainsAny(f.Text, jsonEscaped) {
			// Unpacking every list would take three times as long as the whole query.
			tags = `(lower(h.tags) LIKE lower($%[1]d) ESCAPE '\' AND ` + tags + `)`
		}
		c.args = append(c.args, "%"+escapeLike(f.Text)+"%", escapeLike(strings.ToLower(f.Text))+"%")
		c.parts = append(c.parts, fmt.Sprintf(`(`+searchExpression(searchedColumns, f.SearchIDs)+` LIKE lower($%[1]d) ESCAPE '\'
			OR `+tags+` OR `+ids+`)`, len(c.args)-1, len(c.args)))
	}
	return c
}

// searchedColumns are the fields of a heartbeat that a search matches.
const searchedColumns = `h.name || ' ' || h.slug || ' ' || h.description`

// searchExpression returns the expression that a search matches, in lower case.
// Without ids it omits the id of the heartbeat: a reader without the right to see it could
// otherwise find it, character by character, where a person has written the ping URL.
func searchExpression(expression string, ids bool) string {
	if ids {
		return "lower(" + expression + ")"
	}
	return "replace(replace(lower(" + expression + "), h.id, ''), replace(h.id, '-', ''), '')"
}

// jsonEscaped are the characters that a stored list of tags contains only in escaped
// form, see encoding/json.
const jsonEscaped = "<>&\"\\\u2028\u2029"

// whereClause is a WHERE clause that is being built.
type whereClause struct {
	parts []string
	args  []any
}

// add appends a condition. Its argument replaces ?.
func (c *whereClause) add(text string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, strings.ReplaceAll(text, "?", fmt.Sprintf("$%d", len(c.args))))
}

// String returns the whole clause.
func (c *whereClause) String() string { return strings.Join(c.parts, " AND ") }

// maxIDCandidates limits the rows in which the database compares ids. A text that is not
// the beginning of an id has none.
const maxIDCandidates = 1000

// SelectHeartbeats returns the positions of one page of heartbeats in the requested order, and how
// many heartbeats match on all pages.
func (tx *Tx) SelectHeartbeats(f HeartbeatFilter) (page []RowPosition, total int, err error) {
	ids, err := tx.keysByID(f)
	if err != nil {
		return nil, 0, err
	}
	if tx.viewLists(func(v listindex.View) { page, total = v.Select(f, ids) }) {
		return page, total, nil
	}
	if page, err = tx.selectFromTable(f); err != nil {
		return nil, 0, err
	}
	c := tx.heartbeatsWhere(f)
	total, _, err = queryOne(tx, scanInt, `SELECT COUNT(*) FROM heartbeats h WHERE `+c.String(), c.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("number of heartbeats: %w", err)
	}
	return page, total, nil
}

// keysByID returns the keys of the heartbeats whose id begins with the text of a filter, if the index
// has only the beginning of such a text.
func (tx *Tx) keysByID(f HeartbeatFilter) (keys []int64, err error) {
	var candidates []int64
	tx.viewLists(func(v listindex.View) { candidates = v.IDCandidates(f, maxIDCandidates) })
	if len(candidates) == 0 {
		return nil, nil
	}
	condition := `h.ref LIKE $2 ESCAPE '\'`
	if f.SearchIDs {
		condition += ` OR h.id LIKE $2 ESCAPE '\'`
	}
	keys, err = queryAll(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT h.key FROM heartbeats h WHERE `+tx.d.InList("h.key", "$1")+` AND (`+condition+`)`,
		tx.d.IntList(candidates), escapeLike(strings.ToLower(f.Text))+"%")
	if err != nil {
		return nil, fmt.Errorf("heartbeats by id: %w", err)
	}
	return keys, nil
}

// selectFromTable is SelectHeartbeats without the index. It reads all heartbeats of the project.
func (tx *Tx) selectFromTable(f HeartbeatFilter) ([]RowPosition, error) {
	order := orderExpression(f.Sort)
	c := tx.heartbeatsWhere(f)
	beyond, way := ">", ""
	if f.Backwards {
		beyond, way = "<", " DESC"
	}
	if f.From.Key > 0 {
		var value any = f.From.Number
		if sortsByText(f.Sort) {
			value = f.From.Text
		}
		c.args = append(c.args, value, f.From.Key)
		c.parts = append(c.parts, fmt.Sprintf("(%s, h.key) %s ($%d, $%d)", order, beyond, len(c.args)-1, len(c.args)))
	}
	c.args = append(c.args, f.Limit)
	page, err := queryAll(tx, func(row scanner) (p RowPosition, err error) {
		if sortsByText(f.Sort) {
			return p, row.Scan(&p.Text, &p.Key)
		}
		return p, row.Scan(&p.Number, &p.Key)
	}, fmt.Sprintf(`SELECT %s, h.key FROM heartbeats h WHERE %s ORDER BY 1%s, h.key%s LIMIT $%d`, order, c, way, way, len(c.args)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("list of heartbeats: %w", err)
	}
	if f.Backwards {
		slices.Reverse(page)
	}
	return page, nil
}

// Heartbeats returns one page of heartbeats in the requested order.
func (tx *Tx) Heartbeats(f HeartbeatFilter) ([]monitor.Heartbeat, error) {
	page, _, err := tx.SelectHeartbeats(f)
	if err != nil {
		return nil, err
	}
	return tx.HeartbeatsAt(page)
}

// HeartbeatsAt returns the heartbeats at positions, in their order, without deleted ones.
func (tx *Tx) HeartbeatsAt(page []RowPosition) ([]monitor.Heartbeat, error) {
	keys := make([]int64, len(page))
	for i, p := range page {
		keys[i] = p.Key
	}
	return tx.heartbeatsInOrder(keys)
}

// heartbeatsInOrder returns the heartbeats with the given keys, in their order, without deleted ones.
func (tx *Tx) heartbeatsInOrder(keys []int64) ([]monitor.Heartbeat, error) {
	byKey, err := tx.HeartbeatsByKey(keys)
	list := make([]monitor.Heartbeat, 0, len(keys))
	for _, key := range keys {
		if h, found := byKey[key]; found {
			list = append(list, h)
		}
	}
	return list, err
}

// orderExpression returns the SQL expression of an order. An unknown order is
// attention first.
func orderExpression(sort string) string {
	if order, known := heartbeatOrders[sort]; known {
		return order
	}
	return heartbeatOrders[""]
}

// Cursor is a position in a sorted list: the sort value and the key of a row.
type Cursor struct {
	Value string `json:"v"`
	Key   int64  `json:"k"`
}

// escapeLike escapes a text for a LIKE pattern with the escape character \.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// NewestHeartbeats lists up to n heartbeats of a project, newest first.
func (tx *Tx) NewestHeartbeats(project int64, n int) ([]monitor.Heartbeat, error) {
	var keys []int64
	if tx.viewLists(func(v listindex.View) { keys = v.Newest(project, n) }) {
		return tx.heartbeatsInOrder(keys)
	}
	// Keys are assigned in the order of creation, and have an index.
	list, err := queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL
		ORDER BY h.key DESC LIMIT $2`, project, n)
	if err != nil {
		return nil, fmt.Errorf("newest heartbeats: %w", err)
	}
	return list, nil
}

// UseListIndex makes ViewLists filter, sort and count heartbeats in memory. Every change must be
// made through this DB, or by a node that calls PublishListChanges. A server calls it before it
// starts.
func (db *DB) UseListIndex() {
	db.lists = &listindex.Index{Load: db.loadList, Read: db.readList}
	if db.buffer != nil {
		db.lists.Buffered = db.bufferedStates
	}
	if db.IsShared() {
		db.lists.Remote = db.remoteChanges
	}
}

// ViewLists is View for lists and counts of heartbeats. They contain all changes of this node that
// were committed before the call, and those of other nodes after at most five seconds.
func (db *DB) ViewLists(ctx context.Context, fn func(*Tx) error) error {
	if db.lists == nil {
		return db.View(ctx, fn)
	}
	if err := db.lists.Ready(ctx); err != nil {
		return fmt.Errorf("list index: %w", err)
	}
	if db.remote.incomplete.Load() {
		return db.View(ctx, fn)
	}
	return db.View(ctx, func(tx *Tx) error {
		tx.lists = db.lists
		return fn(tx)
	})
}

// viewLists calls fn with the index. It returns false without one.
func (tx *Tx) viewLists(fn func(listindex.View)) bool { return tx.lists != nil && tx.lists.View(fn) }

// PreloadListIndex loads the index if a person or a program has read anything since a time. Otherwise the
// first list loads it: a server without readers does not need the memory.
func (db *DB) PreloadListIndex(ctx context.Context, since time.Time) error {
	if db.lists == nil {
		return nil
	}
	hasReaders := false
	err := db.viewTables(ctx, func(tx *Tx) (err error) {
		_, hasReaders, err = queryOne(tx, scanInt, `SELECT 1 WHERE EXISTS (SELECT 1 FROM sessions WHERE seen > $1)
			OR EXISTS (SELECT 1 FROM api_keys WHERE last_used > $1)`, micros(since))
		return err
	})
	if err != nil || !hasReaders {
		return err
	}
	return db.lists.Ready(ctx)
}

// ReleaseListIndex frees the memory of the index if no list was read since a time. It reports whether
// it did.
func (db *DB) ReleaseListIndex(since time.Time) bool {
	return db.lists != nil && db.lists.ReleaseUnused(since)
}

// ListIndexBytes returns the memory of the index.
func (db *DB) ListIndexBytes() int64 {
	if db.lists == nil {
		return 0
	}
	return db.lists.Bytes()
}

// listColumns are in the order of scanListRow.
const listColumns = `h.project, h.key, h.status, CASE WHEN ` + runInProgress + ` THEN 1 ELSE 0 END, ` + expectedAt + `, h.last_ping, h.run_time,
	h.created, h.id, h.ref, h.name, h.slug, h.description, h.tags`

// loadList reads all heartbeats for the index, in parts at the same time.
func (db *DB) loadList(ctx context.Context, part func() (add func(listindex.Row))) error {
	var first, last sql.NullInt64
	err := db.viewTables(ctx, func(tx *Tx) error {
		return tx.tx.QueryRowContext(tx.ctx, `SELECT MIN(key), MAX(key) FROM heartbeats`).Scan(&first, &last)
	})
	if err != nil {
		return err
	}
	var parts []func() error
	for _, keys := range listindex.Split(first.Int64, last.Int64, runtime.GOMAXPROCS(0)) {
		add := part()
		parts = append(parts, func() error {
			return db.viewTables(ctx, func(tx *Tx) error {
				return tx.eachListRow(add, `SELECT `+listColumns+` FROM heartbeats h
					WHERE h.key >= CAST($1 AS BIGINT) AND h.key <= CAST($2 AS BIGINT) AND h.project > 0 AND h.deleted IS NULL ORDER BY h.key`, keys[0], keys[1])
			})
		})
	}
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, read := range parts {
		all.Go(func() { errs[i] = read() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// readList reads some heartbeats for the index.
func (db *DB) readList(ctx context.Context, keys []int64, add func(listindex.Row)) error {
	return db.viewTables(ctx, func(tx *Tx) error {
		states := map[int64]monitor.Heartbeat{}
		if db.buffer != nil { // the tables can lack the last pings
			var err error
			if states, err = tx.HeartbeatsByKey(keys); err != nil {
				return err
			}
		}
		return tx.eachListRow(func(r listindex.Row) {
			if h, found := states[r.Key]; found {
				r.State = listState(&h)
			}
			add(r)
		}, `SELECT `+listColumns+` FROM heartbeats h
			WHERE `+tx.d.InList("h.key", "$1")+` AND h.project > 0 AND h.deleted IS NULL`, tx.d.IntList(keys))
	})
}

// eachListRow calls add for each row of a query of listColumns.
func (tx *Tx) eachListRow(add func(listindex.Row), text string, args ...any) error {
	rows, err := tx.tx.QueryContext(tx.ctx, text, args...)
	if err != nil {
		return tx.d.Classify(err)
	}
	defer rows.Close()
	tagLists := map[string][]string{"[]": nil}
	for rows.Next() {
		var r listindex.Row
		var due, last, took sql.NullInt64
		var tags sql.RawBytes
		err := rows.Scan(&r.Project, &r.Key, &r.Status, &r.Running, &due, &last, &took, &r.Created, &r.ID, &r.Ref, &r.Name, &r.Slug, &r.Description, &tags)
		if err != nil {
			return err
		}
		var known bool
		if r.Tags, known = tagLists[string(tags)]; !known {
			if err := json.Unmarshal(tags, &r.Tags); err != nil {
				return fmt.Errorf("heartbeat %d: tags: %w", r.Key, err)
			}
			if len(tagLists) < maxCachedTagLists {
				tagLists[string(tags)] = r.Tags
			}
		}
		r.Due, r.LastPing, r.RunTime = numberOrNone(due), numberOrNone(last), numberOrNone(took)
		add(r)
	}
	return tx.d.Classify(rows.Err())
}

// maxCachedTagLists is the maximum number of parsed lists of tags in memory.
const maxCachedTagLists = 10_000

func numberOrNone(n sql.NullInt64) int64 {
	if !n.Valid {
		return listindex.None
	}
	return n.Int64
}

// The time for which a count that read many rows is used again, and statistics of many days.
const (
	countsReused     = 5 * time.Second
	statisticsReused = time.Minute
)

// costly returns the result of fn for a list, or an earlier one if that read many rows and is not older than
// maxAge.
func costly[T any](tx *Tx, maxAge time.Duration, key string, rows func(T) int, fn func() (T, error)) (T, error) {
	if tx.lists == nil {
		return fn()
	}
	return listindex.Reuse(&tx.db.costly, maxAge, key, rows, fn)
}
