#!/bin/sh
# A script reports its exit code with "trap '... $? ...' EXIT", and SIGTERM ends it while it runs. bash and ksh93 run the trap with $? = 0,
# although the script does not exit with 0. mksh runs the trap with 143. dash, BusyBox and zsh do not run it.
# Why it matters: with the common "trap 'curl URL/$?' EXIT", a job that was stopped is silently reported as a success. The script that
# Overdue prints uses the exit code of a subshell instead of such a trap.
# Versions: Debian 12, bash 5.2.15, dash 0.5.12, busybox 1.35.0, mksh 59c, zsh 5.9, ksh93u+m 1.0.4. Seen 2026-11-29.
set -eu
want="${EXPECT:-bash: trap saw 0, exit code 143
dash: exit code 143
busybox: exit code 143
mksh: trap saw 143, exit code 0
zsh: exit code 143
ksh93: trap saw 0, exit code 15}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
apt-get download -q bash dash busybox mksh zsh zsh-common ksh93u+m >log 2>&1 || { cat log; exit 1; }
for deb in *.deb; do dpkg-deb -x "$deb" root; done
cat > job <<'SH'
trap 'printf "trap saw %s, " $?' EXIT
sleep 1
SH
report() {
	name=$1
	shift
	"$@" job > said 2>/dev/null &
	sleep 0.5
	kill -TERM $!
	code=0
	wait $! 2>/dev/null || code=$?
	echo "$name: $(cat said)exit code $code"
}
seen=$(for name in bash dash busybox mksh zsh ksh93; do
	program=$(find root/bin root/usr/bin -type f \( -name "$name" -o -name "${name}*" ! -name "*bug" ! -name "*static" \) -perm -100 2>/dev/null | sort | head -n 1)
	if [ "$name" = busybox ]; then set -- sh; else set --; fi
	report "$name" "$program" "$@"
done)
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
