package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/internal/store/postgres"
	"overdue/internal/store/sqlite"
	"overdue/internal/store/transfer"
)

// MoveProgress describes how far a move is.
type MoveProgress = transfer.Progress

// MoveResult is the result of a move.
type MoveResult struct {
	Source, Target string // described for people
	Tables         []transfer.Comparison
	Skipped        []transfer.Skipped
	Cleaned        int    // texts that were changed because PostgreSQL rejects them
	KeyID          string // of the key that the secrets are encrypted with; empty: none
	WasFinished    bool   // by an earlier run
}

// move is a move in progress.
type move struct {
	source, target *DB
	result         MoveResult
	sourceMark     *transfer.Mark
	targetMark     *transfer.Mark
	tables         []transfer.Table
	report         func(MoveProgress) error
}

// Move copies everything from one database to another, which must be empty, and
// compares both. No server can use either of them. It marks the source, so that no
// server starts on it by mistake, and changes nothing else in it. An interrupted move
// continues where it stopped if Move runs again. report is called after each step;
// its error ends the move.
func Move(ctx context.Context, from, to string, report func(MoveProgress) error) (result MoveResult, err error) {
	m := &move{report: report}
	m.result.Source, m.result.Target = DescribeAddress(from), DescribeAddress(to)
	if m.source, err = openForMove(ctx, from); err != nil {
		return m.result, fmt.Errorf("source: %w", err)
	}
	defer func() { err = errors.Join(err, m.source.Close()) }()
	if err := m.openTarget(ctx, from, to); err != nil {
		return m.result, fmt.Errorf("target: %w", err)
	}
	defer func() { err = errors.Join(err, m.target.Close()) }()
	unlock, err := m.target.lockForMove(ctx)
	if err != nil {
		return m.result, fmt.Errorf("target: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if m.result.KeyID, _, err = m.source.SecretKeyID(ctx); err != nil {
		return m.result, err
	}
	if err := m.begin(ctx); err != nil || m.result.WasFinished {
		return m.result, err
	}
	if err := m.copyAll(ctx); err != nil {
		return m.result, err
	}
	return m.result, m.finish(ctx)
}

// openForMove opens the database that is moved. On SQLite, it saves the pings that a
// server that was killed had only in its WAL, and keeps servers away.
func openForMove(ctx context.Context, address string) (*DB, error) {
	if !postgres.IsAddress(address) {
		if _, err := os.Stat(address); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s; name the database with --database", DescribeAddress(address))
		}
	}
	db, err := connectLocked(ctx, address, ServeOptions{})
	if err != nil {
		return nil, err
	}
	older, err := db.schema().IsOlder(ctx)
	switch {
	case err != nil:
	case older:
		err = errors.New("the database schema is older than this program; start and stop the server of this version first")
	case db.path == "":
		err = db.ClaimWithoutServer(ctx, time.Now().UTC())
	default:
		if err = db.prepare(ctx); err == nil {
			err = db.startBuffer(ctx)
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openTarget opens the other database and creates its schema. It must be empty, or
// have the mark of an unfinished move.
func (m *move) openTarget(ctx context.Context, from, to string) error {
	same := DescribeAddress(from) == DescribeAddress(to)
	if !same && !postgres.IsAddress(to) { // ResolvePath creates the folder of a file
		path, err := sqlite.ResolvePath(to)
		same = err == nil && path == m.source.path
	}
	if same {
		return errors.New("it is the source; name another database with --to")
	}
	db, err := connectLocked(ctx, to, ServeOptions{})
	if err != nil {
		return err
	}
	if err := db.checkEmpty(ctx, m.result.Target); err != nil {
		return errors.Join(err, db.Close())
	}
	if db, err = db.finishOpening(ctx); err != nil {
		return err
	}
	if db.path == "" { // otherwise it is locked
		if err := db.ClaimWithoutServer(ctx, time.Now().UTC()); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	m.target = db
	return nil
}

// checkEmpty returns an error if a database contains data, except those of an
// unfinished move. A server creates a project before anything else.
func (db *DB) checkEmpty(ctx context.Context, name string) error {
	used, err := db.tableExists(ctx, "projects")
	if err != nil || !used {
		return err
	}
	if used, err = db.tableExists(ctx, "settings"); err != nil {
		return err
	}
	if used {
		// A finished one is not rejected here: the same command, run again, says so.
		if mark, err := transfer.ReadMark(ctx, db.reader, db.dialect, transfer.Target); err != nil || mark != nil {
			return err
		}
	}
	var projects int
	if err := db.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM projects`).Scan(&projects); err != nil {
		return db.dialect.Classify(err)
	}
	if projects > 0 {
		return errNotEmpty(name)
	}
	return nil
}

// errNotEmpty returns the error of a target that contains data.
func errNotEmpty(name string) error {
	return fmt.Errorf("%s already contains data of Overdue: create an empty database, or name a new file", name)
}

// tableExists reports whether a database has a table.
func (db *DB) tableExists(ctx context.Context, name string) (exists bool, err error) {
	query := `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`
	if db.path == "" {
		query = `SELECT to_regclass($1) IS NOT NULL`
	}
	err = db.reader.QueryRowContext(ctx, query, name).Scan(&exists)
	return exists, db.dialect.Classify(err)
}

// lockForMove keeps a second move away from a target. A SQLite file is locked already.
func (db *DB) lockForMove(ctx context.Context) (unlock func() error, err error) {
	if db.path != "" {
		return func() error { return nil }, nil
	}
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return nil, db.dialect.Classify(err)
	}
	var locked bool
	if err = keepIdle(ctx, tx); err == nil {
		err = tx.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock(hashtext('overdue migrate ' || current_schema()))`).Scan(&locked)
	}
	if err == nil && !locked {
		err = errors.New("another overdue migrate writes to it")
	}
	if err != nil {
		return nil, errors.Join(db.dialect.Classify(err), tx.Rollback())
	}
	return tx.Rollback, nil
}

// keepIdle lifts the limits of a transaction on PostgreSQL that stays open.
func keepIdle(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`)
	if err == nil {
		_, err = tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0`)
	}
	return err
}

// begin reads the marks of both databases, and marks them for a new move unless it
// continues an earlier one.
func (m *move) begin(ctx context.Context) (err error) {
	if m.sourceMark, err = transfer.ReadMark(ctx, m.source.reader, m.source.dialect, transfer.Source); err != nil {
		return err
	}
	if m.targetMark, err = transfer.ReadMark(ctx, m.target.reader, m.target.dialect, transfer.Target); err != nil {
		return err
	}
	if err := m.readTables(ctx); err != nil {
		return err
	}
	s, t := m.sourceMark, m.targetMark
	same := s != nil && t != nil && s.ID == t.ID
	switch {
	case same && t.Finished:
		m.result.WasFinished = true
		return nil
	case same:
		return nil
	case s != nil && s.Finished:
		return fmt.Errorf("%s; to migrate it again, run overdue migrate --cancel first", describeSource(m.result.Source, s))
	case t != nil && t.Finished:
		return fmt.Errorf("target: %w", errNotEmpty(m.result.Target))
	case t != nil && t.Other != m.result.Source:
		return fmt.Errorf("target: %s contains an unfinished migration of another database, %s: run overdue migrate with that database, or create an empty one", m.result.Target, t.Other)
	}
	return m.beginNew(ctx)
}

// readTables reads the tables of both databases.
func (m *move) readTables(ctx context.Context) error {
	from, err := transfer.ReadSchema(ctx, m.source.reader, m.source.dialect)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	to, err := transfer.ReadSchema(ctx, m.target.reader, m.target.dialect)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if m.tables, m.result.Skipped, err = transfer.Plan(from, to); err != nil {
		return err
	}
	_, kept, err := m.source.WALDamage(ctx)
	for _, file := range kept {
		m.result.Skipped = append(m.result.Skipped, transfer.Skipped{Table: "pings in " + file, Reason: "it was damaged"})
	}
	return err
}

// beginNew marks both databases and empties the target.
func (m *move) beginNew(ctx context.Context) error {
	now := time.Now().UTC()
	m.sourceMark = &transfer.Mark{ID: uuid.NewString(), Other: m.result.Target, Time: now}
	m.targetMark = &transfer.Mark{ID: m.sourceMark.ID, Other: m.result.Source, Time: now}
	if err := m.sourceMark.Store(ctx, m.source.writer, m.source.dialect, transfer.Source); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if err := m.copier(nil).Begin(ctx, m.tables); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	return nil
}

// copier returns what copies the tables.
func (m *move) copier(from transfer.Queryer) *transfer.Copier {
	return &transfer.Copier{From: from, To: m.target.writer, ToDialect: m.target.dialect, Mark: m.targetMark, Report: m.report}
}

// copyAll copies all tables and compares them, as one transaction of the source sees
// them.
func (m *move) copyAll(ctx context.Context) error {
	snapshot, err := m.source.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: m.source.dialect.ViewIsolation})
	if err != nil {
		return m.source.dialect.Classify(err)
	}
	defer func() { _ = snapshot.Rollback() }() // it changed nothing
	if m.source.path == "" {
		if err := keepIdle(ctx, snapshot); err != nil {
			return m.source.dialect.Classify(err)
		}
	}
	if err := m.copier(snapshot).Run(ctx, m.tables); err != nil {
		return err
	}
	m.result.Cleaned = m.targetMark.Cleaned
	if m.result.Tables, err = transfer.Compare(ctx, snapshot, m.target.reader, m.tables, m.report); err != nil {
		return err
	}
	var different []string
	for _, t := range m.result.Tables {
		if !t.Equal() {
			different = append(different, t.Table)
		}
	}
	if len(different) == 0 {
		return nil
	}
	// The next run begins again: its source has another id.
	m.targetMark.ID = ""
	return errors.Join(fmt.Errorf("the databases differ in %s: another program used one of them; run the same command again, which copies everything again", strings.Join(different, ", ")),
		m.targetMark.Store(ctx, m.target.writer, m.target.dialect, transfer.Target))
}

// finish marks both databases as finished: the target last, because a server can
// start on it from then on.
func (m *move) finish(ctx context.Context) error {
	now := time.Now().UTC()
	if m.source.path == "" {
		if err := m.source.ClaimWithoutServer(ctx, now); err != nil {
			return fmt.Errorf("source: a server was started meanwhile: %w", err)
		}
	}
	if err := m.analyzeTarget(ctx); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	m.sourceMark.Finished, m.sourceMark.Time = true, now
	if err := m.sourceMark.Store(ctx, m.source.writer, m.source.dialect, transfer.Source); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	done := &transfer.Mark{ID: m.targetMark.ID, Other: m.targetMark.Other, Time: now, Finished: true}
	if err := done.Store(ctx, m.target.writer, m.target.dialect, transfer.Target); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	return nil
}

// analyzeTarget collects the statistics of the new tables on PostgreSQL: until
// autovacuum does, it would choose slow plans.
func (m *move) analyzeTarget(ctx context.Context) error {
	if m.target.path != "" {
		return nil
	}
	for _, t := range m.tables {
		if _, err := m.target.writer.ExecContext(ctx, "ANALYZE "+t.Name); err != nil {
			return m.target.dialect.Classify(err)
		}
	}
	return nil
}

// CheckNotMoved returns an error if a move has marked the database: a server that
// started on it would store pings that the other database does not get.
func (db *DB) CheckNotMoved(ctx context.Context) error {
	known, err := db.tableExists(ctx, "settings")
	if err != nil || !known {
		return err
	}
	target, err := transfer.ReadMark(ctx, db.reader, db.dialect, transfer.Target)
	if err != nil {
		return err
	}
	if target != nil && !target.Finished {
		return fmt.Errorf("this database is an incomplete copy of %s: run the same overdue migrate again, which finishes the copy", target.Other)
	}
	source, err := transfer.ReadMark(ctx, db.reader, db.dialect, transfer.Source)
	if err != nil || source == nil {
		return err
	}
	return fmt.Errorf("%s; use that database, or run overdue migrate --cancel to use this one again", describeSource("this database", source))
}

// describeSource describes a database that was moved, or is being moved.
func describeSource(name string, mark *transfer.Mark) string {
	if !mark.Finished {
		return fmt.Sprintf("%s is being migrated to %s: a run of overdue migrate has not finished", name, mark.Other)
	}
	return fmt.Sprintf("%s was migrated to %s at %s", name, mark.Other, mark.Time.Format(time.RFC3339))
}

// CancelMove removes the mark of a database that was moved, so that a server can use
// it again. It returns the description of the other database, which stays as it is,
// and whether the move was finished.
func CancelMove(ctx context.Context, address string) (other string, finished bool, err error) {
	db, err := openForMove(ctx, address)
	if err != nil {
		return "", false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	mark, err := transfer.ReadMark(ctx, db.reader, db.dialect, transfer.Source)
	if err != nil {
		return "", false, err
	}
	if mark == nil {
		return "", false, fmt.Errorf("%s was not migrated: there is nothing to cancel", DescribeAddress(address))
	}
	return mark.Other, mark.Finished, transfer.RemoveMark(ctx, db.writer, db.dialect, transfer.Source)
}
