package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// route is what is between us and the server.
type route struct {
	pooled            bool   // a pooler, which can give each transaction another session
	synchronousCommit string // the default of the server or role
}

// findRoute opens two connections without settings and compares the processes that
// serve them. Behind a pooler, they can share a process, and the process that the
// pooler names at the start is not the one that answers.
func findRoute(ctx context.Context, config *pgx.ConnConfig) (r route, err error) {
	seen := map[uint32]bool{}
	for range 2 {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return r, err
		}
		defer func() { _ = conn.Close(ctx) }() // it was only read from
		var pid uint32
		err = conn.QueryRow(ctx, `SELECT pg_backend_pid(), current_setting('synchronous_commit')`, pgx.QueryExecModeSimpleProtocol).
			Scan(&pid, &r.synchronousCommit)
		if err != nil {
			return r, err
		}
		r.pooled = r.pooled || seen[pid] || pid != conn.PgConn().PID()
		seen[pid] = true
	}
	return r, nil
}

// setLocal returns a statement that applies settings to the current transaction.
func setLocal(settings map[string]string) string {
	var calls []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		calls = append(calls, fmt.Sprintf("set_config('%s', '%s', true)", name, strings.ReplaceAll(settings[name], "'", "''")))
	}
	if len(calls) == 0 {
		return ""
	}
	return "SELECT " + strings.Join(calls, ", ")
}

// errOtherHost means that another host of the address is the primary.
var errOtherHost = errors.New("another host of the address is the primary")
