#!/bin/sh
# OpenSMTPD of Debian 12 completes no TLS handshake, with RSA or ECDSA keys, with TLS 1.2 or 1.3: the client gets the alert
# "internal error" (80). The same certificate works with openssl s_server. The package does not document this.
# Why it matters: STARTTLS is required unless the URL starts with smtp+insecure://, so Overdue cannot send through this server.
# Version: opensmtpd 6.8.0p2-4+b4 (Debian 12), OpenSSL 3.0. Seen 2026-11-29. Needs: Debian 12 with apt, root for namespaces.
set -eu
want="${EXPECT:-opensmtpd rsa tls1_2: alert 80
opensmtpd rsa tls1_3: alert 80
opensmtpd ec tls1_2: alert 80
opensmtpd ec tls1_3: alert 80
s_server rsa tls1_2: verified
s_server ec tls1_3: verified}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/debs/partial" "$dir/up/t" "$dir/work" "$dir/root"
apt-get install -y --download-only --no-install-recommends -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
	-o Dir::Cache::archives="$dir/debs" opensmtpd=6.8.0p2-4+b4 >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
cp "$dir"/debs/*.deb "$dir/up/t"
cat > "$dir/up/t/inside.sh" <<'IN'
cd /t
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
echo '127.0.0.1 localhost mail.example.com' > /etc/hosts
echo mail.example.com > /etc/mailname
dpkg -i ./*.deb >install.log 2>&1
mkdir -p /var/empty
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mail.example.com -keyout rsa.key -out rsa.pem 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mail.example.com \
	-keyout ec.key -out ec.pem 2>/dev/null
chmod 600 rsa.key ec.key
shake() { # name, kind of key, version of TLS, port
	seen=$(echo QUIT | timeout 5 openssl s_client -connect "127.0.0.1:$4" "-$3" -CAfile "$2.pem" 2>&1 || true)
	case $seen in
	*"alert number 80"*) echo "$1 $2 $3: alert 80" ;;
	*"Verify return code: 0 (ok)"*) echo "$1 $2 $3: verified" ;;
	*) echo "$1 $2 $3: other" ;;
	esac
}
port=26001
for kind in rsa ec; do
	printf '%s\n' "pki mail.example.com cert \"/t/$kind.pem\"" "pki mail.example.com key \"/t/$kind.key\"" \
		"listen on 127.0.0.1 port $port smtps pki mail.example.com" 'action "local" maildir' \
		'match from local for domain "example.org" action "local"' > "$kind.conf"
	smtpd -d -f "/t/$kind.conf" >"$kind.log" 2>&1 &
	pid=$!
	sleep 2
	shake opensmtpd "$kind" tls1_2 $port
	shake opensmtpd "$kind" tls1_3 $port
	kill $pid
	wait $pid || true
	port=$((port + 1))
done
openssl s_server -accept 26003 -cert rsa.pem -key rsa.key -quiet >/dev/null 2>&1 &
openssl s_server -accept 26004 -cert ec.pem -key ec.key -quiet >/dev/null 2>&1 &
sleep 1
shake s_server rsa tls1_2 26003
shake s_server ec tls1_3 26004
IN
# shellcheck disable=SC2016 # the inner shell expands these
seen=$(unshare --mount --net --uts --pid --fork --kill-child sh -eu -c '
	mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
	mount -t proc proc "$1/root/proc"
	mount --rbind /dev "$1/root/dev"
	ip link set lo up
	exec chroot "$1/root" sh /t/inside.sh' sh "$dir")
printf 'expected:\n%s\nseen:\n%s\n' "$want" "$seen"
test "$seen" = "$want"
