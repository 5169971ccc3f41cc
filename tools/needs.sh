#!/bin/sh
# Installs missing programs that the tests need, with apt-get on Debian, and
# prints their names. On other systems, it prints which programs to install.
set -eu

lacking=""
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null 2>&1 || lacking="$lacking postgresql"
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || lacking="$lacking pgbouncer"
# It installs a font too, because fontconfig depends on one.
command -v chromium >/dev/null 2>&1 || lacking="$lacking chromium"
# e2e/cron needs Python for the generator of systemd-cron, and curl for edited jobs.
command -v python3 >/dev/null 2>&1 || lacking="$lacking python3"
command -v curl >/dev/null 2>&1 || lacking="$lacking curl"
command -v systemd-analyze >/dev/null 2>&1 || lacking="$lacking systemd"
# The printed code runs on these.
command -v crontab >/dev/null 2>&1 || lacking="$lacking cron"
for tool in curl wget busybox ruby perl; do
	[ -x /usr/bin/$tool ] || [ -x /bin/$tool ] || lacking="$lacking $tool"
done
[ -x /usr/bin/node ] || lacking="$lacking nodejs"
[ -x /usr/bin/php ] || lacking="$lacking php-cli"
/usr/bin/python3 -c "import requests" >/dev/null 2>&1 || lacking="$lacking python3-requests"

[ -n "$lacking" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
	echo "The tests need these programs, which this machine lacks:$lacking" >&2
	exit 1
fi
root=""
[ "$(id -u)" = 0 ] || root=sudo
echo "Installing what the tests need:$lacking"
$root apt-get update -qq
# Debian would create and start a cluster that the tests do not use.
$root mkdir -p /etc/postgresql-common/createcluster.d
echo "create_main_cluster = false" | $root tee /etc/postgresql-common/createcluster.d/overdue.conf >/dev/null
DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $lacking >/dev/null
