#!/bin/sh
# In a crontab command, an unescaped % ends the command for Debian's cron, and the rest is standard input, as crontab(5) specifies.
# bcron and busybox crond pass the whole text to the shell, so "cat > out%hello" creates an empty file named out%hello.
# Why it matters: Overdue wraps the command and keeps the input after it. If the daemon has no such input, that would truncate the command.
# Versions: cron 3.0pl1-162, bcron 0.11-19, busybox-static 1:1.35.0-4+deb12u1+b1. Seen 2026-11-29. Needs root; takes 70 seconds.
set -eu
want="${EXPECT:-cron out: hello
bcron out%hello: empty
busybox out%hello: empty}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
for pkg in cron=3.0pl1-162 bcron=0.11-19 libbg2=2.04+dfsg-2.1 busybox-static=1:1.35.0-4+deb12u1+b1; do
	apt-get -q download "$pkg" >log 2>&1 || { cat log; exit 1; }
done
for deb in *.deb; do dpkg-deb -x "$deb" .; done
# daemon NAME COMMAND runs the daemon for 65 seconds in a namespace with only the crontab of root, so that no job of this machine runs.
daemon() {
	mkdir -p "$1/spool/crontabs" "$1/out"
	echo "* * * * * cd $dir/$1/out && cat > out%hello" > "$1/spool/crontabs/root"
	chmod 600 "$1/spool/crontabs/root"
	timeout -s KILL 65 unshare -m -p -f --mount-proc --kill-child sh -ec "
		mount --make-rprivate /
		mount -t tmpfs none /var/spool
		mkdir /var/spool/cron
		mount --bind $dir/$1/spool /var/spool/cron
		mount -t tmpfs none /run
		[ ! -d /etc/cron.d ] || mount -t tmpfs none /etc/cron.d
		[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
		$2" > "$1/log" 2>&1 || true
	for file in "$1"/out/*; do
		text=$(cat "$file")
		echo "$1 ${file##*/}: ${text:-empty}"
	done > "$1/seen"
}
daemon cron "exec $dir/usr/sbin/cron -f" &
daemon bcron "mkdir /var/spool/cron/tmp; mkfifo /var/spool/cron/trigger; chown -R nobody /var/spool/cron
	export BCRON_USER=nobody LD_LIBRARY_PATH=$dir/usr/lib PATH=$dir/usr/sbin:\$PATH; exec bcron-start" &
daemon busybox "exec $dir/bin/busybox crond -f" &
wait
seen=$(cat cron/seen bcron/seen busybox/seen)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
