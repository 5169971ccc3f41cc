#!/bin/sh
# Runs after installation and upgrade. Debian passes "configure" and the version that was
# configured before, also if that was removed without "apt purge". RPM passes the number of
# installed versions.
set -e

if ! getent passwd overdue >/dev/null; then
	if command -v systemd-sysusers >/dev/null 2>&1; then
		systemd-sysusers /usr/lib/sysusers.d/overdue.conf
	else
		getent group overdue >/dev/null || groupadd --system overdue
		useradd --system --gid overdue --home-dir /var/lib/overdue --shell /usr/sbin/nologin overdue
	fi
fi
install -d -o overdue -g overdue -m 0700 /var/lib/overdue
if [ -e /etc/overdue/overdue.yaml ]; then
	chgrp overdue /etc/overdue/overdue.yaml
	chmod 0640 /etc/overdue/overdue.yaml
fi

command -v systemctl >/dev/null 2>&1 || exit 0
case "$1 $2" in
"configure " | "1 ") first=yes ;;
*) first= ;;
esac
# Also in an image that is being built, where systemd does not run.
if [ -n "$first" ] && ! systemctl enable overdue.socket overdue.service; then
	first= # an administrator has masked the units, and they stay masked
	echo "Overdue is not enabled. Find the cause: systemctl status overdue.socket overdue.service" >&2
fi
[ -d /run/systemd/system ] || exit 0

systemctl daemon-reload
failed=
if systemctl is-enabled --quiet overdue.socket && ! systemctl is-active --quiet overdue.socket; then
	systemctl stop overdue.service # systemd does not start the socket of a running service
	systemctl start overdue.socket || failed=yes
fi
if systemctl is-enabled --quiet overdue.service; then
	systemctl restart overdue.service || failed=yes
else
	systemctl try-restart overdue.service || failed=yes
fi
if [ -n "$failed" ]; then
	# The installation succeeds: the operator corrects the cause, such as a port in use, and starts it.
	echo "Overdue did not start. Find the cause: systemctl status overdue.socket overdue.service; journalctl -u overdue" >&2
elif [ -n "$first" ]; then
	echo "Overdue is running on port 8080. The link that creates the owner: journalctl -u overdue"
fi
