package_name() { echo opensmtpd; }

install_server() {
	dpkg -i --force-confnew ./*.deb
	chmod 600 /mailtest/key.pem
	printf 'sender %s\n' "$(smtpctl encrypt pa-ss)" > /mailtest/users
	chmod 644 /mailtest/users
	cat > /mailtest/smtpd.conf <<-'C'
		table users file:/mailtest/users
		pki mail.example.com cert "/mailtest/cert.pem"
		pki mail.example.com key "/mailtest/key.pem"
		filter "names" phase ehlo match !helo regex "[.:]" reject "504 need a full name"
		filter "later" phase rcpt-to match rcpt-to regex ".*" reject "451 4.7.1 Greylisted"
		listen on 127.0.0.1 port 25001
		listen on ::1 port 25001
		listen on 127.0.0.1 port 25002 tls-require pki mail.example.com
		listen on 127.0.0.1 port 25003 smtps pki mail.example.com
		listen on 127.0.0.1 port 25004 tls-require pki mail.example.com auth <users>
		listen on 127.0.0.1 port 25005 filter "names"
		listen on 127.0.0.1 port 25006 filter "later"
		listen on 127.0.0.1 port 25007
		action "local" maildir
		match from any for domain "example.org" action "local"
	C
}

start_server() {
	mkdir -p /var/empty
	smtpd -f /mailtest/smtpd.conf
}

more_tries() { :; }
