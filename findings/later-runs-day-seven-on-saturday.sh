#!/bin/sh
# The scheduler Bree parses cron lines with @breejs/later, which runs "0 0 * * 7" on Saturdays. In crontab(5), 7 is Sunday, like 0.
# Why it matters: Overdue accepts 0 and 7 as Sunday, according to crontab(5), so a weekly job of Bree that is written with 7 runs a
# day before Overdue expects it. Write 0.
# Version: @breejs/later 4.2.0. Seen 2026-11-29.
set -eu
want="${EXPECT:-7 is Saturday
0 is Sunday}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --no-audit --no-fund --silent @breejs/later@4.2.0 >log 2>&1 || { cat log; exit 1; }
cat > run.cjs <<'JS'
const later = require("@breejs/later");
const names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
for (const day of ["7", "0"]) {
  const next = later.schedule(later.parse.cron("0 0 * * " + day)).next(1, new Date("2027-02-01T12:00:00Z"));
  console.log(day, "is", names[next.getUTCDay()]);
}
process.exit(0);
JS
seen=$(TZ=UTC node run.cjs)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
