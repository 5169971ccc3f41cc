// Package postgres is the only place that connects to PostgreSQL and that knows
// which servers and poolers Overdue can work with.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"overdue/internal/store/dialect"
)

// sessionSettings are the defaults of our connections; the address can override
// them. A committed ping is synced whatever the server's default is, and nothing
// waits long for a row lock of a stuck session or of a transaction of ours whose
// connection is dead. A lock ends before a client waited for two seconds.
var sessionSettings = map[string]string{
	"synchronous_commit":                  "on",
	"lock_timeout":                        "1700ms",
	"idle_in_transaction_session_timeout": "5s",
}

// Limits of the connections.
const (
	connectTimeout  = 5 * time.Second
	hostTimeout     = time.Second // per host if there are several: the next one may answer
	poolPingTimeout = time.Second // for a connection that was idle
	maxReaders      = 10          // connections that read, or wait for a lock, at the same time
)

// Conns are the connections to one server.
type Conns struct {
	DB     *sql.DB // the connections of Pool
	Pool   *pgxpool.Pool
	Prober *sql.DB // for test pings: independent of the pool
	// TransactionSettings is a statement that each transaction that writes begins
	// with, empty for none: behind a pooler, other clients share the sessions.
	TransactionSettings string
	Acknowledged        Acknowledged
	dialer              *poolDialer
	node                atomic.Pointer[string] // in the name of the connections; nil: they have another name
}

// TakeNode returns the id of the node in the name of the connections, once.
func (c *Conns) TakeNode() string {
	if node := c.node.Swap(nil); node != nil {
		return *node
	}
	return ""
}

// nameConnections gives connections a name with the id of a node, unless the address
// contains one. Other nodes then know whether this one is connected, and operators whose
// a session is.
func (c *Conns) nameConnections(params map[string]string) {
	if params["application_name"] != "" {
		return
	}
	node := uuid.NewString()
	params["application_name"] = dialect.ConnectionPrefix + node
	c.node.Store(&node)
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

// toolParameters are the query parameters of an address that PostgreSQL's own
// programs accept (https://www.postgresql.org/docs/15/libpq-connect.html, 34.1.2).
var toolParameters = []string{
	"host", "hostaddr", "port", "dbname", "user", "passfile", "connect_timeout", "application_name", "options", "sslmode", "sslcert", "sslkey",
	"sslrootcert", "sslcrl", "sslsni", "channel_binding", "gssencmode", "krbsrvname", "target_session_attrs",
}

// ToolAddress returns an address for pg_dump and pg_restore: without the password,
// which they read from ~/.pgpass or ask for, and without parameters that only Overdue
// accepts.
func ToolAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "ADDRESS"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	for name := range q {
		if !slices.Contains(toolParameters, name) {
			q.Del(name)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Open connects to a server. It does not wait for an unavailable server: it
// returns an error with the reason.
func Open(ctx context.Context, address string) (*Conns, error) {
	c, err := open(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", DescribeAddress(address), err)
	}
	return c, nil
}

// open is Open without the address in errors.
func open(ctx context.Context, address string) (*Conns, error) {
	config, settings, err := parseConfig(address)
	if err != nil {
		return nil, err
	}
	c := &Conns{dialer: &poolDialer{}}
	if hasSeveralHosts(config.ConnConfig) {
		c.dialer.primary = &primary{}
		c.dialer.primary.follow(&config.ConnConfig.Config)
	}
	route, err := findRoute(ctx, config.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", withAdvice(err))
	}
	if settings["synchronous_commit"] == sessionSettings["synchronous_commit"] && route.synchronousCommit == "remote_apply" {
		delete(settings, "synchronous_commit") // the server's default is stricter
	}
	conn := config.ConnConfig
	if route.pooled {
		// Other modes need two messages to the same server.
		conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		c.TransactionSettings = setLocal(settings)
	} else {
		maps.Copy(conn.RuntimeParams, settings)
		c.nameConnections(conn.RuntimeParams) // a pooler would set it for each client
	}
	c.Prober = stdlib.OpenDB(*conn)
	c.limitProber()
	config.ConnConfig = conn.Copy()
	config.ConnConfig.DialFunc = c.dialer.dial
	if c.Pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, errors.Join(err, c.Prober.Close())
	}
	c.DB = stdlib.OpenDBFromPool(c.Pool)
	if err := c.checkServer(ctx, settings["synchronous_commit"]); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close ends all connections.
func (c *Conns) Close() error {
	err := errors.Join(c.DB.Close(), c.Prober.Close())
	c.Pool.Close()
	return err
}

// limitProber allows the prober one idle connection.
func (c *Conns) limitProber() { c.Prober.SetMaxIdleConns(1) }

// Disconnect closes all connections of the pool, and allows none until Reconnect:
// idle connections can be as dead as those in use. The next probe opens a connection
// too, because another host may be the primary now.
func (c *Conns) Disconnect() {
	c.dialer.disconnect()
	c.Pool.Reset()
	c.Prober.SetMaxIdleConns(0)
	c.limitProber()
}

// Reconnect allows connections again.
func (c *Conns) Reconnect() { c.dialer.reconnect() }

// parseConfig parses an address. It returns the session settings apart, because a
// pooler rejects them at the start of a connection.
func parseConfig(address string) (*pgxpool.Config, map[string]string, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, nil, fmt.Errorf("database address: %w", err)
	}
	conn := config.ConnConfig
	switch conn.DefaultQueryExecMode {
	case pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol: // they cannot send arrays
		conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
	}
	conn.DialFunc = dial
	conn.LookupFunc = newResolver(conn.LookupFunc).lookup
	settings := maps.Clone(sessionSettings)
	for name := range settings {
		if value, given := conn.RuntimeParams[name]; given {
			settings[name] = value
			delete(conn.RuntimeParams, name)
		}
	}
	if _, given := conn.RuntimeParams["client_encoding"]; !given {
		conn.RuntimeParams["client_encoding"] = "UTF8"
	}
	if hasSeveralHosts(conn) {
		conn.ConnectTimeout = min(conn.ConnectTimeout, hostTimeout)
		if conn.ValidateConnect == nil { // only the primary can store anything
			conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
		}
	}
	config.PingTimeout = poolPingTimeout
	config.MaxConns = max(config.MaxConns, dialect.PostgreSQL.Writers+maxReaders)
	return config, settings, nil
}

// hasSeveralHosts reports whether an address names several hosts.
func hasSeveralHosts(conn *pgx.ConnConfig) bool {
	return slices.ContainsFunc(conn.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.Host != conn.Host || f.Port != conn.Port })
}

// withAdvice adds advice to an error of the first connections.
func withAdvice(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok:
		return err
	case strings.Contains(e.Message, "unsupported startup parameter"):
		return fmt.Errorf("a pooler rejects a setting of the address; remove it from the address and set it for the role with ALTER ROLE … SET: %w", err)
	case strings.Contains(e.Message, "statement pooling"):
		return fmt.Errorf("a pooler does not allow transactions; set pool_mode = transaction in pgbouncer.ini: %w", err)
	case e.Code == "53300":
		return fmt.Errorf("no connection is free; raise max_connections, or the CONNECTION LIMIT of the role or database: %w", err)
	}
	return err
}
