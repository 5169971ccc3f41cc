#!/bin/sh
# Runs before removal (Debian passes "remove", RPM passes 0), and before an upgrade, when it does nothing.
set -e

case "$1" in remove | 0) ;; *) exit 0 ;; esac
if [ -d /run/systemd/system ]; then
	systemctl stop overdue.service overdue.socket
fi
# Debian keeps the configuration until "apt purge", and with it which units are enabled.
if [ "$1" = 0 ] && command -v systemctl >/dev/null 2>&1; then
	systemctl disable overdue.service overdue.socket
fi
