package dialect

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// Batch is a set of columns that is written for many rows at a time. SQLite gets
// one prepared statement per row, PostgreSQL one statement with an array per column.
type Batch struct {
	Table   string
	Columns []Column
	// KeyColumns is the number of leading columns that identify the row of an update.
	KeyColumns int
	// IgnoreExisting makes an insert leave existing rows unchanged. Otherwise they
	// are an error.
	IgnoreExisting bool
}

// Column is a column and the PostgreSQL type of its array elements.
type Column struct{ Name, Type string }

// Columns parses a list such as "id text, number bigint".
func Columns(list string) []Column {
	var columns []Column
	for _, item := range strings.Split(list, ",") {
		fields := strings.Fields(item)
		columns = append(columns, Column{fields[0], fields[1]})
	}
	return columns
}

// conflictClause ends an insert that leaves existing rows unchanged.
func (b *Batch) conflictClause() string {
	if b.IgnoreExisting {
		return " ON CONFLICT DO NOTHING"
	}
	return ""
}

// InsertRow returns the statement that inserts one row. Its parameters have no
// names: the driver would look up each name on each call.
func (b *Batch) InsertRow() string {
	marks := strings.Repeat(", ?", len(b.Columns))[len(", "):]
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)%s", b.Table, b.columnNames(), marks, b.conflictClause())
}

// UpdateRow returns the statement that updates one row. Its parameters have no names either,
// so the leading columns of the row, which identify it, come last: see sqlite.Rows.
func (b *Batch) UpdateRow() string {
	var where, set []string
	for i, c := range b.Columns {
		if pair := c.Name + " = ?"; i < b.KeyColumns {
			where = append(where, pair)
		} else {
			set = append(set, pair)
		}
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s", b.Table, strings.Join(set, ", "), strings.Join(where, " AND "))
}

// InsertArrays returns the statement that inserts many rows from one array per column.
func (b *Batch) InsertArrays() string {
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s",
		b.Table, b.columnNames(), b.columnNames(), b.unnest(), b.conflictClause())
}

// UpdateArrays returns the statement that updates many rows from one array per column.
func (b *Batch) UpdateArrays() string {
	var set, where []string
	for i, c := range b.Columns {
		if i < b.KeyColumns {
			where = append(where, fmt.Sprintf("%s.%s = v.%s", b.Table, c.Name, c.Name))
		} else {
			set = append(set, fmt.Sprintf("%s = v.%s", c.Name, c.Name))
		}
	}
	return fmt.Sprintf("UPDATE %s SET %s FROM %s WHERE %s",
		b.Table, strings.Join(set, ", "), b.unnest(), strings.Join(where, " AND "))
}

// columnNames returns the names of all columns, separated by commas.
func (b *Batch) columnNames() string {
	names := make([]string, len(b.Columns))
	for i, c := range b.Columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// unnest returns the FROM item that turns one array per column into rows.
func (b *Batch) unnest() string {
	args := make([]string, len(b.Columns))
	for i, c := range b.Columns {
		args[i] = fmt.Sprintf("$%d::%s[]", i+1, c.Type)
	}
	return fmt.Sprintf("unnest(%s) AS v (%s)", strings.Join(args, ", "), b.columnNames())
}

// Arrays turns rows into one array argument per column. Numbers and texts become the text
// of an array (https://www.postgresql.org/docs/15/arrays.html, section 8.15.6): the driver
// takes several times as long to encode a list.
func (b *Batch) Arrays(rows [][]any) []any {
	args := make([]any, len(b.Columns))
	for i, c := range b.Columns {
		args[i] = c.array(rows, i)
	}
	return args
}

// array collects one column of the rows for its PostgreSQL type.
func (c Column) array(rows [][]any, at int) any {
	switch c.Type {
	case "bytea":
		all := make([][]byte, len(rows))
		for i, row := range rows {
			all[i], _ = row[at].([]byte) // nil stays NULL
		}
		return all
	case "boolean":
		return columnValues[bool](rows, at)
	}
	text := make([]byte, 0, 16*len(rows)+2)
	for _, row := range rows {
		text = appendElement(append(text, ','), row[at])
	}
	if len(text) == 0 {
		return "{}"
	}
	text[0] = '{'
	return string(append(text, '}'))
}

// appendElement appends a number, a text or NULL to the text of an array.
func appendElement(text []byte, value any) []byte {
	switch v := value.(type) {
	case int64:
		return strconv.AppendInt(text, v, 10)
	case string:
		text = append(text, '"')
		for i := range len(v) {
			if v[i] == '"' || v[i] == '\\' {
				text = append(text, '\\')
			}
			text = append(text, v[i])
		}
		return append(text, '"')
	}
	return append(text, "NULL"...)
}

// columnValues collects a column whose values are T or nil.
func columnValues[T any](rows [][]any, at int) []sql.Null[T] {
	all := make([]sql.Null[T], len(rows))
	for i, row := range rows {
		all[i].V, all[i].Valid = row[at].(T)
	}
	return all
}
