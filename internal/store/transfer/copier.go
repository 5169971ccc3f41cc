package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"overdue/internal/store/dialect"
)

// MaxBatchRows is the maximum number of rows of one batch, which is one transaction of
// the target. Tests reduce it.
var MaxBatchRows = 2000

// maxBatchBytes is the size of the rows in memory from which a batch is written.
const maxBatchBytes = 4 << 20

// Progress describes how far the current step is.
type Progress struct {
	Step  string // "copy" or "compare"
	Table string
	Done  int64 // rows
	Total int64 // rows; 0: not known yet
}

// Copier copies the tables of one database to another one.
type Copier struct {
	From      Queryer // one transaction, so that all tables have the same state
	To        *sql.DB
	ToDialect *dialect.Dialect
	Mark      *Mark // of the target; each batch stores how far it got
	// Report is called after each batch. Its error stops the copy.
	Report func(Progress) error
}

// Begin stores the mark of a new transfer and deletes all rows of the tables, with
// those that the schema itself inserts: the source has them too.
func (c *Copier) Begin(ctx context.Context, tables []Table) error {
	return c.inTx(ctx, func(tx *sql.Tx) error {
		for _, t := range slices.Backward(tables) {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s", t.Name, t.where())); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		return c.Mark.Store(ctx, tx, c.ToDialect, Target)
	})
}

// Run copies the tables that are not complete yet.
func (c *Copier) Run(ctx context.Context, tables []Table) error {
	for _, t := range tables {
		if slices.Contains(c.Mark.Done, t.Name) {
			continue
		}
		if c.Mark.Table != t.Name {
			c.Mark.Table, c.Mark.After, c.Mark.Copied = t.Name, nil, 0
		}
		if err := c.copyTable(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// copyTable copies the rest of one table.
func (c *Copier) copyTable(ctx context.Context, t Table) error {
	total, err := queryNumber(ctx, c.From, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", t.Name, t.where()))
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	var batch []row
	size := 0
	flush := func(complete bool) error {
		if err := c.write(ctx, t, batch, complete); err != nil {
			return fmt.Errorf("write table %s: %w", t.Name, err)
		}
		batch, size = batch[:0], 0
		return c.Report(Progress{"copy", t.Name, c.Mark.Copied, max(total, c.Mark.Copied)})
	}
	// The mark is copied: flush changes it while the rows are read.
	err = eachRow(ctx, c.From, t, true, slices.Clone(c.Mark.After), func(r row) error {
		batch = append(batch, r)
		if size += r.size(); len(batch) < MaxBatchRows && size < maxBatchBytes {
			return nil
		}
		return flush(false)
	})
	if err != nil {
		return err
	}
	c.Mark.Done = append(c.Mark.Done, t.Name)
	return flush(true)
}

// write stores a batch and the position after it in one transaction.
func (c *Copier) write(ctx context.Context, t Table, batch []row, complete bool) error {
	next := *c.Mark
	for _, r := range batch {
		next.Cleaned += r.cleaned
	}
	next.Copied += int64(len(batch))
	next.Time = time.Now().UTC()
	if len(batch) > 0 {
		after, err := t.positionOf(batch[len(batch)-1])
		if err != nil {
			return err
		}
		next.After = after
	}
	if complete {
		next.After = nil
	}
	err := c.inTx(ctx, func(tx *sql.Tx) error {
		if err := c.insert(ctx, tx, t, batch); err != nil {
			return err
		}
		return next.Store(ctx, tx, c.ToDialect, Target)
	})
	if err == nil {
		*c.Mark = next
	}
	return err
}

// insert inserts rows: with one statement on PostgreSQL, with one per row on SQLite.
func (c *Copier) insert(ctx context.Context, tx *sql.Tx, t Table, batch []row) error {
	if len(batch) == 0 {
		return nil
	}
	statement := dialect.Batch{Table: t.Name}
	for _, column := range t.Columns {
		statement.Columns = append(statement.Columns, dialect.Column{Name: column.Name, Type: string(column.Kind)})
	}
	if c.ToDialect.ArrayArguments {
		rows := make([][]any, len(batch))
		for i, r := range batch {
			rows[i] = r.values
		}
		_, err := tx.ExecContext(ctx, statement.InsertArrays(), statement.Arrays(rows)...)
		return err
	}
	prepared, err := tx.PrepareContext(ctx, statement.InsertRow())
	if err != nil {
		return err
	}
	defer prepared.Close()
	for _, r := range batch {
		if _, err := prepared.ExecContext(ctx, r.values...); err != nil {
			return err
		}
	}
	return nil
}

// inTx runs fn in a transaction of the target.
func (c *Copier) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := c.To.BeginTx(ctx, nil)
	if err != nil {
		return c.ToDialect.Classify(err)
	}
	defer func() { _ = tx.Rollback() }() // no effect after a commit; before one, the first error counts
	if err := fn(tx); err != nil {
		return c.ToDialect.Classify(err)
	}
	return c.ToDialect.Classify(tx.Commit())
}
