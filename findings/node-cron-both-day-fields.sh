#!/bin/sh
# node-cron runs "0 0 13 * 5" only on a Friday the 13th: both day fields must match. croner and the package cron run it on
# every 13th and every Friday, as crontab(5) specifies.
# Why it matters: the line has five fields, so Overdue accepts it and expects the runs of crontab(5). A node-cron job would be
# reported as missed. For a line with six fields that restricts both days, Overdue makes no suggestion.
# Versions: node-cron 4.6.0, croner 11.0.1, cron 4.4.0. Seen 2026-11-29.
set -eu
want="${EXPECT:-node-cron 2027-08-13
croner 2027-02-05
cron 2027-02-05}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --no-audit --no-fund --silent node-cron@4.6.0 croner@11.0.1 cron@4.4.0 >log 2>&1 || { cat log; exit 1; }
cat > run.mjs <<'JS'
import nodeCron from "node-cron";
import { Cron } from "croner";
import { CronTime } from "cron";
import { DateTime } from "luxon";
const line = "0 0 13 * 5", from = new Date("2027-01-30T12:00:00Z"), day = (d) => d.toISOString().slice(0, 10);
const task = nodeCron.createTask(line, () => {}, { timezone: "UTC" });
console.log("node-cron", day((task.timeMatcher ?? task.runner.timeMatcher).getNextMatch(from)));
console.log("croner", day(new Cron(line, { timezone: "UTC" }).nextRun(from)));
console.log("cron", day(new CronTime(line, "UTC").getNextDateFrom(DateTime.fromJSDate(from, { zone: "UTC" }), "UTC").toJSDate()));
process.exit(0);
JS
seen=$(TZ=UTC node run.mjs)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
