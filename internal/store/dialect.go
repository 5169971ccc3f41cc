package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is what the databases disagree about. All else is one text.
type dialect struct {
	name    string
	writers int32  // transactions that may write at the same time
	lock    string // ends a SELECT whose rows are about to change
	skip    string // the same, passing over rows that another node has
	// anyOf compares a column with a list argument made by list.
	anyOf   string
	list    func([]string) any
	numbers func([]int64) any
	tags    string // the rows of the JSON list h.tags, each with its value
	// bulk says that many rows go in one statement with array arguments.
	// SQLite is in this process: there a prepared statement per row is three
	// times as fast as json_each, which parses its text for every column.
	bulk bool
	sort func(error) error // tells what kind of error the driver's is
}

// The kinds of driver error that callers tell apart.
var (
	// ErrAway says that the database cannot take writes now: it does not
	// answer, its disk is full, or it is locked for too long.
	ErrAway = errors.New("the database is unavailable")
	// ErrDisk says why it is away: its disk is full, or fails.
	ErrDisk = fmt.Errorf("%w: its disk is full or fails", ErrAway)
	// ErrLocked means that another session holds a lock on the row or table.
	ErrLocked = fmt.Errorf("%w: another session has locked it", ErrAway)
	// errAgain says that the transaction may succeed when run again.
	errAgain = errors.New("the transaction was interrupted by another")
	// ErrTaken says that a unique name or number is in use.
	ErrTaken = errors.New("already taken")
)

var sqlite = dialect{
	name: "sqlite3", writers: 1,
	anyOf: "IN (SELECT value FROM json_each(%s))",
	list: func(s []string) any {
		b, _ := json.Marshal(s) // strings always marshal
		return string(b)
	},
	numbers: func(n []int64) any {
		b, _ := json.Marshal(n) // numbers too
		return string(b)
	},
	tags: "json_each(h.tags)",
	sort: sortSQLite,
}

var postgres = dialect{
	name: "postgres", writers: 4,
	lock: " FOR UPDATE", skip: " FOR UPDATE SKIP LOCKED",
	anyOf:   "= ANY(%s)",
	list:    func(s []string) any { return s },
	numbers: func(n []int64) any { return n },
	tags:    "json_array_elements_text(h.tags::json)",
	bulk:    true,
	sort:    sortPostgres,
}

// in writes the condition that a column is in the list argument.
func (d *dialect) in(column, argument string) string {
	return column + " " + fmt.Sprintf(d.anyOf, argument)
}

// sortSQLite reads result codes, https://www.sqlite.org/rescode.html.
func sortSQLite(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	var e *sqlitedriver.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: %w", ErrDisk, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}

// sortPostgres reads SQLSTATE codes,
// https://www.postgresql.org/docs/15/errcodes-appendix.html.
func sortPostgres(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch {
		case e.Code == "40001", e.Code == "40P01":
			return fmt.Errorf("%w: %w", errAgain, err)
		case e.Code == "53100", e.Code == "58030":
			return fmt.Errorf("%w: %w", ErrDisk, err)
		case e.Code == "23505":
			return fmt.Errorf("%w: %w", ErrTaken, err)
		case e.Code == "55P03":
			return fmt.Errorf("%w: %w", ErrLocked, err)
		case e.Code[:2] == "08", e.Code[:2] == "57":
			return fmt.Errorf("%w: %w", errSilent, err)
		case e.Code[:2] == "53", e.Code[:2] == "58", e.Code == "25006":
			return fmt.Errorf("%w: %w", ErrAway, err)
		}
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, context.DeadlineExceeded),
		pgconn.SafeToRetry(err):
		return fmt.Errorf("%w: %w", errSilent, err)
	}
	return err
}
