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
	name                string
	writers             int32  // transactions that may write at the same time
	forUpdate           string // ends a SELECT whose rows are about to change
	forUpdateSkipLocked string // the same, passing over rows that another node has
	// inListFormat compares a column with a list argument made by list.
	inListFormat string
	textList     func([]string) any
	intList      func([]int64) any
	tagRows      string // the rows of the JSON list h.tags, each with its value
	// arrayArguments says that many rows go in one statement with array arguments.
	// SQLite is in this process: there a prepared statement per row is three
	// times as fast as json_each, which parses its text for every column.
	arrayArguments bool
	classify       func(error) error // tells what kind of error the driver's is
}

// The kinds of driver error that callers tell apart.
var (
	// ErrUnavailable says that the database cannot take writes now: it does not
	// answer, its disk is full, or it is locked for too long.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrDisk says why it is away: its disk is full, or fails.
	ErrDisk = fmt.Errorf("%w: its disk is full or fails", ErrUnavailable)
	// ErrLocked means that another session holds a lock on the row or table.
	ErrLocked = fmt.Errorf("%w: another session has locked it", ErrUnavailable)
	// errRetryTransaction says that the transaction may succeed when run again.
	errRetryTransaction = errors.New("the transaction was interrupted by another")
	// ErrTaken says that a unique name or number is in use.
	ErrTaken = errors.New("already taken")
)

var sqliteDialect = dialect{
	name: "sqlite3", writers: 1,
	inListFormat: "IN (SELECT value FROM json_each(%s))",
	textList: func(s []string) any {
		b, _ := json.Marshal(s) // strings always marshal
		return string(b)
	},
	intList: func(n []int64) any {
		b, _ := json.Marshal(n) // numbers too
		return string(b)
	},
	tagRows:  "json_each(h.tags)",
	classify: classifySQLiteError,
}

var postgresDialect = dialect{
	name: "postgres", writers: 4,
	forUpdate: " FOR UPDATE", forUpdateSkipLocked: " FOR UPDATE SKIP LOCKED",
	inListFormat:   "= ANY(%s)",
	textList:       func(s []string) any { return s },
	intList:        func(n []int64) any { return n },
	tagRows:        "json_array_elements_text(h.tags::json)",
	arrayArguments: true,
	classify:       classifyPostgresError,
}

// inList writes the condition that a column is in the list argument.
func (d *dialect) inList(column, argument string) string {
	return column + " " + fmt.Sprintf(d.inListFormat, argument)
}

// classifySQLiteError reads result codes, https://www.sqlite.org/rescode.html.
func classifySQLiteError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
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
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// classifyPostgresError reads SQLSTATE codes,
// https://www.postgresql.org/docs/15/errcodes-appendix.html.
func classifyPostgresError(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch {
		case e.Code == "40001", e.Code == "40P01":
			return fmt.Errorf("%w: %w", errRetryTransaction, err)
		case e.Code == "53100", e.Code == "58030":
			return fmt.Errorf("%w: %w", ErrDisk, err)
		case e.Code == "23505":
			return fmt.Errorf("%w: %w", ErrTaken, err)
		case e.Code == "55P03":
			return fmt.Errorf("%w: %w", ErrLocked, err)
		case e.Code[:2] == "08", e.Code[:2] == "57":
			return fmt.Errorf("%w: %w", errNoAnswer, err)
		case e.Code[:2] == "53", e.Code[:2] == "58", e.Code == "25006":
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, context.DeadlineExceeded),
		pgconn.SafeToRetry(err):
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return err
}
