package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// serverFacts are the properties of a PostgreSQL server and of our role on it.
type serverFacts struct {
	version            int // as server_version_num
	encoding           string
	readOnly           bool
	synchronousCommit  string // in effect
	role               string
	schema             string // empty: no schema of the search path exists
	canCreate          bool   // tables in that schema
	hasTables          bool   // our tables exist
	inaccessibleTables string // our tables that the role cannot read and write, as a list
}

// minVersion is the oldest major version that the PostgreSQL project supported
// when this was written.
const minVersion = 14

// problem returns an error with advice if Overdue cannot work with the server.
func (f serverFacts) problem(commitGiven bool) error {
	switch {
	case f.version < minVersion*10_000:
		return fmt.Errorf("PostgreSQL %d is too old; Overdue needs version %d or later", f.version/10_000, minVersion)
	case f.encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s; create one with: CREATE DATABASE overdue ENCODING 'UTF8' TEMPLATE template0", f.encoding)
	case f.readOnly:
		return errors.New("the server is a read-only standby, or read-only by its settings; name the primary, or all hosts with target_session_attrs=read-write")
	case f.synchronousCommit == "off" && !commitGiven:
		return fmt.Errorf("synchronous_commit stays off, so a stored ping could be lost: run ALTER ROLE %q SET synchronous_commit = on", f.role)
	case f.schema == "":
		return errors.New("no schema of the search path exists; create it, or correct search_path in the address")
	case !f.hasTables && !f.canCreate:
		return fmt.Errorf("role %q cannot create tables; run GRANT CREATE ON SCHEMA %q TO %q, or make it the owner of the database", f.role, f.schema, f.role)
	case f.inaccessibleTables != "":
		return fmt.Errorf("role %q cannot read and write %s; run GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %q TO %q",
			f.role, f.inaccessibleTables, f.schema, f.role)
	}
	return nil
}

// checkServer rejects a server on which pings could not be stored. synchronousCommit
// is the setting that we want, empty for the server's default.
func (c *Conns) checkServer(ctx context.Context, synchronousCommit string) error {
	var f serverFacts
	// In a transaction, because some poolers reject them and others apply settings to
	// one transaction only.
	err := pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		if c.TransactionSettings != "" {
			if _, err := tx.Exec(ctx, c.TransactionSettings); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
			pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', current_setting('synchronous_commit'),
			current_user::text, COALESCE(current_schema()::text, ''), COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false),
			to_regclass('goose_db_version') IS NOT NULL,
			COALESCE((SELECT string_agg(c.relname::text, ', ' ORDER BY c.relname) FROM pg_class c WHERE c.relkind = 'r'
				AND c.oid IN (to_regclass('projects'), to_regclass('heartbeats'), to_regclass('pings'), to_regclass('incidents'),
					to_regclass('alerts'), to_regclass('nodes'), to_regclass('goose_db_version'))
				AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
					AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))), '')`).
			Scan(&f.version, &f.encoding, &f.readOnly, &f.synchronousCommit, &f.role, &f.schema, &f.canCreate, &f.hasTables, &f.inaccessibleTables)
	})
	if err != nil {
		return fmt.Errorf("check the server: %w", withAdvice(err))
	}
	return f.problem(synchronousCommit == "off")
}

// furtherConnectionTimeout is the maximum time that a further connection can take
// to answer after the first one did.
const furtherConnectionTimeout = 3 * time.Second

// backendProcesses opens n connections at the same time and asks each for the
// process that serves it. shared reports whether two have the same: there is a
// pooler that does not keep a process for each connection.
func (c *Conns) backendProcesses(ctx context.Context, n int) (opened int, shared bool, err error) {
	seen := map[int]bool{}
	for opened = range n {
		ctx, cancel := context.WithTimeout(ctx, furtherConnectionTimeout)
		defer cancel()
		conn, err := c.Pool.Acquire(ctx)
		if err != nil {
			return opened, shared, err
		}
		defer conn.Release()
		var pid int
		if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
			return opened, shared, err
		}
		shared = shared || seen[pid]
		seen[pid] = true
	}
	return n, shared, nil
}

// CheckConnectionLimit returns an error if the server, or a pooler, allows fewer
// connections than one node uses at the same time.
func (c *Conns) CheckConnectionLimit(ctx context.Context) error {
	inPool := int(c.Pool.Config().MaxConns)
	opened, shared, err := c.backendProcesses(ctx, inPool)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, furtherConnectionTimeout)
		defer cancel()
		err = c.Prober.PingContext(ctx) // the connections of the pool stay open meanwhile
	}
	if err == nil || shared {
		return nil // connections that share a process wait for each other for milliseconds only
	}
	return fmt.Errorf("the database allows %d of the %d connections that a server needs; raise max_connections or the CONNECTION LIMIT of the role, "+
		"or default_pool_size of a pooler in session mode: %w", opened, inPool+1, err)
}
