#!/bin/sh
# Uptime Kuma waits a whole interval after each start before it checks a push monitor, however old the last push is. If it is
# restarted more often than the interval, a job that no longer pushes stays up and no one is notified.
# Why it matters: in Overdue, deadlines are rows and survive restarts. A job that moves to Overdue can turn out to have stopped long ago.
# Versions: uptime-kuma 2.0.0-dev.0 (the only one on npm), with seconds instead of days. Seen 2026-11-30. Needs npm, a C++ compiler
# and the headers of Node.js, and takes 4 to 12 minutes.
set -eu
want="${EXPECT:-restarted every 10 s, more than two intervals after the last push: up
25 s later without a restart: down}"
dir=$(mktemp -d) pid= port=$((20000 + $$ % 10000))
trap 'test -z "$pid" || kill $pid 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >log 2>&1
npm install --ignore-scripts --no-audit --no-fund --silent uptime-kuma@2.0.0-dev.0 socket.io-client@4.6.1 >>log 2>&1 || { cat log; exit 1; }
npm rebuild @louislam/sqlite3 --build-from-source --nodedir="$(node -p 'path.dirname(path.dirname(process.execPath))')" >>log 2>&1 || { cat log; exit 1; }
cp node_modules/uptime-kuma/db/patch-*.sql node_modules/uptime-kuma/db/old_migrations/ # the package has them in the wrong folder
start() {
  cd "$dir/node_modules/uptime-kuma"
  UPTIME_KUMA_DB_TYPE=sqlite DATA_DIR="$dir/data/" UPTIME_KUMA_HOST=127.0.0.1 UPTIME_KUMA_PORT=$port node server/server.js >>"$dir/log" 2>&1 &
  pid=$!
  cd "$dir"
  for _ in $(seq 300); do curl -sf -o /dev/null "http://127.0.0.1:$port/api/entry-page" && return; sleep 0.1; done
  cat log; exit 1
}
stop() { kill $pid; wait $pid || true; pid=; }
status() { # of the newest event of the monitor
  node -e 'const d = new (require("@louislam/sqlite3").Database)("data/kuma.db");
    d.get("SELECT status FROM heartbeat ORDER BY time DESC LIMIT 1", (e, row) => console.log(e ?? ["down", "up", "pending"][row.status]));'
}
cat > setup.cjs <<'JS'
const socket = require("socket.io-client").io(process.argv[2], { transports: ["websocket"] });
const call = (...args) => new Promise((done) => socket.emit(...args, done));
socket.on("connect", async () => {
  await call("setup", "admin", "Passw0rd-of-1-test");
  await call("login", { username: "admin", password: "Passw0rd-of-1-test", token: "" });
  const added = await call("add", { type: "push", name: "backup", interval: 20, retryInterval: 20, resendInterval: 0, maxretries: 0,
    timeout: 16, pushToken: "0123456789abcdef0123456789abcdef", notificationIDList: {}, accepted_statuscodes: ["200-299"],
    kafkaProducerBrokers: [], kafkaProducerSaslOptions: { mechanism: "None" } });
  process.exit(added.ok ? 0 : 1);
});
JS
mkdir data
start
node setup.cjs "http://127.0.0.1:$port"
curl -sf "http://127.0.0.1:$port/api/push/0123456789abcdef0123456789abcdef?status=up&msg=OK" >>log
for _ in 1 2 3 4 5; do sleep 10; stop; start; done
seen="restarted every 10 s, more than two intervals after the last push: $(status)"
sleep 25
seen="$seen
25 s later without a restart: $(status)"
stop
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
