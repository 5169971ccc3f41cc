package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// sessionSettings are the defaults of our connections to PostgreSQL; the address
// may override them. A committed ping is synced whatever the server's default is,
// and nothing waits long for a row lock of a stuck session or of a transaction of
// ours whose connection is dead.
var sessionSettings = map[string]string{
	"client_encoding":                     "UTF8",
	"synchronous_commit":                  "on",
	"lock_timeout":                        "3s",
	"idle_in_transaction_session_timeout": "5s",
}

// Limits of one connection to PostgreSQL.
const (
	connectTimeout  = 5 * time.Second
	poolPingTimeout = time.Second // for a connection that was at rest
)

// openPostgres connects to a server. It does not wait for an unavailable server: it
// returns an error with the reason.
func openPostgres(ctx context.Context, address string) (*DB, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	prober := stdlib.OpenDB(*config.ConnConfig)
	line := &poolDialer{}
	config.ConnConfig.DialFunc = line.dial
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", DescribeAddress(address), err)
	}
	conns := stdlib.OpenDBFromPool(pool)
	prober.SetMaxOpenConns(maxProbes)
	prober.SetMaxIdleConns(1)
	db := &DB{dialect: &postgresDialect, writer: conns, reader: conns, pool: pool, prober: prober, dialer: line}
	if err := conns.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("%s: cannot connect: %w", DescribeAddress(address), errors.Join(connectionAdvice(err), db.Close()))
	}
	if err := db.checkServer(ctx, config.ConnConfig); err != nil {
		return nil, fmt.Errorf("%s: %w", DescribeAddress(address), errors.Join(err, db.Close()))
	}
	return db, nil
}

// postgresConfig reads an address, and sets what it leaves open.
func postgresConfig(address string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	conn := config.ConnConfig
	switch mode := conn.DefaultQueryExecMode; mode {
	case pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol:
		return nil, fmt.Errorf("database address: default_query_exec_mode=%s cannot store pings; %s", queryModeNames[mode], poolerAdvice)
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
	}
	conn.DialFunc = dial
	for name, value := range sessionSettings {
		if _, given := conn.RuntimeParams[name]; !given {
			conn.RuntimeParams[name] = value
		}
	}
	otherHost := func(f *pgconn.FallbackConfig) bool { return f.Host != conn.Host || f.Port != conn.Port }
	if conn.ValidateConnect == nil && slices.ContainsFunc(conn.Fallbacks, otherHost) {
		// Of several hosts only the primary can store anything.
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	config.PingTimeout = poolPingTimeout
	config.MaxConns = max(config.MaxConns, postgresDialect.writers+maxReaders)
	return config, nil
}

// queryModeNames are the query execution modes that cannot send arrays.
var queryModeNames = map[pgx.QueryExecMode]string{pgx.QueryExecModeExec: "exec", pgx.QueryExecModeSimpleProtocol: "simple_protocol"}

// poolerAdvice is the advice for a server behind a pooler.
const poolerAdvice = "behind a pooler in transaction mode set default_query_exec_mode=cache_describe in the address, else leave it out"

// connectionAdvice adds advice to an error of the first connection.
func connectionAdvice(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return err
	case e.Code == "08P01":
		return fmt.Errorf("a pooler rejects our settings; set ignore_startup_parameters = lock_timeout, idle_in_transaction_session_timeout, "+
			"synchronous_commit in pgbouncer.ini and, if it pools transactions, default_query_exec_mode=cache_describe in the address: %w", err)
	case e.Code == "53300":
		return fmt.Errorf("no connection is free; raise max_connections, or the CONNECTION LIMIT of the role or database: %w", err)
	}
	return err
}

// serverFacts are the properties of a PostgreSQL server and of our role on it.
type serverFacts struct {
	version            int // as server_version_num
	encoding           string
	readOnly           bool
	synchronousCommit  string // synchronous_commit in effect
	role               string
	schema             string // empty: none of the search path exists
	canCreate          bool   // tables in that schema
	hasTables          bool   // our tables are there
	inaccessibleTables string // our tables that the role may not use fully, as a list
}

// minPostgres is the oldest major version that the PostgreSQL project supported
// when this was written.
const minPostgres = 14

// problem returns an error with advice if Overdue cannot work with the server.
func (f serverFacts) problem(commitGiven bool) error {
	switch {
	case f.version < minPostgres*10_000:
		return fmt.Errorf("PostgreSQL %d is too old; Overdue needs version %d or later", f.version/10_000, minPostgres)
	case f.encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s; create one with: CREATE DATABASE overdue ENCODING 'UTF8' TEMPLATE template0", f.encoding)
	case f.readOnly:
		return errors.New("the server is a read-only standby, or read-only by its settings; name the primary, or all hosts with target_session_attrs=read-write")
	case f.synchronousCommit == "off" && !commitGiven:
		return fmt.Errorf("synchronous_commit is off, so a stored ping could be lost; a pooler dropped our setting: run ALTER ROLE %q SET synchronous_commit = on", f.role)
	case f.schema == "":
		return errors.New("no schema of the search path exists; create it, or correct search_path in the address")
	case !f.hasTables && !f.canCreate:
		return fmt.Errorf("role %q may not create tables; run GRANT CREATE ON SCHEMA %q TO %q, or make it the owner of the database", f.role, f.schema, f.role)
	case f.inaccessibleTables != "":
		return fmt.Errorf("role %q may not read and write %s; run GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %q TO %q",
			f.role, f.inaccessibleTables, f.schema, f.role)
	}
	return nil
}

// checkServer rejects a server on which pings could not be stored.
func (db *DB) checkServer(ctx context.Context, config *pgx.ConnConfig) error {
	var f serverFacts
	// The simple protocol, because named statements fail behind some poolers.
	err := db.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', current_setting('synchronous_commit'),
		current_user::text, COALESCE(current_schema()::text, ''), COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false),
		to_regclass('goose_db_version') IS NOT NULL,
		COALESCE((SELECT string_agg(c.relname::text, ', ' ORDER BY c.relname) FROM pg_class c WHERE c.relkind = 'r'
			AND c.oid IN (to_regclass('projects'), to_regclass('heartbeats'), to_regclass('pings'), to_regclass('incidents'),
				to_regclass('alerts'), to_regclass('nodes'), to_regclass('goose_db_version'))
			AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
				AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))), '')`,
		pgx.QueryExecModeSimpleProtocol).
		Scan(&f.version, &f.encoding, &f.readOnly, &f.synchronousCommit, &f.role, &f.schema, &f.canCreate, &f.hasTables, &f.inaccessibleTables)
	if err != nil {
		return fmt.Errorf("check the server: %w", connectionAdvice(err))
	}
	if err := f.problem(config.RuntimeParams["synchronous_commit"] != sessionSettings["synchronous_commit"]); err != nil {
		return err
	}
	_, shared, err := db.backendProcesses(ctx, 2)
	switch {
	case err != nil:
		return connectionAdvice(err)
	case shared && config.DefaultQueryExecMode != pgx.QueryExecModeCacheDescribe:
		// describe_exec too: it describes a statement and runs it in two steps,
		// which may reach two servers.
		return errors.New("a pooler shares the server's connections between transactions; set default_query_exec_mode=cache_describe in the address")
	}
	return nil
}

// connectionWait is how long a further connection may take to answer when the
// first did.
const connectionWait = 3 * time.Second

// backendProcesses opens n connections at the same time and asks each for the process
// that serves it. shared tells that two have the same: there is a pooler that
// does not keep a process for each connection.
func (db *DB) backendProcesses(ctx context.Context, n int) (got int, shared bool, err error) {
	seen := map[int]bool{}
	for got = range n {
		ctx, cancel := context.WithTimeout(ctx, connectionWait)
		defer cancel()
		conn, err := db.pool.Acquire(ctx)
		if err != nil {
			return got, shared, err
		}
		defer conn.Release()
		var pid int
		if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
			return got, shared, err
		}
		shared = shared || seen[pid]
		seen[pid] = true
	}
	return n, shared, nil
}

// checkConnectionLimit reports an error when the server, or a pooler, gives fewer
// connections than one node uses at the same time.
func (db *DB) checkConnectionLimit(ctx context.Context) error {
	if db.pool == nil {
		return nil
	}
	inPool := int(db.pool.Config().MaxConns)
	got, shared, err := db.backendProcesses(ctx, inPool)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, connectionWait)
		defer cancel()
		err = db.prober.PingContext(ctx) // those of the pool stay open meanwhile
	}
	if err == nil || shared {
		return nil // those who share a process wait for each other for milliseconds
	}
	return fmt.Errorf("the database allows %d of the %d connections that a server needs; raise max_connections or the CONNECTION LIMIT of the role, "+
		"or default_pool_size of a pooler in session mode: %w", got, inPool+1, err)
}
