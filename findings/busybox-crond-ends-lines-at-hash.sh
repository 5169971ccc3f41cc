#!/bin/sh
# busybox crond ends a crontab line at a #, even inside quotes: the shell gets an unterminated quote and the job does nothing.
# Debian's cron passes the # to the shell.
# Why it matters: Overdue puts the command in quotes, so a command with a comment that ran before would no longer run.
# Versions: busybox-static 1:1.35.0-4+deb12u1+b1, cron 3.0pl1-162. Seen 2026-11-29. Needs root; takes 70 seconds.
set -eu
want="${EXPECT:-busybox: comment
cron: comment quoted#hash}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for pkg in cron=3.0pl1-162 busybox-static=1:1.35.0-4+deb12u1+b1; do
	apt-get -q download "$pkg" >log 2>&1 || { cat log; exit 1; }
done
for deb in *.deb; do dpkg-deb -x "$deb" .; done
daemon() {
	mkdir -p "$1/crontabs" "$1/out"
	printf '* * * * * touch %s/out/comment # and this\n* * * * * touch "%s/out/quoted#hash"\n' "$dir/$1" "$dir/$1" > "$1/crontabs/root"
	chmod 600 "$1/crontabs/root"
	timeout -s KILL 65 unshare -m -p -f --mount-proc --kill-child sh -ec "
		mount --make-rprivate /
		mount -t tmpfs none /var/spool
		mkdir /var/spool/cron
		mount --bind $dir/$1 /var/spool/cron
		mount -t tmpfs none /run
		[ ! -d /etc/cron.d ] || mount -t tmpfs none /etc/cron.d
		[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
		$2" > "$1/log" 2>&1 || true
}
daemon cron "exec $dir/usr/sbin/cron -f" &
daemon busybox "exec $dir/bin/busybox crond -f" &
wait
seen=$(for name in busybox cron; do echo "$name:" $(ls "$name/out"); done)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
