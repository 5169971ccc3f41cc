#!/bin/sh
# Installs, upgrades over data, removes, reinstalls and purges the .deb in a separate Debian with
# systemd as its first process, and prints each result. Fails at the first unexpected one.
#
#   make dist && packaging/try-deb.sh [dist]
#
# Needs root and Debian with debootstrap and systemd-container. Not part of the tests: it
# downloads a base system and takes about two minutes. Everything is in a temporary folder.
set -eu
cd "$(dirname "$0")/.."

dist=$(cd "${1:-dist}" && pwd)
old=$(ls "$dist"/overdue_*_linux_"$(dpkg --print-architecture)".deb)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM

# The next version has the same content: only its number is higher.
mkdir "$dir/next"
dpkg-deb --raw-extract "$old" "$dir/next"
sed -i 's/^Version: .*/Version: 9999.0.0/' "$dir/next/DEBIAN/control"
dpkg-deb --root-owner-group --build "$dir/next" "$dir/next.deb" >/dev/null

mirror=$(apt-get indextargets --format '$(SITE)' | grep '/debian$' | head -n 1)
echo "installing a base system from $mirror"
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,curl bookworm "$dir/root" "$mirror" >"$dir/debootstrap.log" 2>&1 ||
	{ tail "$dir/debootstrap.log"; exit 1; }
mkdir "$dir/root/try"
cp "$old" "$dir/root/try/old.deb"
cp "$dir/next.deb" "$dir/root/try/next.deb"
cat >"$dir/root/etc/systemd/system/try.service" <<'UNIT'
[Unit]
After=basic.target network.target
[Service]
Type=oneshot
StandardOutput=file:/try/log
StandardError=file:/try/log
ExecStart=/bin/sh /try/steps.sh
ExecStopPost=/bin/systemctl --no-block poweroff
TimeoutStartSec=300
[Install]
WantedBy=multi-user.target
UNIT
ln -s ../try.service "$dir/root/etc/systemd/system/multi-user.target.wants/try.service"

cat >"$dir/root/try/steps.sh" <<'STEPS'
set -eu
cd /try
say() { echo "ok    $*"; }
fail() { echo "FAIL  $*"; journalctl --no-pager -u overdue | tail -n 30; exit 1; }
ready() { i=0; until overdue health >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 100 ] || fail "the server did not become ready"; sleep 0.2; done; }
api() { curl -sS --fail-with-body -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }

dpkg -i old.deb >/dev/null
ready
say "installed and running: $(overdue version)"
want=$(dpkg-query -W -f '${Version}' overdue | tr '~' -)
overdue version | grep -qF "overdue v$want (" || fail "the package has version $want, the program: $(overdue version)"
[ "$(stat -c '%U %a' /var/lib/overdue)" = "overdue 700" ] || fail "state directory: $(stat -c '%U %a' /var/lib/overdue)"
[ "$(stat -c '%G %a' /etc/overdue/overdue.yaml)" = "overdue 640" ] || fail "configuration: $(stat -c '%G %a' /etc/overdue/overdue.yaml)"
say "the service runs as $(ps -o user= -C overdue 2>/dev/null || stat -c %U /proc/"$(systemctl show -P MainPID overdue)"), its data is readable by it alone"
systemd-analyze verify --man=no /usr/lib/systemd/system/overdue.service /usr/lib/systemd/system/overdue.socket || fail "systemd-analyze verify"
say "systemd-analyze verify has no complaint"
systemd-analyze security --threshold=20 --no-pager overdue.service >security.log || fail "$(tail -n 1 security.log)"
say "systemd-analyze security: $(tail -n 1 security.log)"
journalctl --no-pager -u overdue | grep -q 'http.*/setup' || fail "no setup link in the journal"
[ -s /usr/share/man/man1/overdue.1.gz ] || [ -e /etc/dpkg/dpkg.cfg.d/excludes ] || fail "no manual page"

echo '# changed by the operator' >>/etc/overdue/overdue.yaml
key=$(runuser -u overdue -- overdue api-key create --config /etc/overdue/overdue.yaml --name try)
id=$(api -d '{"name": "backup", "interval": "1h", "grace": "5m"}' http://localhost:8080/api/v1/heartbeats | grep -o '"id":"[^"]*"' | head -n 1 | cut -d'"' -f4)
[ -n "$id" ] || fail "no heartbeat"

# Pings without a pause during the upgrade: the socket unit holds the port, so none is lost.
( sent=0 lost=0
  while [ ! -e stop ]; do
	sent=$((sent + 1))
	curl -sS -o /dev/null --fail -X POST "http://localhost:8080/api/v1/hb/$id" 2>>curl.log || lost=$((lost + 1))
  done
  echo "$sent $lost" >pings ) &
sleep 1
dpkg -i next.deb >/dev/null
ready
sleep 1
touch stop
wait
read -r sent lost <pings
[ "$lost" = 0 ] || fail "$lost of $sent pings were lost during the upgrade: $(sort curl.log | uniq -c)"
dpkg-query -W -f '${Version}' overdue | grep -q 9999 || fail "the version did not change"
api http://localhost:8080/api/v1/heartbeats | grep -q '"status":"up"' || fail "the heartbeat is gone"
grep -q 'changed by the operator' /etc/overdue/overdue.yaml || fail "the configuration was overwritten"
say "upgraded over data: $sent pings during the upgrade, $lost lost; configuration and heartbeat are still there"

# The same during a reload, which restarts the program in place, and while the service is restarted.
rm stop
( sent=0 lost=0
  while [ ! -e stop ]; do
	sent=$((sent + 1))
	curl -sS -o /dev/null --fail -X POST "http://localhost:8080/api/v1/hb/$id" 2>>curl.log || lost=$((lost + 1))
  done
  echo "$sent $lost" >pings ) &
sleep 1
before=$(systemctl show -P MainPID overdue)
systemctl reload overdue || fail "systemctl reload"
sleep 5
[ "$(systemctl show -P MainPID overdue)" = "$before" ] && systemctl is-active -q overdue || fail "the reload changed the process"
[ "$(journalctl --no-pager -u overdue | grep -c 'restart complete')" = 1 ] || fail "the reload did not restart the program"
say "status after the reload: $(systemctl show -P StatusText overdue)"
systemctl restart overdue
ready
sleep 1
touch stop
wait
read -r sent lost <pings
[ "$lost" = 0 ] || fail "$lost of $sent pings were lost during a reload and a restart: $(sort curl.log | uniq -c)"
say "reloaded and restarted: $sent pings meanwhile, $lost lost; the watchdog is set to $(systemctl show -P WatchdogUSec overdue)"
before=$(systemctl show -P NRestarts overdue) began=$(date +%s)
kill -STOP "$(systemctl show -P MainPID overdue)"
until [ "$(systemctl show -P NRestarts overdue)" -gt "$before" ]; do [ $(($(date +%s) - began)) -lt 180 ] || fail "the watchdog did not restart a stopped process"; sleep 1; done
ready
say "a process that hangs was restarted by the watchdog after $(($(date +%s) - began)) s"
echo 'unknown-setting: 1' >>/etc/overdue/overdue.yaml
systemctl reload overdue 2>/dev/null && fail "a reload with an invalid configuration succeeds"
overdue health >/dev/null || fail "a failed reload ended the server"
sed -i '/unknown-setting/d' /etc/overdue/overdue.yaml
say "a reload with an invalid configuration fails, and the server continues"

dpkg -r overdue >/dev/null 2>&1
systemctl is-active -q overdue.service overdue.socket && fail "still running after removal"
[ -s /var/lib/overdue/overdue.db ] || fail "removal deleted the data"
say "removed: nothing runs, the data stays"
dpkg -i next.deb >/dev/null
ready
api http://localhost:8080/api/v1/heartbeats | grep -q '"status":"up"' || fail "the heartbeat is gone"
grep -q 'changed by the operator' /etc/overdue/overdue.yaml || fail "the configuration was overwritten"
say "installed again: runs with the same data and configuration"
systemctl disable -q --now overdue.socket overdue.service
dpkg -i next.deb >/dev/null
systemctl is-active -q overdue.service overdue.socket && fail "an upgrade started the disabled service"
say "upgraded while disabled: stays stopped"
rm /etc/overdue/overdue.yaml
dpkg -i next.deb >/dev/null || fail "no upgrade without the configuration file"
say "upgraded after the configuration file was deleted: the package accepts it"
dpkg -r overdue >/dev/null 2>&1
dpkg -P overdue >/dev/null 2>&1
[ ! -e /var/lib/overdue ] && [ ! -e /etc/overdue/overdue.yaml ] && ! getent passwd overdue >/dev/null || fail "purge left something"
[ -z "$(find /etc /usr /var/lib -name '*overdue*' -not -path '/var/lib/systemd/*' -print)" ] || fail "purge left $(find /etc /usr /var/lib -name '*overdue*' -print)"
say "purged: data, configuration and user are gone"

perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 1, ReuseAddr => 1) or die; sleep 60' &
sleep 1
dpkg -i old.deb >port.log 2>&1 || fail "no installation while the port is in use: $(cat port.log)"
grep -q 'Overdue did not start' port.log || fail "no message that the port is in use: $(cat port.log)"
kill $!
dpkg -i next.deb >port.log 2>&1 || fail "$(cat port.log)"
ready
systemctl is-active -q overdue.socket || fail "the socket does not run"
grep -q 'did not start' port.log && fail "$(cat port.log)"
dpkg -P overdue >/dev/null 2>&1
say "installed while the port was in use, upgraded when it was free: runs"
touch passed
STEPS

timeout 400 systemd-nspawn -q --register=no --keep-unit --private-network -D "$dir/root" --boot >"$dir/boot.log" 2>&1 || true
cat "$dir/root/try/log"
[ -e "$dir/root/try/passed" ]
