package store

import (
	"fmt"
	"slices"
	"strings"

	"overdue/internal/monitor"
)

// HeartbeatFilter selects a page of the list of heartbeats, for the API and the pages.
type HeartbeatFilter struct {
	Project   int64
	Status    monitor.Status // empty: any
	Tag       string
	Text      string      // in name, slug, description, tag, or the beginning of an id
	SearchIDs bool        // Text can also be the beginning of an id that can ping
	Running   bool        // only heartbeats with a run in progress
	Sort      string      // a key of heartbeatOrders; empty: attention first
	From      RowPosition // the row next to the page; zero: the first page
	Backwards bool        // the page is before From, not after it
	Limit     int
}

// RowPosition is the position of a row in an order.
type RowPosition struct {
	Text   string // in an order by text
	Number int64  // in all other orders
	Key    int64  // of the row; 0: no position
}

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

// where returns the condition of the filter, without the position.
func (f HeartbeatFilter) where(tx *Tx) *whereClause {
	c := &whereClause{parts: []string{"h.deleted IS NULL"}}
	c.add("h.project = ?", f.Project)
	if f.Status != "" {
		c.add("h.status = ?", string(f.Status))
	}
	if f.Running {
		c.parts = append(c.parts, runInProgress)
	}
	if f.Tag != "" {
		c.add(`EXISTS (SELECT 1 FROM `+tx.d.TagRows+` t WHERE t.value = ?)`, f.Tag)
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

// Heartbeats returns one page of heartbeats in the requested order.
func (tx *Tx) Heartbeats(f HeartbeatFilter) ([]monitor.Heartbeat, error) {
	order := orderExpression(f.Sort)
	c := f.where(tx)
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
	page, err := queryAll(tx, tx.scanHeartbeat, fmt.Sprintf(`SELECT %s FROM heartbeats h WHERE %s ORDER BY %s%s, h.key%s LIMIT $%d`,
		heartbeatColumns, c, order, way, way, len(c.args)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("list of heartbeats: %w", err)
	}
	if f.Backwards {
		slices.Reverse(page)
	}
	return page, nil
}

// RowPosition returns the position of a heartbeat in an order.
func (tx *Tx) RowPosition(sort string, key int64) (RowPosition, error) {
	m, _, err := queryOne(tx, func(row scanner) (RowPosition, error) {
		m := RowPosition{Key: key}
		if sortsByText(sort) {
			return m, row.Scan(&m.Text)
		}
		return m, row.Scan(&m.Number)
	}, `SELECT `+orderExpression(sort)+` FROM heartbeats h WHERE h.key = $1`, key)
	if err != nil {
		return m, fmt.Errorf("position of heartbeat: %w", err)
	}
	return m, nil
}

// orderExpression returns the SQL expression of an order. An unknown order is
// attention first.
func orderExpression(sort string) string {
	if order, known := heartbeatOrders[sort]; known {
		return order
	}
	return heartbeatOrders[""]
}

// CountMatchingHeartbeats returns the number of heartbeats that a filter matches, on all pages.
func (tx *Tx) CountMatchingHeartbeats(f HeartbeatFilter) (int, error) {
	c := f.where(tx)
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM heartbeats h WHERE `+c.String(), c.args...)
	if err != nil {
		return 0, fmt.Errorf("number of heartbeats: %w", err)
	}
	return n, nil
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
	// Keys are assigned in the order of creation, and have an index.
	list, err := queryAll(tx, tx.scanHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL
		ORDER BY h.key DESC LIMIT $2`, project, n)
	if err != nil {
		return nil, fmt.Errorf("newest heartbeats: %w", err)
	}
	return list, nil
}
