#!/bin/sh
# systemd-cron 2.5.1 creates a daily timer for "0 2 * * sun", and no timer for a line with the name of a month. With numbers, both
# are correct. Version 1.15.19 reads sun correctly, and reads nov as October.
# Why it matters: Overdue would expect a weekly run, and a job that runs every day would hide a missing run on Sunday.
set -eu
want="${EXPECT:-0 2 * * 0: Sun *-*-* 2:0:00
0 2 * * sun: Mon,Tue,Wed,Thu,Fri,Sat,Sun *-*-* 2:0:00
0 2 1 11 *: *-11-1 2:0:00
0 2 1 nov *: none}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p lists/partial cache/archives/partial cron.d out
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > sources.list
apt() {
	apt-get -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$dir/lists" \
		-o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root -qq "$@" >>log 2>&1 || { cat log; exit 1; }
}
apt update
apt download systemd-cron=2.5.1-2 libc6 libstdc++6 libgcc-s1 libmd0
for deb in *.deb; do dpkg-deb -x "$deb" .; done
lib=$dir/usr/lib/x86_64-linux-gnu
cat > lines <<'LINES'
0 2 * * 0
0 2 * * sun
0 2 1 11 *
0 2 1 nov *
LINES
while read -r line; do
	rm -rf out/*
	echo "$line root /bin/true" > cron.d/job
	unshare -m sh -ec "mount --make-rprivate /
		mount --bind $dir/cron.d /etc/cron.d
		[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
		mount -t tmpfs none /run
		mkdir /run/systemd
		$lib/ld-linux-x86-64.so.2 --library-path $lib $dir/usr/lib/systemd/system-generators/systemd-crontab-generator $dir/out" >>log 2>&1
	echo "$line: $(cat out/cron-job-*.timer 2>/dev/null | sed -n 's/^OnCalendar=//p' | grep . || echo none)"
done < lines > seen
seen=$(cat seen)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
