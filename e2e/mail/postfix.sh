package_name() { echo postfix; }

install_server() {
	echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
	dpkg -i --force-confnew ./*.deb
	cat > /etc/postfix/main.cf <<-'C'
		compatibility_level = 3.6
		myhostname = mail.example.com
		mydestination = example.org
		mynetworks = 127.0.0.0/8 [::1]/128
		inet_interfaces = loopback-only
		inet_protocols = all
		local_recipient_maps = inline:{oncall=x, sender=x}
		home_mailbox = Maildir/
		alias_maps =
		smtpd_tls_cert_file = /mailtest/cert.pem
		smtpd_tls_key_file = /mailtest/key.pem
		maillog_file = /var/log/postfix.log
		smtpd_sasl_path = smtpd
	C
	cat >> /etc/postfix/master.cf <<-'C'
		127.0.0.1:25001 inet n - n - - smtpd
		[::1]:25001 inet n - n - - smtpd
		127.0.0.1:25002 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
		127.0.0.1:25003 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
		127.0.0.1:25004 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
		127.0.0.1:25005 inet n - n - - smtpd -o smtpd_helo_required=yes -o smtpd_helo_restrictions=reject_invalid_helo_hostname,reject_non_fqdn_helo_hostname
		127.0.0.1:25006 inet n - n - - smtpd -o { smtpd_recipient_restrictions = check_recipient_access inline:{ { oncall@example.org = 451 4.7.1 Greylisted } }, reject }
		127.0.0.1:25007 inet n - n - - smtpd -o message_size_limit=3000
		127.0.0.1:25011 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject -o smtpd_sasl_mechanism_filter=login
		127.0.0.1:25012 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject -o smtpd_sasl_mechanism_filter=cram-md5
		127.0.0.1:25013 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject -o smtpd_sasl_mechanism_filter=scram-sha-256
		127.0.0.1:25014 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject -o smtpd_sasl_mechanism_filter=digest-md5
		127.0.0.1:25015 inet n - n - - smtpd -o mynetworks=192.0.2.0/24
	C
	mkdir -p /etc/postfix/sasl
	printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 DIGEST-MD5\n' > /etc/postfix/sasl/smtpd.conf
	echo pa-ss | saslpasswd2 -c -p -u mail.example.com sender
	chgrp postfix /etc/sasldb2
	chmod 640 /etc/sasldb2
}

start_server() {
	postfix start >/dev/null 2>&1
}

# more_tries are those that only this server can make: each mechanism alone.
more_tries() {
	try 'AUTH LOGIN' smtp://sender:pa-ss@mail.example.com:25011 '"oncall@example.org"'
	try 'AUTH CRAM-MD5' smtp://sender%40mail.example.com:pa-ss@mail.example.com:25012 '"oncall@example.org"'
	try 'AUTH SCRAM-SHA-256' smtp://sender:pa-ss@mail.example.com:25013 '"oncall@example.org"'
	try 'AUTH DIGEST-MD5 only' smtp://sender:pa-ss@mail.example.com:25014 '"oncall@example.org"'
	try 'wrong password' smtp://sender:wrong@mail.example.com:25004 '"oncall@example.org"'
	try 'relay denied' smtp+insecure://127.0.0.1:25015 '"someone@example.net"'
}
