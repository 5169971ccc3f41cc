// Package postgres is the only place that connects to PostgreSQL and that knows
// which servers and poolers Overdue can work with.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"overdue/internal/store/dialect"
)

// sessionSettings are the defaults of our connections; the address can override
// them. A committed ping is synced whatever the server's default is, and nothing
// waits long for a row lock of a stuck session or of a transaction of ours whose
// connection is dead.
var sessionSettings = map[string]string{
	"client_encoding":                     "UTF8",
	"synchronous_commit":                  "on",
	"lock_timeout":                        "3s",
	"idle_in_transaction_session_timeout": "2s",
}

// Limits of the connections.
const (
	connectTimeout  = 5 * time.Second
	poolPingTimeout = time.Second // for a connection that was idle
	maxReaders      = 8           // connections that read at the same time
)

// Conns are the connections to one server.
type Conns struct {
	DB     *sql.DB // the connections of Pool
	Pool   *pgxpool.Pool
	Prober *sql.DB // for test pings: independent of the pool
	dialer *poolDialer
}

// IsAddress reports whether an address names a PostgreSQL server.
func IsAddress(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// DescribeAddress returns an address for people, without its password.
func DescribeAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "PostgreSQL"
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return "PostgreSQL " + u.Redacted()
}

// Open connects to a server. It does not wait for an unavailable server: it
// returns an error with the reason.
func Open(ctx context.Context, address string) (*Conns, error) {
	config, err := parseConfig(address)
	if err != nil {
		return nil, err
	}
	c := &Conns{Prober: stdlib.OpenDB(*config.ConnConfig), dialer: &poolDialer{}}
	config.ConnConfig.DialFunc = c.dialer.dial
	if c.Pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("%s: %w", DescribeAddress(address), err)
	}
	c.DB = stdlib.OpenDBFromPool(c.Pool)
	if err := c.DB.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("%s: cannot connect: %w", DescribeAddress(address), errors.Join(withAdvice(err), c.Close()))
	}
	if err := c.checkServer(ctx, config.ConnConfig); err != nil {
		return nil, fmt.Errorf("%s: %w", DescribeAddress(address), errors.Join(err, c.Close()))
	}
	return c, nil
}

// Close ends all connections.
func (c *Conns) Close() error {
	err := errors.Join(c.DB.Close(), c.Prober.Close())
	c.Pool.Close()
	return err
}

// Disconnect closes all connections of the pool, and allows none until Reconnect:
// idle connections can be as dead as those in use.
func (c *Conns) Disconnect() {
	c.dialer.disconnect()
	c.Pool.Reset()
}

// Reconnect allows connections again.
func (c *Conns) Reconnect() { c.dialer.reconnect() }

// parseConfig parses an address and sets the defaults.
func parseConfig(address string) (*pgxpool.Config, error) {
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
		// Of several hosts, only the primary can store anything.
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	config.PingTimeout = poolPingTimeout
	config.MaxConns = max(config.MaxConns, dialect.PostgreSQL.Writers+maxReaders)
	return config, nil
}

// queryModeNames are the query execution modes that cannot send arrays.
var queryModeNames = map[pgx.QueryExecMode]string{pgx.QueryExecModeExec: "exec", pgx.QueryExecModeSimpleProtocol: "simple_protocol"}

// poolerAdvice is the advice for a server behind a pooler.
const poolerAdvice = "behind a pooler in transaction mode set default_query_exec_mode=cache_describe in the address, otherwise omit it"

// withAdvice adds advice to an error of the first connection.
func withAdvice(err error) error {
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
