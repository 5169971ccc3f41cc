package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// columnBatch is a set of columns that is written for many rows at a time: the same
// rows go to SQLite through one prepared statement each, and to PostgreSQL as
// one array per column in a single statement.
type columnBatch struct {
	table          string
	columns        []column
	keyColumns     int  // for changes: how many leading columns say which row
	ignoreExisting bool // a row that exists stays as it is; otherwise it is an error
}

// column is one column and the PostgreSQL type of its array.
type column struct{ name, pgType string }

// preparedBatches are prepared when a SQLite file is opened.
var preparedBatches = []struct {
	*columnBatch
	changes bool
}{
	{&pingBatch, false},
	{&stateBatch, true},
	{&incidentBatch, false},
	{&timelineBatch, false},
	{&alertBatch, false},
	{&attemptBatch, false},
	{&spanBatch, false},
}

// prepare makes the statements of the hot paths, once. modernc would compile
// each text anew every time.
func (db *DB) prepare(ctx context.Context) error {
	if db.dialect.arrayArguments {
		return nil
	}
	texts := []string{db.dialect.heartbeatsForPingsSQL()}
	for _, b := range preparedBatches {
		if b.changes {
			texts = append(texts, b.updateSQL())
		} else {
			texts = append(texts, b.insertSQL())
		}
	}
	for _, text := range texts {
		s, err := db.writer.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", text, err)
		}
		db.writerStmts[text] = s
	}
	text := db.dialect.heartbeatsForPingsSQL()
	s, err := db.reader.PrepareContext(ctx, text)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", text, err)
	}
	db.readerStmts[text] = s
	return nil
}

// conflictClause ends an insertion of rows that may be there.
func (b *columnBatch) conflictClause() string {
	if b.ignoreExisting {
		return " ON CONFLICT DO NOTHING"
	}
	return ""
}

// insertSQL is the statement that adds one row. Its marks have no names, which
// the driver would look up for each of them each time.
func (b *columnBatch) insertSQL() string {
	marks := strings.Repeat(", ?", len(b.columns))[len(", "):]
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)%s", b.table, b.columnNames(0), marks, b.conflictClause())
}

// updateSQL is the statement that changes one row.
func (b *columnBatch) updateSQL() string {
	var where, set []string
	for i, c := range b.columns {
		pair := fmt.Sprintf("%s = $%d", c.name, i+1)
		if i < b.keyColumns {
			where = append(where, pair)
		} else {
			set = append(set, pair)
		}
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s", b.table, strings.Join(set, ", "), strings.Join(where, " AND "))
}

// columnNames lists the columns from the given one on.
func (b *columnBatch) columnNames(from int) string {
	var names []string
	for _, c := range b.columns[from:] {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// unnestSQL is the FROM item that turns one array per column into rows.
func (b *columnBatch) unnestSQL() string {
	args := make([]string, len(b.columns))
	for i, c := range b.columns {
		args[i] = fmt.Sprintf("$%d::%s[]", i+1, c.pgType)
	}
	return fmt.Sprintf("unnest(%s) AS v (%s)", strings.Join(args, ", "), b.columnNames(0))
}

// insertBatch inserts rows.
func (tx *Tx) insertBatch(b *columnBatch, rows [][]any) error {
	if !tx.d.arrayArguments {
		return tx.execEach(b.insertSQL(), rows)
	}
	return tx.execArrays(b, rows, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s",
		b.table, b.columnNames(0), b.columnNames(0), b.unnestSQL(), b.conflictClause()))
}

// updateBatch updates rows, found by the leading columns of the block.
func (tx *Tx) updateBatch(b *columnBatch, rows [][]any) error {
	if !tx.d.arrayArguments {
		return tx.execEach(b.updateSQL(), rows)
	}
	var set, where []string
	for i, c := range b.columns {
		if i < b.keyColumns {
			where = append(where, fmt.Sprintf("%s.%s = v.%s", b.table, c.name, c.name))
		} else {
			set = append(set, fmt.Sprintf("%s = v.%s", c.name, c.name))
		}
	}
	return tx.execArrays(b, rows, fmt.Sprintf("UPDATE %s SET %s FROM %s WHERE %s",
		b.table, strings.Join(set, ", "), b.unnestSQL(), strings.Join(where, " AND ")))
}

// execEach runs a prepared statement once per row.
func (tx *Tx) execEach(text string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	tx.changedHeartbeats = tx.changedHeartbeats || strings.Contains(text, "heartbeats")
	s := tx.tx.StmtContext(tx.ctx, tx.db.writerStmts[text])
	for _, row := range rows {
		if _, err := s.ExecContext(tx.ctx, row...); err != nil {
			return tx.d.classify(err)
		}
		tx.db.recordProgress()
	}
	return nil
}

// execArrays runs one statement for all rows, turned into columns.
func (tx *Tx) execArrays(b *columnBatch, rows [][]any, text string) error {
	if len(rows) == 0 {
		return nil
	}
	args := make([]any, len(b.columns))
	for i, c := range b.columns {
		args[i] = c.arrayArgument(rows, i)
	}
	_, err := tx.exec(text, args...)
	return err
}

// arrayArgument collects one column of the rows in the Go type of its kind.
func (c column) arrayArgument(rows [][]any, at int) any {
	switch c.pgType {
	case "text":
		return columnValues[string](rows, at)
	case "bytea":
		all := make([][]byte, len(rows))
		for i, row := range rows {
			all[i], _ = row[at].([]byte) // nil stays NULL
		}
		return all
	default:
		return columnValues[int64](rows, at)
	}
}

// columnValues collects a column whose values are T or nil.
func columnValues[T any](rows [][]any, at int) []sql.Null[T] {
	all := make([]sql.Null[T], len(rows))
	for i, row := range rows {
		all[i].V, all[i].Valid = row[at].(T)
	}
	return all
}
