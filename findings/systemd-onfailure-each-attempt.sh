#!/bin/sh
# A service with Restart=on-failure fails once and then succeeds. systemd 257 starts its OnFailure= unit after the failed attempt.
# systemd 252 starts its OnSuccess= unit when it begins the second attempt. Both start OnSuccess= if ExecCondition= skips the run.
# Why it matters: OnFailure= units, the usual advice for alerts, send an alert for an attempt that is repeated. OnSuccess= units report
# a success for a failure or a skipped run. So the drop-in of discover reports from ExecStopPost= by $SERVICE_RESULT, and the printed
# unit, which uses OnFailure=, requires RestartMode=direct if the service has Restart=.
# Versions: systemd 252 (Debian 12) and 257 (Debian 13), each as process 1 in separate namespaces; needs root. Seen 2026-11-29.
set -eu
want="${EXPECT:-252: success of skip, success after attempt 1, success after attempt 2
257: success of skip, failure after attempt 1, success after attempt 2}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# Uses the Debian mirror of this machine.
mirror=$(apt-get indextargets --format '$(SITE)' | grep '/debian$' | head -n 1)
mkdir lists lists/partial archives archives/partial none

# root RELEASE creates a small root directory with the systemd of that release.
root() {
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" > sources
	set -- -qq -o Dir::Etc::SourceList="$dir/sources" -o Dir::Etc::SourceParts="$dir/none" -o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir" -o APT::Sandbox::User=root
	apt-get "$@" update
	mkdir debs
	(cd debs && apt-get "$@" download systemd libsystemd-shared libsystemd0 libc6 libseccomp2 libapparmor1 libaudit1 libmount1 libpam0g \
		libselinux1 libcap2 libcrypt1 libblkid1 libkmod2 libacl1 libcap-ng0 libpcre2-8-0 liblzma5 libzstd1 libgcrypt20 libgpg-error0 liblz4-1 \
		zlib1g libip4tc2 coreutils dash libattr1 libgmp10 "$ssl")
	mkdir root
	for deb in debs/*.deb; do dpkg -x "$deb" root; done
	rm -r debs
	for name in bin sbin lib lib64; do
		[ -d "root/$name" ] && [ ! -h "root/$name" ] && cp -a "root/$name/." "root/usr/$name/" 2>/dev/null || mkdir -p "root/usr/$name"
		rm -rf "root/${name:?}" && ln -s "usr/$name" "root/$name"
	done
	ln -sf dash root/usr/bin/sh
	mkdir -p root/proc root/sys root/dev root/run root/tmp root/old root/etc/systemd/system
	echo root:x:0:0::/:/bin/sh > root/etc/passwd
	echo root:x:0: > root/etc/group
	echo 0123456789abcdef0123456789abcdef > root/etc/machine-id
}

# units writes the two services, and for each a unit for success and a unit for failure.
units() {
	u=root/etc/systemd/system
	printf '[Unit]\nDefaultDependencies=no\nWants=retry.service skip.service\n' > $u/lab.target
	for name in retry skip; do
		printf '[Unit]\nDefaultDependencies=no\nOnSuccess=success-%s.service\nOnFailure=failure-%s.service\n[Service]\nType=oneshot\n' $name $name > $u/$name.service
	done
	for end in success failure; do
		printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n' | tee $u/$end-retry.service > $u/$end-skip.service
		echo "ExecStart=/bin/sh -c 'echo $end of skip >> /skipped'" >> $u/$end-skip.service
		echo "ExecStart=/bin/sh -c 'n=1; if [ -e /second ]; then n=2; fi; echo $end after attempt \$\$n >> /attempts'" >> $u/$end-retry.service
	done
	printf 'ExecCondition=/bin/false\nExecStart=/bin/true\n' >> $u/skip.service
	printf 'Restart=on-failure\nRestartSec=1\nExecStart=/bin/sh -c "if [ -e /first ]; then sleep 10; : > /second; else : > /first; exit 1; fi"\n' >> $u/retry.service
}

# boot starts systemd as process 1 and stops it with its namespaces after the second attempt.
boot() {
	cat > boot <<'SH'
mount --make-rprivate /
mount --bind root root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs tmpfs root/run
mount -t sysfs sysfs root/sys
mount -t cgroup2 cgroup2 root/sys/fs/cgroup
cd root && pivot_root . old
exec env -i container=unshare SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 PATH=/usr/bin:/bin:/usr/sbin /usr/lib/systemd/systemd --unit=lab.target --log-target=null --show-status=no
SH
	unshare --mount --pid --fork --kill-child --uts --ipc --cgroup sh -eu boot > log 2>&1 &
	tries=0
	until grep -qs 'attempt 2' root/attempts || [ $tries = 90 ]; do
		sleep 1
		tries=$((tries + 1))
	done
	kill -KILL $!
	wait $! 2>/dev/null || true
}

seen=""
for pair in bookworm:252:libssl3 trixie:257:libssl3t64; do
	release=${pair%%:*} ssl=${pair##*:} version=${pair#*:}
	version=${version%:*}
	root "$release"
	units
	boot
	seen="$seen$version: $(cat root/skipped root/attempts | sed '$!s/$/, /' | tr -d '\n')
"
	rm -rf root
done
seen=${seen%?}
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
