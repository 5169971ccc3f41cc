package store

import (
	"fmt"
	"slices"
	"strings"

	"overdue/internal/monitor"
)

// OverviewFilter says which heartbeats the list for people shows.
type OverviewFilter struct {
	Project   int64
	Status    monitor.Status // any when empty
	Tag       string
	Text      string      // in name, slug, description, tag, or the beginning of an id
	SearchIDs bool        // Text may also be the beginning of an id that can ping
	Running   bool        // only those with a run in progress
	Sort      string      // one of orders; attention first when empty
	From      RowPosition // the row beside which the page lies; zero to begin
	Backwards bool        // the page lies before From, not behind it
	Limit     int
}

// RowPosition is the place of a row in an order.
type RowPosition struct {
	Text   string // in an order by text
	Number int64  // in all other orders
	Key    int64  // of the row, 0 for no place
}

// expectedAt is when the next ping is expected, NULL when nothing is counted. The next
// slot of a calendar is no column: what happens next stands for it, which is the
// same unless a run is in progress.
const expectedAt = `(CASE WHEN h.language = '' THEN h.counted_from + h.interval_us ELSE COALESCE(h.next_at, h.counted_from) END)`

// overviewOrders are the expressions of each order. None is ever NULL. Attention first
// is Down, Late, New, Paused, Up, each by what is due first: the rank is moved
// past any moment in microseconds.
var overviewOrders = map[string]string{
	"": `(CASE h.status WHEN 'down' THEN 0 WHEN 'late' THEN 1 WHEN 'new' THEN 2 WHEN 'paused' THEN 3 ELSE 4 END) * 1000000000000000000
		+ COALESCE(` + expectedAt + `, h.created)`,
	"due":     `CASE WHEN h.status IN ('up', 'late', 'down') THEN COALESCE(` + expectedAt + `, 9223372036854775807) ELSE 9223372036854775807 END`,
	"last":    `-COALESCE(h.last_ping, 0)`,
	"name":    `lower(h.name)`,
	"slowest": `-COALESCE(h.run_time, -1)`,
}

// runInProgress is the condition that a run waits for its finish: in the stored
// list a run that was given up ends in "lost" and not in its start.
const runInProgress = `h.runs LIKE '%Z"}%'`

// sortsByText reports whether an order compares texts.
func sortsByText(order string) bool { return order == "name" }

// where is the condition of the filter, but for the place.
func (f OverviewFilter) where(tx *Tx) *whereClause {
	c := &whereClause{parts: []string{"h.deleted IS NULL"}}
	c.add("h.project = ?", f.Project)
	if f.Status != "" {
		c.add("h.status = ?", string(f.Status))
	}
	if f.Running {
		c.parts = append(c.parts, runInProgress)
	}
	if f.Tag != "" {
		c.add(`EXISTS (SELECT 1 FROM `+tx.d.tagRows+` t WHERE t.value = ?)`, f.Tag)
	}
	if f.Text != "" {
		ids := `h.ref LIKE $%[2]d ESCAPE '\'`
		if f.SearchIDs {
			ids += ` OR h.id LIKE $%[2]d ESCAPE '\'`
		}
		tags := `EXISTS (SELECT 1 FROM ` + tx.d.tagRows + ` t WHERE ` + searchExpression("t.value", f.SearchIDs) + ` LIKE lower($%[1]d) ESCAPE '\')`
		if !strings.ContainsAny(f.Text, jsonEscaped) {
			// Taking every list apart is three times the work of the whole query.
			tags = `(lower(h.tags) LIKE lower($%[1]d) ESCAPE '\' AND ` + tags + `)`
		}
		c.args = append(c.args, "%"+escapeLike(f.Text)+"%", escapeLike(strings.ToLower(f.Text))+"%")
		c.parts = append(c.parts, fmt.Sprintf(`(`+searchExpression(searchedColumns, f.SearchIDs)+` LIKE lower($%[1]d) ESCAPE '\'
			OR `+tags+` OR `+ids+`)`, len(c.args)-1, len(c.args)))
	}
	return c
}

// searchedColumns are the texts of a heartbeat that a search looks through.
const searchedColumns = `h.name || ' ' || h.slug || ' ' || h.description`

// searchExpression is the expression that a search matches, in lower case. Without ids it
// leaves out the id of the heartbeat: a reader who may not see it could otherwise
// find it, character by character, where a person has written the ping URL.
func searchExpression(expression string, ids bool) string {
	if ids {
		return "lower(" + expression + ")"
	}
	return "replace(replace(lower(" + expression + "), h.id, ''), replace(h.id, '-', ''), '')"
}

// jsonEscaped are the characters that a stored list of tags does not hold as they
// are, see encoding/json.
const jsonEscaped = "<>&\"\\\u2028\u2029"

// whereClause is a WHERE in the making.
type whereClause struct {
	parts []string
	args  []any
}

// add puts one more condition to the others; ? stands for its argument.
func (c *whereClause) add(text string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, strings.ReplaceAll(text, "?", fmt.Sprintf("$%d", len(c.args))))
}

// String is the whole condition.
func (c *whereClause) String() string { return strings.Join(c.parts, " AND ") }

// OverviewPage lists one page of heartbeats in the order asked for.
func (tx *Tx) OverviewPage(f OverviewFilter) ([]monitor.Heartbeat, error) {
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

// RowPosition is the place of a heartbeat in an order.
func (tx *Tx) RowPosition(sort string, key int64) (RowPosition, error) {
	m, _, err := queryOne(tx, func(row scanner) (RowPosition, error) {
		m := RowPosition{Key: key}
		if sortsByText(sort) {
			return m, row.Scan(&m.Text)
		}
		return m, row.Scan(&m.Number)
	}, `SELECT `+orderExpression(sort)+` FROM heartbeats h WHERE h.key = $1`, key)
	if err != nil {
		return m, fmt.Errorf("place of heartbeat: %w", err)
	}
	return m, nil
}

// orderExpression is the expression of an order; one that is unknown is attention first.
func orderExpression(sort string) string {
	if order, known := overviewOrders[sort]; known {
		return order
	}
	return overviewOrders[""]
}

// CountOverview tells how many heartbeats a filter finds, on all pages.
func (tx *Tx) CountOverview(f OverviewFilter) (int, error) {
	c := f.where(tx)
	n, _, err := queryOne(tx, scanInt, `SELECT COUNT(*) FROM heartbeats h WHERE `+c.String(), c.args...)
	if err != nil {
		return 0, fmt.Errorf("number of heartbeats: %w", err)
	}
	return n, nil
}

// scanInt reads a single number.
func scanInt(row scanner) (n int, err error) { return n, row.Scan(&n) }
