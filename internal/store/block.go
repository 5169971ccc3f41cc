package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// block is a set of columns that is written for many rows at a time: the same
// rows go to SQLite through one prepared statement each, and to PostgreSQL as
// one array per column in a single statement.
type block struct {
	table   string
	columns []column
	keys    int  // for changes: how many leading columns say which row
	once    bool // a row that exists stays as it is; otherwise it is an error
}

// column is one column and the PostgreSQL type of its array.
type column struct{ name, kind string }

// blocks are prepared when a SQLite file is opened.
var blocks = []struct {
	*block
	changes bool
}{
	{&pingBlock, false},
	{&stateBlock, true},
	{&incidentBlock, false},
	{&timelineBlock, false},
	{&alertBlock, false},
	{&attemptBlock, false},
	{&slotBlock, false},
}

// prepare makes the statements of the hot paths, once. modernc would compile
// each text anew every time.
func (db *DB) prepare(ctx context.Context) error {
	if db.dialect.bulk {
		return nil
	}
	texts := []string{db.dialect.pinged()}
	for _, b := range blocks {
		if b.changes {
			texts = append(texts, b.changing())
		} else {
			texts = append(texts, b.insertion())
		}
	}
	for _, text := range texts {
		s, err := db.writer.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", text, err)
		}
		db.stmts[text] = s
	}
	text := db.dialect.pinged()
	s, err := db.reader.PrepareContext(ctx, text)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", text, err)
	}
	db.lookups[text] = s
	return nil
}

// unlessThere ends an insertion of rows that may be there.
func (b *block) unlessThere() string {
	if b.once {
		return " ON CONFLICT DO NOTHING"
	}
	return ""
}

// insertion is the statement that adds one row. Its marks have no names, which
// the driver would look up for each of them each time.
func (b *block) insertion() string {
	marks := strings.Repeat(", ?", len(b.columns))[len(", "):]
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)%s", b.table, b.names(0), marks, b.unlessThere())
}

// changing is the statement that changes one row.
func (b *block) changing() string {
	var where, set []string
	for i, c := range b.columns {
		pair := fmt.Sprintf("%s = $%d", c.name, i+1)
		if i < b.keys {
			where = append(where, pair)
		} else {
			set = append(set, pair)
		}
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s", b.table, strings.Join(set, ", "), strings.Join(where, " AND "))
}

// names lists the columns from the given one on.
func (b *block) names(from int) string {
	var names []string
	for _, c := range b.columns[from:] {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// arrays is the FROM item that turns one array per column into rows.
func (b *block) arrays() string {
	args := make([]string, len(b.columns))
	for i, c := range b.columns {
		args[i] = fmt.Sprintf("$%d::%s[]", i+1, c.kind)
	}
	return fmt.Sprintf("unnest(%s) AS v (%s)", strings.Join(args, ", "), b.names(0))
}

// add inserts rows.
func (tx *Tx) add(b *block, rows [][]any) error {
	if !tx.d.bulk {
		return tx.each(b.insertion(), rows)
	}
	return tx.together(b, rows, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s",
		b.table, b.names(0), b.names(0), b.arrays(), b.unlessThere()))
}

// change updates rows, found by the leading columns of the block.
func (tx *Tx) change(b *block, rows [][]any) error {
	if !tx.d.bulk {
		return tx.each(b.changing(), rows)
	}
	var set, where []string
	for i, c := range b.columns {
		if i < b.keys {
			where = append(where, fmt.Sprintf("%s.%s = v.%s", b.table, c.name, c.name))
		} else {
			set = append(set, fmt.Sprintf("%s = v.%s", c.name, c.name))
		}
	}
	return tx.together(b, rows, fmt.Sprintf("UPDATE %s SET %s FROM %s WHERE %s",
		b.table, strings.Join(set, ", "), b.arrays(), strings.Join(where, " AND ")))
}

// each runs a prepared statement once per row.
func (tx *Tx) each(text string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	tx.touched = tx.touched || strings.Contains(text, "heartbeats")
	s := tx.tx.StmtContext(tx.ctx, tx.db.stmts[text])
	for _, row := range rows {
		if _, err := s.ExecContext(tx.ctx, row...); err != nil {
			return tx.d.sort(err)
		}
		tx.db.progress()
	}
	return nil
}

// together runs one statement for all rows, turned into columns.
func (tx *Tx) together(b *block, rows [][]any, text string) error {
	if len(rows) == 0 {
		return nil
	}
	args := make([]any, len(b.columns))
	for i, c := range b.columns {
		args[i] = c.array(rows, i)
	}
	_, err := tx.exec(text, args...)
	return err
}

// array collects one column of the rows in the Go type of its kind.
func (c column) array(rows [][]any, at int) any {
	switch c.kind {
	case "text":
		return gather[string](rows, at)
	case "bytea":
		all := make([][]byte, len(rows))
		for i, row := range rows {
			all[i], _ = row[at].([]byte) // nil stays NULL
		}
		return all
	default:
		return gather[int64](rows, at)
	}
}

// gather collects a column whose values are T or nil.
func gather[T any](rows [][]any, at int) []sql.Null[T] {
	all := make([]sql.Null[T], len(rows))
	for i, row := range rows {
		all[i].V, all[i].Valid = row[at].(T)
	}
	return all
}
