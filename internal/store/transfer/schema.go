package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"overdue/internal/store/dialect"
)

// Kind is the type of the values of a column.
type Kind string

// The kinds of values that the schema uses.
const (
	Text    Kind = "text"
	Integer Kind = "bigint"
	Boolean Kind = "boolean"
	Bytes   Kind = "bytea"
)

// kinds maps the declared types of both databases to kinds, in lower case.
var kinds = map[string]Kind{
	"text": Text, "integer": Integer, "bigint": Integer, "smallint": Integer, "boolean": Boolean, "bytea": Bytes,
}

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is a table of a database.
type Table struct {
	Name       string
	Columns    []Column // sorted by name
	Key        []int    // indexes in Columns of the primary key, in its order
	References []string // the tables that its foreign keys name, sorted
}

// Schema contains the tables of one database by name.
type Schema map[string]Table

// columnsSQL returns the columns of all tables of a database: table, column, type,
// and the position in the primary key, 0 if the column is not part of it.
var columnsSQL = map[*dialect.Dialect]string{
	&dialect.SQLite: `SELECT t.name, c.name, c.type, c.pk FROM sqlite_master t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY 1, 2`,
	&dialect.PostgreSQL: `SELECT t.relname::text, a.attname::text, format_type(a.atttypid, NULL), COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0)
		FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
		WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2`,
}

// referencesSQL returns the foreign keys of all tables: table, and the table that it
// refers to.
var referencesSQL = map[*dialect.Dialect]string{
	&dialect.SQLite: `SELECT DISTINCT t.name, r."table" FROM sqlite_master t, pragma_foreign_key_list(t.name) r WHERE t.type = 'table' ORDER BY 1, 2`,
	&dialect.PostgreSQL: `SELECT DISTINCT t.relname::text, r.relname::text FROM pg_constraint c
		JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
		WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2`,
}

// ReadSchema reads the tables of a database.
func ReadSchema(ctx context.Context, db Queryer, d *dialect.Dialect) (Schema, error) {
	schema := Schema{}
	err := queryEach(ctx, db, columnsSQL[d], func(scan func(...any) error) error {
		var table, column, declared string
		var inKey int
		if err := scan(&table, &column, &declared, &inKey); err != nil {
			return err
		}
		t := schema[table]
		t.Name = table
		if inKey > 0 {
			t.Key = append(t.Key, make([]int, max(0, inKey-len(t.Key)))...)
			t.Key[inKey-1] = len(t.Columns)
		}
		t.Columns = append(t.Columns, Column{column, kinds[strings.ToLower(declared)]})
		schema[table] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("tables: %w", d.Classify(err))
	}
	err = queryEach(ctx, db, referencesSQL[d], func(scan func(...any) error) error {
		var table, referenced string
		err := scan(&table, &referenced)
		t := schema[table]
		t.References = append(t.References, referenced)
		schema[table] = t
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("foreign keys: %w", d.Classify(err))
	}
	return schema, nil
}

// notCopied lists the tables that are not copied, with the reason.
var notCopied = map[string]string{
	"goose_db_version":  "the schema version, which each database records itself",
	"nodes":             "the servers that use a database now",
	"heartbeat_changes": "what the servers that use a database now have changed",
	"journal":           "pings that the start of a server moves to their table",
}

// Skipped is a table that is not copied.
type Skipped struct{ Table, Reason string }

// Plan returns the tables to copy, each after the tables that it refers to, and the
// tables that are not copied. It fails if the schemas differ: a table that only one
// database has is not a table of Overdue.
func Plan(from, to Schema) (tables []Table, skipped []Skipped, err error) {
	rest := Schema{}
	for name, t := range from {
		other, both := to[name]
		switch {
		case !both:
			skipped = append(skipped, Skipped{name, "not a table of Overdue"})
			continue
		case notCopied[name] != "":
			skipped = append(skipped, Skipped{name, notCopied[name]})
			continue
		}
		if err := t.checkSame(other); err != nil {
			return nil, nil, err
		}
		t.References = append(slices.Clone(t.References), other.References...) // PostgreSQL has fewer
		rest[name] = t
	}
	slices.SortFunc(skipped, func(a, b Skipped) int { return strings.Compare(a.Table, b.Table) })
	for len(rest) > 0 {
		ready := rest.withoutReferences()
		if len(ready) == 0 {
			return nil, nil, fmt.Errorf("the foreign keys of %d tables form a cycle", len(rest))
		}
		for _, name := range ready {
			tables = append(tables, rest[name])
			delete(rest, name)
		}
	}
	return tables, skipped, nil
}

// withoutReferences returns the names of the tables that refer to no other table of
// the schema, sorted.
func (s Schema) withoutReferences() []string {
	var names []string
	for name, t := range s {
		refers := func(to string) bool { _, open := s[to]; return open && to != name }
		if !slices.ContainsFunc(t.References, refers) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// checkSame returns an error if two databases have a table in different forms, or in
// a form that cannot be copied.
func (t Table) checkSame(other Table) error {
	if !slices.Equal(t.Columns, other.Columns) || !slices.Equal(t.Key, other.Key) {
		return fmt.Errorf("table %s: the columns of the two databases differ: %v and %v", t.Name, t.Columns, other.Columns)
	}
	for _, c := range t.Columns {
		if c.Kind == "" {
			return fmt.Errorf("table %s: column %s has a type that cannot be copied", t.Name, c.Name)
		}
	}
	if len(t.Key) == 0 {
		return fmt.Errorf("table %s has no primary key", t.Name)
	}
	return nil
}

// names returns the names of the given columns, separated by commas.
func (t Table) names(columns []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = t.Columns[c].Name
	}
	return strings.Join(names, ", ")
}

// allColumns returns the index of every column.
func (t Table) allColumns() []int {
	all := make([]int, len(t.Columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// where returns the condition of the rows that are copied: each database has its own
// rows of settings about itself.
func (t Table) where() string {
	if t.Name != "settings" {
		return "TRUE"
	}
	return "name NOT IN ('" + strings.Join(ownSettings, "', '") + "')"
}
