#!/bin/sh
# Sends alerts through real mail servers of Debian and prints a table of the results.
#
#   e2e/mail/run.sh                     all servers: postfix exim4 opensmtpd
#   e2e/mail/run.sh exim4               one of them
#
# Needs root (namespaces, an overlay over /), Debian with apt, go, curl, openssl. Each server is installed into an
# overlay of the file system in private namespaces, with no network except its loopback interface; nothing on the
# machine changes. Not part of the tests: it downloads packages and takes about a minute for each server.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
servers=${*:-postfix exim4 opensmtpd}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

packages() {
	case $1 in
	postfix) echo "postfix libsasl2-modules sasl2-bin" ;;
	exim4) echo "exim4-daemon-light" ;;
	opensmtpd) echo "opensmtpd" ;;
	*) echo "unknown server $1" >&2; exit 2 ;;
	esac
}

(cd "$here/../.." && go build -o "$dir/overdue" .)

for server in $servers; do
	mkdir -p "$dir/$server/debs/partial" "$dir/$server/up" "$dir/$server/work" "$dir/$server/root"
	# shellcheck disable=SC2046 # a list of packages
	apt-get install -y --download-only -o Debug::NoLocking=1 -o APT::Sandbox::User=root --no-install-recommends -o Dir::Cache::archives="$dir/$server/debs" $(packages "$server") >/dev/null
	mkdir "$dir/$server/up/mailtest"
	cp "$dir/overdue" "$here/inside.sh" "$here/$server.sh" "$dir/$server/debs"/*.deb "$dir/$server/up/mailtest/"
	unshare --mount --net --uts --pid --fork --kill-child sh -eu -c '
		mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
		mount -t proc proc "$1/root/proc"
		mount --rbind /dev "$1/root/dev"
		ip link set lo up
		hostname vm # as bare as the name of a container
		exec chroot "$1/root" sh ${TRACE:+-x} /mailtest/inside.sh "$2"
	' sh "$dir/$server" "$server"
done
