#!/bin/sh
# Runs before removal ("remove", 0), and before an upgrade, when it does nothing.
set -e

if [ "$1" = remove ] || [ "$1" = 0 ]; then
	if [ -d /run/systemd/system ]; then
		systemctl disable --now overdue.service overdue.socket
	fi
fi
