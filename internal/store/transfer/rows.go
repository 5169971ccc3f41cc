package transfer

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"overdue/internal/store/dialect"
)

// Queryer is a database, or a transaction.
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// queryEach runs a query and calls fn for each row.
func queryEach(ctx context.Context, db Queryer, text string, fn func(scan func(...any) error) error, args ...any) error {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// queryNumber returns the only value of a query.
func queryNumber(ctx context.Context, db Queryer, text string) (n int64, err error) {
	err = queryEach(ctx, db, text, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

// row is a row of a table, in the order of its columns.
type row struct {
	values  []any // nil, string, int64, bool or []byte, as the kind of the column requires
	raw     []any // as the source has them
	cleaned int   // number of texts that the other database would reject
}

// eachRow reads the rows of a table. With after, it reads only those after that
// position, in the order of the primary key.
func eachRow(ctx context.Context, db Queryer, t Table, ordered bool, after position, fn func(row) error) error {
	text := fmt.Sprintf("SELECT %s FROM %s WHERE %s", t.names(t.allColumns()), t.Name, t.where())
	var args []any
	if len(after) > 0 {
		marks := make([]string, len(after))
		for i, part := range after {
			marks[i] = fmt.Sprintf("$%d", i+1)
			args = append(args, part.value())
		}
		text += fmt.Sprintf(" AND (%s) > (%s)", t.names(t.Key), strings.Join(marks, ", "))
	}
	if ordered {
		text += " ORDER BY " + t.names(t.Key)
	}
	raw, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range raw {
		into[i] = &raw[i]
	}
	err := queryEach(ctx, db, text, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		r, err := t.convert(raw)
		if err != nil {
			return err
		}
		return fn(r)
	}, args...)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	return nil
}

// convert converts the values of a row to the kinds of their columns.
func (t Table) convert(raw []any) (r row, err error) {
	r = row{values: make([]any, len(raw)), raw: append([]any(nil), raw...)}
	for i, c := range t.Columns {
		if r.values[i], err = convertValue(raw[i], c.Kind); err != nil {
			return r, fmt.Errorf("column %s: %w", c.Name, err)
		}
		if text, isText := r.values[i].(string); isText {
			valid := dialect.ValidText(text)
			if valid != text {
				r.cleaned++
			}
			r.values[i] = valid
		}
	}
	return r, nil
}

// convertValue converts a value to the Go type of a kind. SQLite can store a value of
// any type in any column.
func convertValue(v any, kind Kind) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		switch kind {
		case Text:
			return v, nil
		case Bytes:
			return []byte(v), nil
		}
	case []byte:
		switch kind {
		case Text:
			return string(v), nil
		case Bytes:
			if v == nil { // an empty value, as the SQLite driver returns it; NULL has no type
				v = []byte{}
			}
			return v, nil
		}
	case int64:
		switch kind {
		case Integer:
			return v, nil
		case Boolean:
			return v != 0, nil
		}
	case bool:
		if kind == Boolean {
			return v, nil
		}
	}
	return nil, fmt.Errorf("a value of the type %T cannot be stored as %s", v, kind)
}

// size returns roughly the number of bytes of a row in memory.
func (r row) size() int {
	n := 0
	for _, v := range r.values {
		n += 32
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}

// position is a primary key, up to which a table is copied.
type position []keyPart

// keyPart is the value of one column of a primary key. Text is stored as bytes: it
// can be invalid UTF-8, which JSON would change.
type keyPart struct {
	Integer *int64 `json:"integer,omitempty"`
	Text    []byte `json:"text,omitempty"`
}

// value returns the argument for a query.
func (p keyPart) value() any {
	if p.Integer != nil {
		return *p.Integer
	}
	return string(p.Text)
}

// positionOf returns the primary key of a row.
func (t Table) positionOf(r row) (position, error) {
	var p position
	for _, i := range t.Key {
		switch v := r.raw[i].(type) {
		case int64:
			p = append(p, keyPart{Integer: &v})
		case string:
			p = append(p, keyPart{Text: []byte(v)})
		default:
			return nil, fmt.Errorf("table %s: the primary key has a value of the type %T", t.Name, v)
		}
	}
	return p, nil
}

// encode returns a value as JSON text.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
