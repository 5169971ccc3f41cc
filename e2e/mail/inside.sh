# Runs inside the namespaces: installs one server, starts it, and sends mails through it.
# Each NAME.sh defines package_name, install_server, start_server and more_tries. The servers listen on:
#
#   25001 plain   25002 STARTTLS   25003 TLS from the first byte   25004 STARTTLS and sign-in
#   25005 rejects a greeting without a full name   25006 asks to wait   25007 takes at most 3000 bytes
#
# oncall@example.org has a mailbox, no-one@example.org does not exist.
set -eu
server=$1
cd /mailtest
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
rm -f /etc/resolv.conf && : > /etc/resolv.conf
echo '127.0.0.1 localhost mail.example.com vm
::1 localhost mail.example.com' > /etc/hosts
echo mail.example.com > /etc/mailname
useradd -m oncall
useradd -m sender && echo 'sender:pa-ss' | chpasswd

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=mail.example.com -keyout key.pem -out csr.pem 2>/dev/null
printf 'subjectAltName=DNS:mail.example.com,DNS:localhost,IP:127.0.0.1\n' > san
openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out cert.pem 2>/dev/null
chmod 644 key.pem

. "./$server.sh"
install_server >/mailtest/install.log 2>&1 || { tail -20 /mailtest/install.log; exit 1; }
version=$(dpkg-query -W -f '${Package} ${Version}' "$(package_name)")
start_server
sleep 2

# mails counts what oncall has.
mails() {
	find /home/oncall/Maildir/new -type f 2>/dev/null | wc -l
}

# settle waits until the number of mails is $1, at most 15 s.
settle() {
	n=0
	while [ "$(mails)" -lt "$1" ] && [ "$n" -lt 15 ]; do sleep 1; n=$((n + 1)); done
}

# try NAME URL RECIPIENTS: a test alert, an opened and a resolved one.
try() {
	name=$1 url=$2 to=$3
	rm -rf o.db* o.secret* run.log
	before=$(mails)
	./overdue serve --database o.db --listen 127.0.0.1:25999 --smtp-url "$url" --smtp-from alerts@example.org --smtp-ca ca.pem --log-format json 2> run.log >/dev/null &
	pid=$!
	api() { curl -sS -m 60 -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }
	n=0
	until curl -fsS http://127.0.0.1:25999/readyz >/dev/null 2>&1 || [ $n -gt 30 ]; do sleep 0.3; n=$((n + 1)); done
	key=$(./overdue api-key create --database o.db --name e2e 2>/dev/null | grep -o 'ovd_[A-Za-z0-9_-]*')
	base=http://127.0.0.1:25999/api/v1
	channel=$(api -d "{\"kind\":\"email\",\"name\":\"c\",\"settings\":{\"to\":[$to]}}" $base/channels | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4)
	test=$(api -X POST "$base/channels/$channel/test" | tr -d '\n')
	heartbeat=$(api -d '{"name":"Nightly backup","interval":"1h","description":"Runbook: https://wiki.example.org/backup"}' $base/heartbeats | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4)
	yes "a line of output of the job" | head -c 6000 | curl -sS --data-binary @- "$base/hb/$heartbeat/fail" >/dev/null
	sleep 1
	curl -sS -X POST "$base/hb/$heartbeat" >/dev/null
	expect=$((before + 3))
	settle "$expect"
	incident=$(api "$base/incidents?limit=1" | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4)
	state=$(api "$base/incidents/$incident" | grep -o '"\(outcome\|state\)":"[a-z_]*"' | cut -d'"' -f4 | sort | uniq -c | tr -s ' \n' ' ')
	kill "$pid"; wait "$pid" 2>/dev/null || true
	printf '%s | %s | %s mails | test: %s | incident: %s\n' "$version" "$name" "$(($(mails) - before))" \
		"$(echo "$test" | grep -o '"\(delivered\|status\|detail\)":[^,}]*' | cut -d: -f2- | tr '\n' ' ')" "$state"
	grep -h 'not delivering\|delivery failed' run.log | grep -o '"msg":"[^"]*"\|"reason":"[^"]*"' | tr '\n' ' ' | sed 's/^/    log: /;s/$/\n/' | grep -v '^    log: $' || true
}

try plain smtp+insecure://127.0.0.1:25001 '"oncall@example.org"'
try STARTTLS smtp://127.0.0.1:25002 '"oncall@example.org"'
try SMTPS smtps://mail.example.com:25003 '"oncall@example.org"'
try AUTH smtp://sender:pa-ss@127.0.0.1:25004 '"oncall@example.org"'
try IPv6 'smtp+insecure://[::1]:25001' '"oncall@example.org"'
try 'HELO restriction' smtp+insecure://127.0.0.1:25005 '"oncall@example.org"'
try 'asked to wait' smtp+insecure://127.0.0.1:25006 '"oncall@example.org"'
try 'one bad recipient' smtp+insecure://127.0.0.1:25001 '"oncall@example.org","no-one@example.org"'
try 'size limit 3000' smtp+insecure://127.0.0.1:25007 '"oncall@example.org"'
more_tries
