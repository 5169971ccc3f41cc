#!/bin/sh
# Runs after removal. The data stays in /var/lib/overdue; only "apt purge" removes it.
set -e

if [ "$1" = purge ]; then
	rm -f /etc/systemd/system/*.wants/overdue.service /etc/systemd/system/*.wants/overdue.socket
	rm -rf /var/lib/overdue
	if getent passwd overdue >/dev/null; then
		userdel overdue
	fi
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
