package_name() { echo exim4-daemon-light; }

install_server() {
	dpkg -i --force-confnew ./*.deb
	cat > /etc/exim4/exim4.conf <<-'C'
		primary_hostname = mail.example.com
		domainlist local_domains = example.org
		daemon_smtp_ports = 25001 : 25002 : 25003 : 25004 : 25005 : 25006 : 25007
		tls_on_connect_ports = 25003
		local_interfaces = <; 127.0.0.1 ; ::1
		tls_advertise_hosts = ${if inlist{$received_port}{25002:25003:25004}{*}}
		tls_certificate = /mailtest/cert.pem
		tls_privatekey = /mailtest/key.pem
		auth_advertise_hosts = ${if ={$received_port}{25004}{*}}
		message_size_limit = ${if ={$received_port}{25007}{3000}{50M}}
		acl_smtp_helo = helo
		acl_smtp_rcpt = rcpt
		acl_smtp_data = accept
		host_lookup =
		never_users = root

		begin acl
		helo:
		  deny condition = ${if ={$received_port}{25005}}
		       !condition = ${if match{$sender_helo_name}{\N\.|:\N}}
		       message = need a full name in EHLO
		  accept
		rcpt:
		  deny condition = ${if ={$received_port}{25002}}
		       !encrypted = *
		       message = use STARTTLS
		  deny condition = ${if ={$received_port}{25004}}
		       !authenticated = *
		       message = authentication required
		  defer condition = ${if ={$received_port}{25006}}
		       message = greylisted
		  deny !domains = +local_domains
		       message = relay not permitted
		  require verify = recipient
		  accept

		begin routers
		local:
		  driver = accept
		  domains = +local_domains
		  check_local_user
		  transport = maildir

		begin transports
		maildir:
		  driver = appendfile
		  directory = /home/${local_part_data}/Maildir
		  maildir_format
		  user = ${local_part_data}

		begin authenticators
		plain:
		  driver = plaintext
		  public_name = PLAIN
		  server_condition = ${if and{{eq{$auth2}{sender}}{eq{$auth3}{pa-ss}}}}
		  server_set_id = $auth2
	C
	sed -i 's/^\t*//' /etc/exim4/exim4.conf
	chown root:root /etc/exim4/exim4.conf
}

start_server() {
	# As a child of process 1 it does not become a daemon.
	/usr/sbin/exim4 -bdf -q1m >/mailtest/exim.log 2>&1 &
}

more_tries() { :; }
