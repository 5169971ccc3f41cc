#!/bin/sh
# robfig/cron with seconds reads the six fields "0 3 * * * *" as second 0 of minute 3 of every hour. The cronexpr parsers of
# Nomad and supercronic read them as 03:00 every day of every year. Both accept the line.
# Why it matters: Overdue asks which meaning a line with six fields has. With a guess, it would expect the wrong hours.
# Versions: robfig/cron 3.0.1, hashicorp/cronexpr 1.1.3, supercronic 0.2.48. Seen 2026-11-29.
set -eu
want="${EXPECT:-robfig 01:03 02:03
nomad 03:00 03:00
supercronic 03:00 03:00}"
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"time"

	super "github.com/aptible/supercronic/cronexpr"
	nomad "github.com/hashicorp/cronexpr"
	"github.com/robfig/cron/v3"
)

func main() {
	const line = "0 3 * * * *"
	seconds, err := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(line)
	if err != nil {
		panic(err)
	}
	for _, p := range []struct {
		name string
		next func(time.Time) time.Time
	}{{"robfig", seconds.Next}, {"nomad", nomad.MustParse(line).Next}, {"supercronic", super.MustParse(line).Next}} {
		first := p.next(time.Date(2027, 1, 30, 0, 30, 0, 0, time.UTC))
		fmt.Println(p.name, first.Format("15:04"), p.next(first).Format("15:04"))
	}
}
GO
{
	go mod init finding
	go get github.com/robfig/cron/v3@v3.0.1 github.com/hashicorp/cronexpr@v1.1.3 github.com/aptible/supercronic@v0.2.48
} >log 2>&1 || { cat log; exit 1; }
seen=$(go run .)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
