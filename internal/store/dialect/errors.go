package dialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The kinds of driver error that callers distinguish.
var (
	// ErrUnavailable means that the database cannot store anything now: it does not
	// answer, its disk is full, or it is locked for too long.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrDisk means that the disk of the database is full or fails. It is an ErrUnavailable.
	ErrDisk = fmt.Errorf("%w: its disk is full or failing", ErrUnavailable)
	// ErrLocked means that another session holds a lock on the row or table. It is
	// an ErrUnavailable.
	ErrLocked = fmt.Errorf("%w: another session has locked it", ErrUnavailable)
	// ErrNoAnswer means that the database does not answer: an operation can take any
	// time. It is an ErrUnavailable.
	ErrNoAnswer = fmt.Errorf("%w: it does not answer", ErrUnavailable)
	// ErrRetry means that another transaction interrupted this one, which can
	// succeed if it runs again.
	ErrRetry = errors.New("the transaction was interrupted by another")
	// ErrTaken means that a unique name or number is in use.
	ErrTaken = errors.New("already taken")
)

// classifySQLite reads result codes (https://www.sqlite.org/rescode.html).
func classifySQLite(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
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

// classifyPostgreSQL reads SQLSTATE codes
// (https://www.postgresql.org/docs/15/errcodes-appendix.html).
func classifyPostgreSQL(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch {
		case e.Code == "40001", e.Code == "40P01":
			return fmt.Errorf("%w: %w", ErrRetry, err)
		case e.Code == "53100", e.Code == "58030":
			return fmt.Errorf("%w: %w", ErrDisk, err)
		case e.Code == "23505":
			return fmt.Errorf("%w: %w", ErrTaken, err)
		case e.Code == "55P03":
			return fmt.Errorf("%w: %w", ErrLocked, err)
		case e.Code[:2] == "08", e.Code[:2] == "57":
			return fmt.Errorf("%w: %w", ErrNoAnswer, err)
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
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return err
}
