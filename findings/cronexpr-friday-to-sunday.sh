#!/bin/sh
# The cronexpr of Nomad accepts "fri-sun" in the day of week and runs on Friday and Saturday, but not on Sunday. The older gorhill
# version accepts it and never runs.
# Why it matters: Overdue rejects the range and suggests 5-7, which is the intended meaning but differs from both programs.
# Versions: hashicorp/cronexpr 1.1.3, gorhill/cronexpr 0.0.0-20180427100037. Seen 2026-11-29.
set -eu
want="${EXPECT:-nomad Fri Sat Fri Sat
gorhill never}"
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"time"

	old "github.com/gorhill/cronexpr"
	nomad "github.com/hashicorp/cronexpr"
)

func main() {
	const line = "0 0 * * fri-sun"
	at := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	fmt.Print("nomad")
	for next, n := nomad.MustParse(line).Next(at), 0; n < 4; next, n = nomad.MustParse(line).Next(next), n+1 {
		fmt.Print(" ", next.Format("Mon"))
	}
	fmt.Println()
	if old.MustParse(line).Next(at).IsZero() {
		fmt.Println("gorhill never")
	}
}
GO
{
	go mod init finding
	go get github.com/hashicorp/cronexpr@v1.1.3 github.com/gorhill/cronexpr@v0.0.0-20180427100037-88b0669f7d75
} >log 2>&1 || { cat log; exit 1; }
seen=$(go run .)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
