package bulkload

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"overdue/internal/monitor"
	"overdue/internal/store/dialect"
	"overdue/internal/store/migrations"
	"overdue/internal/store/sqlite"
)

// schemaVersion is the schema that Fill writes.
const schemaVersion = 17

// Project is the key of the project of all heartbeats. Its slug is "main".
const Project = 1

// database is an open database.
type database struct {
	*sql.DB
	reader   *sql.DB // of a SQLite file
	postgres bool
	path     string // of a SQLite file
}

// cacheKiB is the page cache of SQLite, which holds most of the indexes while they grow.
const cacheKiB = 500_000

// open opens a database. The caller closes it.
func open(ctx context.Context, address string) (database, error) {
	if strings.HasPrefix(address, "postgres://") {
		db, err := sql.Open("pgx", address)
		return database{DB: db, postgres: true}, err
	}
	path, err := sqlite.PrepareFile(ctx, address)
	if err != nil {
		return database{}, err
	}
	writer, reader, err := sqlite.Open(ctx, path, false, sqlite.Cache{WriterKiB: cacheKiB, CheckpointPages: 8000})
	return database{DB: writer, reader: reader, path: path}, err
}

// Close ends all connections.
func (db database) Close() error {
	if db.reader == nil {
		return db.DB.Close()
	}
	return errors.Join(db.DB.Close(), db.reader.Close())
}

// Fill creates the schema in an empty database, with the project and n heartbeats.
// heartbeat returns number i of them, from 0; its key becomes i+1. Only a rule with an
// interval is stored. A heartbeat that is Down gets an open incident.
func Fill(ctx context.Context, address string, n int, heartbeat func(i int) monitor.Heartbeat) (err error) {
	db, err := open(ctx, address)
	if err != nil {
		return fmt.Errorf("bulk load: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.createSchema(ctx); err != nil {
		return fmt.Errorf("bulk load: schema: %w", err)
	}
	now := time.Now().UTC()
	var opened []int // numbers of the heartbeats with an incident
	for i := range n {
		if heartbeat(i).Status == monitor.Down {
			opened = append(opened, i)
		}
	}
	statements := []string{
		fmt.Sprintf(`INSERT INTO projects (key, slug, name, zone, incidents, created) VALUES (%d, 'main', 'Main', 'UTC', %d, %d)`, Project, len(opened), now.UnixMicro()),
		fmt.Sprintf(`UPDATE counters SET value = %d WHERE name = 'projects'`, Project),
		fmt.Sprintf(`UPDATE counters SET value = %d WHERE name = 'heartbeats'`, n),
	}
	for _, text := range statements {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("bulk load: %w", err)
		}
	}
	rows := func(i int) []any { return heartbeatRow(int64(i)+1, heartbeat(i)) }
	if err := db.insert(ctx, "heartbeats", heartbeatColumns, n, rows); err != nil {
		return fmt.Errorf("bulk load: heartbeats: %w", err)
	}
	rows = func(k int) []any { return incidentRow(int64(k)+1, int64(opened[k])+1, heartbeat(opened[k])) }
	if err := db.insert(ctx, "incidents", incidentColumns, len(opened), rows); err != nil {
		return fmt.Errorf("bulk load: incidents: %w", err)
	}
	return db.finish(ctx)
}

// createSchema runs the migrations up to schemaVersion.
func (db database) createSchema(ctx context.Context) error {
	schema := migrations.Schema{DB: db.DB, Dialect: &dialect.SQLite, Path: db.path}
	if db.postgres {
		schema.Dialect = &dialect.PostgreSQL
	}
	provider, err := schema.Provider()
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, schemaVersion)
	return err
}

// finish moves the SQLite WAL into the file, or collects the statistics that PostgreSQL
// would have after some time.
func (db database) finish(ctx context.Context) error {
	text := `PRAGMA wal_checkpoint(TRUNCATE)`
	if db.postgres {
		text = `VACUUM ANALYZE`
	}
	if _, err := db.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("bulk load: %w", err)
	}
	return nil
}

// insert inserts n rows into a table: in one transaction on SQLite, with COPY on
// PostgreSQL.
func (db database) insert(ctx context.Context, table string, columns []string, n int, row func(i int) []any) error {
	if db.postgres {
		return db.copyFrom(ctx, table, columns, n, row)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	text := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
	insert, err := tx.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }() // the transaction is committed or rolled back
	for i := range n {
		if _, err := insert.ExecContext(ctx, row(i)...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// copyFrom is insert on PostgreSQL.
func (db database) copyFrom(ctx context.Context, table string, columns []string, n int, row func(i int) []any) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // returns it to the pool
	return conn.Raw(func(driver any) error {
		rows := pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil })
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
		return err
	})
}

// columnsOf returns the names of columns that are listed with their types.
func columnsOf(text string) (names []string) {
	for column := range strings.SplitSeq(text, ",") {
		names = append(names, strings.Fields(column)[0])
	}
	return names
}

var heartbeatColumns = columnsOf(`key bigint, id text, ref text, project bigint, name text, slug text, description text, tags text,
	interval_us bigint, grace bigint, max_run_time bigint, methods text, manual_resume boolean, created bigint, updated bigint,
	status text, counted_from bigint, heard bigint, last_ping bigint, pings bigint, incident text, cause text, next_at bigint, severity text`)

// heartbeatRow returns a heartbeat in the order of heartbeatColumns.
func heartbeatRow(key int64, h monitor.Heartbeat) []any {
	var incident any
	if h.Status == monitor.Down {
		incident = h.OpenIncident
	}
	severity := h.Severity
	if severity == "" {
		severity = monitor.SeverityCritical
	}
	return []any{
		key, h.ID, h.Ref, int64(Project), h.Name, h.Slug, h.Description, tagList(h.Tags), h.Rule.Interval.Microseconds(), h.Rule.Grace.Microseconds(),
		h.Rule.MaxRunTime.Microseconds(), string(h.Rule.Methods), h.Rule.ManualResume, micros(h.Created), micros(h.Updated), string(h.Status),
		micros(h.CountedFrom), micros(h.StaleBefore), micros(h.LastPing), h.PingCount, incident, string(h.DownCause), micros(h.EvaluationDue()), string(severity),
	}
}

var incidentColumns = columnsOf(`id text, number bigint, project bigint, heartbeat bigint, cause text, opened bigint, detected bigint,
	last_ping bigint, because text, ping bigint, acknowledged_by text, resolution text`)

// incidentRow returns the open incident of a heartbeat in the order of incidentColumns.
func incidentRow(number, key int64, h monitor.Heartbeat) []any {
	at := micros(h.LastPing)
	return []any{h.OpenIncident, number, int64(Project), key, string(h.DownCause), at, at, at, "The job reported a failure.", h.PingCount, "", ""}
}

// micros returns a time as it is stored.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// tagList returns tags as they are stored.
func tagList(tags []string) string {
	if len(tags) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(tags) // strings always marshal
	return string(text)
}
