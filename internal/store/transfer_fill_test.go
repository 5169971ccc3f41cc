package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"overdue/internal/store/dialect"
	"overdue/internal/store/transfer"
)

// SetMoveBatch sets the number of rows that a move copies in one transaction.
func SetMoveBatch(rows int) (restore func()) {
	old := transfer.MaxBatchRows
	transfer.MaxBatchRows = rows
	return func() { transfer.MaxBatchRows = old }
}

// ExecDirectly runs a statement on a SQLite file that another process can have open.
func ExecDirectly(path, text string) error {
	db, err := openSQLite(context.Background(), path, nil, fullLimits)
	if err != nil {
		return err
	}
	_, err = db.writer.Exec(text)
	return errors.Join(err, db.Close())
}

// FillEveryTable adds rows to every table of the schema. Row n has n, or "v-n", in every
// column, so that it refers to row n of other tables.
func FillEveryTable(db *DB, rows int) error {
	ctx := context.Background()
	schema, err := transfer.ReadSchema(ctx, db.writer, db.dialect)
	if err != nil {
		return err
	}
	tables, _, err := transfer.Plan(schema, schema)
	if err != nil {
		return err
	}
	tables = append(tables, schema["nodes"])
	for _, t := range tables {
		for n := 1; n <= rows; n++ {
			if err := db.insertFilled(ctx, t, n); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
	}
	return nil
}

// insertFilled inserts row n of a table.
func (db *DB) insertFilled(ctx context.Context, t transfer.Table, n int) error {
	b := dialect.Batch{Table: t.Name}
	values := make([]any, 0, len(t.Columns))
	for _, c := range t.Columns {
		b.Columns = append(b.Columns, dialect.Column{Name: c.Name})
		values = append(values, filledValue(c.Kind, n))
	}
	_, err := db.writer.ExecContext(ctx, b.InsertRow(), values...)
	return err
}

// filledValue returns the value of a column in row n.
func filledValue(kind transfer.Kind, n int) any {
	switch kind {
	case transfer.Integer:
		return int64(n)
	case transfer.Boolean:
		return n%2 == 0
	case transfer.Bytes:
		return slices.Repeat([]byte{0, 0xff, byte(n)}, n)
	}
	return fmt.Sprintf("v-%d", n)
}

// ContentOfTables returns all values of the given tables and columns, in the order of the
// primary keys.
func ContentOfTables(db *DB, schema transfer.Schema) (map[string][]string, error) {
	content := map[string][]string{}
	for _, t := range schema {
		var names, key []string
		for _, c := range t.Columns {
			names = append(names, c.Name)
		}
		for _, i := range t.Key {
			key = append(key, t.Columns[i].Name)
		}
		rows, err := db.reader.Query("SELECT " + strings.Join(names, ", ") + " FROM " + t.Name + " ORDER BY " + strings.Join(key, ", "))
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			values, into := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			content[t.Name] = append(content[t.Name], fmt.Sprintf("%q", values))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return content, nil
}

// SchemaOf returns the tables of a database.
func SchemaOf(db *DB) (transfer.Schema, error) {
	return transfer.ReadSchema(context.Background(), db.writer, db.dialect)
}
