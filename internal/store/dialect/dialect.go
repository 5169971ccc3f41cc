package dialect

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
)

// ConnectionPrefix, and the id of the node, are the name of the connections of a node.
const ConnectionPrefix = "overdue-"

// Dialect holds what differs between the databases.
type Dialect struct {
	Name    string // as goose names it
	Writers int32  // number of transactions that can write at the same time

	ForUpdate           string // ends a SELECT that locks its rows
	ForUpdateSkipLocked string // the same, without the rows that another transaction has locked
	TagRows             string // FROM item: one row for each tag in h.tags, in column value
	// ClockMicros is the current time of the database in microseconds since 1970; empty if
	// it has no clock.
	ClockMicros string
	// IsNodeConnected is the condition that a row of the table nodes is that of a node with a
	// connection to the database. On PostgreSQL, its connections have its name.
	IsNodeConnected string
	// ArrayArguments reports whether one statement writes many rows from array
	// arguments. SQLite runs in this process: there, a prepared statement per row is
	// three times as fast as json_each, which parses its text again for every column.
	ArrayArguments bool
	// ViewIsolation is the isolation level of a read transaction that sees one
	// state. SQLite's readers always do.
	ViewIsolation sql.IsolationLevel

	inListFormat string
	// TextList and IntList return a list as the argument for InList.
	TextList func([]string) any
	IntList  func([]int64) any
	// Classify wraps a driver error in the error of this package that callers can
	// test for. It returns other errors unchanged.
	Classify func(error) error
}

// SQLite is the dialect of SQLite.
var SQLite = Dialect{
	Name: "sqlite3", Writers: 1,
	TagRows: "json_each(h.tags)", IsNodeConnected: "FALSE",
	inListFormat: "IN (SELECT value FROM json_each(%s))",
	TextList:     func(s []string) any { return jsonText(s) },
	IntList:      func(n []int64) any { return jsonText(n) },
	Classify:     classifySQLite,
}

// PostgreSQL is the dialect of PostgreSQL.
var PostgreSQL = Dialect{
	// While one batch is written, the pings of the next arrive. With more writers, batches are smaller,
	// and half of the cost of a batch of 16 pings does not depend on the number of its pings.
	Name: "postgres", Writers: 2,
	ForUpdate: " FOR UPDATE", ForUpdateSkipLocked: " FOR UPDATE SKIP LOCKED",
	TagRows:         "json_array_elements_text(h.tags::json)",
	ClockMicros:     "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
	ArrayArguments:  true,
	IsNodeConnected: "EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name = '" + ConnectionPrefix + "' || nodes.id)",
	ViewIsolation:   sql.LevelRepeatableRead,
	inListFormat:    "= ANY(%s)",
	TextList:        func(s []string) any { return s },
	IntList:         func(n []int64) any { return n },
	Classify:        classifyPostgreSQL,
}

// InList returns the condition that a column is in a list argument.
func (d *Dialect) InList(column, argument string) string {
	return column + " " + fmt.Sprintf(d.inListFormat, argument)
}

// ValidText returns a text that both databases accept: PostgreSQL rejects NUL and
// invalid UTF-8, which SQLite stores. Both are replaced by U+FFFD.
func ValidText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// jsonText returns a list as JSON.
func jsonText[T string | int64](list []T) string {
	b, _ := json.Marshal(list) // strings and integers always marshal
	return string(b)
}
