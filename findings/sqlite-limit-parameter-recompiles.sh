#!/bin/sh
# SQLite compiles a prepared statement again each time the value bound to a plain LIMIT ? changes, also the first time, although
# no index and no WHERE clause depends on it. Its documentation says so only of parameters in a WHERE clause
# (https://www.sqlite.org/c3ref/prepare.html). With LIMIT CAST(? AS INTEGER), it does not. SQLite 3.40.1 does not, either.
# Why it matters: Overdue claims alerts with a limit that changes with each run, so its statement has a CAST. A program that
# upgrades SQLite prepares statements again that it prepared once. sqlite3_stmt_status counts the compilations.
# Versions: modernc.org/sqlite v1.61.1, which contains SQLite 3.54.1, translated to Go. Needs: go. Seen 2026-11-30.
set -eu
expected=${EXPECT:-10 limits 10, 10 limits with CAST 0, 10 times the same limit 1}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/modules" GOFLAGS="-mod=mod -modcacherw" GOWORK=off
cat > go.mod <<'MOD'
module finding

go 1.26.0

require modernc.org/sqlite v1.61.1
MOD
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// must ends the program if a call returns another code.
func must(got, want int32) {
	if got != want {
		panic(fmt.Sprint("code ", got))
	}
}

// prepare prepares a statement.
func prepare(tls *libc.TLS, db uintptr, text string) (statement uintptr) {
	c, err := libc.CString(text)
	if err != nil {
		panic(err)
	}
	must(lib.Xsqlite3_prepare_v2(tls, db, c, -1, uintptr(unsafe.Pointer(&statement)), 0), lib.SQLITE_OK)
	return statement
}

// recompiled runs a statement with ten limits, and returns how often it was compiled again.
func recompiled(tls *libc.TLS, db uintptr, text string, limit func(i int64) int64) int32 {
	s := prepare(tls, db, text)
	for i := range int64(10) {
		must(lib.Xsqlite3_bind_int64(tls, s, 1, limit(i)), lib.SQLITE_OK)
		must(lib.Xsqlite3_step(tls, s), lib.SQLITE_ROW)
		must(lib.Xsqlite3_reset(tls, s), lib.SQLITE_OK)
	}
	return lib.Xsqlite3_stmt_status(tls, s, lib.SQLITE_STMTSTATUS_REPREPARE, 0)
}

func main() {
	tls := libc.NewTLS()
	var db uintptr
	name, err := libc.CString(":memory:")
	if err != nil {
		panic(err)
	}
	must(lib.Xsqlite3_open(tls, name, uintptr(unsafe.Pointer(&db))), lib.SQLITE_OK)
	must(lib.Xsqlite3_step(tls, prepare(tls, db, "CREATE TABLE t (a INTEGER PRIMARY KEY)")), lib.SQLITE_DONE)
	must(lib.Xsqlite3_step(tls, prepare(tls, db, "INSERT INTO t VALUES (1), (2)")), lib.SQLITE_DONE)
	changing := func(i int64) int64 { return 10 + i }
	same := func(int64) int64 { return 10 }
	fmt.Fprintln(os.Stderr, "SQLite", libc.GoString(lib.Xsqlite3_libversion(tls)))
	fmt.Printf("10 limits %d, 10 limits with CAST %d, 10 times the same limit %d\n",
		recompiled(tls, db, "SELECT a FROM t ORDER BY a LIMIT ?", changing),
		recompiled(tls, db, "SELECT a FROM t ORDER BY a LIMIT CAST(? AS INTEGER)", changing),
		recompiled(tls, db, "SELECT a FROM t ORDER BY a LIMIT ?", same))
}
GO
seen=$(go run .)
echo "modernc.org/sqlite v1.61.1: expected \"$expected\", seen \"$seen\""
[ "$seen" = "$expected" ]
