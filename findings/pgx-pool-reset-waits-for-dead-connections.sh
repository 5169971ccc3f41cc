#!/bin/sh
# The documentation recommends pgxpool.Pool.Reset after "a network interruption", but Reset does not free the places of connections
# that were in use: it first closes each connection in an orderly way, which waits up to 15 seconds for a silent server. If all
# connections of a pool hang, the pool stays empty for that long after the database is back.
# Why it matters: Overdue must store pings within a second, so it closes the sockets itself.
# Version: github.com/jackc/pgx/v5 v5.12.0. Seen 2026-11-29. Needs: go.
set -eu
expected=${EXPECT:-late} # the documentation suggests "early"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/modules" GOFLAGS="-mod=mod -modcacherw" GOWORK=off
cat > go.mod <<'MOD'
module finding

go 1.26.0

require github.com/jackc/pgx/v5 v5.12.0
MOD
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
)

var silent atomic.Bool

// serve implements the part of the PostgreSQL protocol that a login and an
// empty query need. While silent is set, it sends nothing.
func serve(conn net.Conn) {
	b := pgproto3.NewBackend(conn, conn)
	if _, err := b.ReceiveStartupMessage(); err != nil || silent.Load() {
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for b.Flush() == nil {
		message, err := b.Receive()
		if err != nil {
			return
		}
		if _, isQuery := message.(*pgproto3.Query); isQuery && !silent.Load() {
			b.Send(&pgproto3.EmptyQueryResponse{})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn) // never closed: a network that drops packets sends nothing
		}
	}()
	pool := must(pgxpool.New(ctx, "postgres://u@"+listener.Addr().String()+"/d?sslmode=disable&pool_max_conns=1"))
	used := must(pool.Acquire(ctx))
	must(used.Conn().PgConn().Exec(ctx, "").ReadAll())

	silent.Store(true)
	limited, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	_, err := used.Conn().PgConn().Exec(limited, "").ReadAll()
	cancel()
	if err == nil {
		panic("a silent server answered")
	}
	used.Release()
	pool.Reset()
	silent.Store(false) // the database is back

	began := time.Now()
	again := must(pool.Acquire(ctx))
	must(again.Conn().PgConn().Exec(ctx, "").ReadAll())
	if time.Since(began) > 5*time.Second {
		fmt.Println("late")
	} else {
		fmt.Println("early")
	}
}
GO
seen=$(go run .)
echo "pgx v5.12.0: after Reset, a connection is available: expected $expected, seen $seen (late: after 5 s or more)"
[ "$seen" = "$expected" ]
