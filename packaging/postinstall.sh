#!/bin/sh
# Runs after installation and upgrade, of the .deb ("configure") and of the .rpm (1 or 2).
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
chgrp overdue /etc/overdue/overdue.yaml
chmod 0640 /etc/overdue/overdue.yaml

[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
# $2 is the version that was configured before (Debian); $1 is the number of versions installed (RPM).
if { [ "$1" = configure ] && [ -n "$2" ]; } || { [ "$1" != configure ] && [ "$1" -gt 1 ] 2>/dev/null; }; then
	systemctl try-restart overdue.service
else
	systemctl enable overdue.socket overdue.service
	systemctl start overdue.socket overdue.service
	echo "Overdue is running on port 8080. The link that creates the owner: journalctl -u overdue"
fi
