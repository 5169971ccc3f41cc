#!/bin/sh
# supercronic treats a job as running until its output is closed. If the job exited with 0 and left a process in the background that
# keeps standard output open, no further run starts ("job is still running"). cron starts the next run in time.
# Why it matters: the job succeeds and pings, but its later runs do not start, and Overdue correctly reports them as missed. Such a job
# must close the output of its background processes (>/dev/null 2>&1 &), with and without overdue run.
# Version: supercronic 0.2.33. Seen 2026-11-29.
set -eu
want="${EXPECT:-output kept: 1 start, skipped since still running
output closed: several starts}"
dir=$(mktemp -d)
left() { for file in "$dir"/pid.*; do test ! -s "$file" || kill "$(cat "$file")" 2>/dev/null || :; done; }
trap 'left; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
GOFLAGS=-modcacherw GOPATH="$dir/go" GOBIN="$dir" go install github.com/aptible/supercronic@v0.2.33 >log 2>&1 || { cat log; exit 1; }
watch() { # name, what the background process does with its output
	cat > "tab.$1" <<TAB
* * * * * * * sleep 60 $2 & echo \$! > $dir/pid.$1.\$\$; echo ended
TAB
	timeout -s INT 7 ./supercronic "tab.$1" > "log.$1" 2>&1 & runs=$!
	sleep 6
	starts=$(grep -c 'msg=ended' "log.$1") || :
	skipped=$(grep -c 'not starting: job is still running' "log.$1") || :
	left # now the scheduler can stop
	wait $runs || :
	case "$starts $skipped" in
	"1 "[1-9]*) echo "output $1: 1 start, skipped since still running" ;;
	[2-9]" 0") echo "output $1: several starts" ;;
	*) echo "output $1: $starts starts, $skipped skipped" ;;
	esac
}
seen=$(watch kept ''; watch closed '>/dev/null 2>&1')
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
