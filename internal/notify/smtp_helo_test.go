package notify

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emersion/go-smtp"
)

func TestSend_GreetsWithAFullNameOrAnAddress(t *testing.T) {
	for _, test := range []struct{ setting, hostname, publicURL, want string }{
		{"overdue.example.com", "vm.example.net", "", "overdue.example.com"},
		{"übung.example.com", "vm", "", "xn--bung-zra.example.com"},
		{"[192.0.2.7]", "vm.example.net", "", "[192.0.2.7]"},
		{"[IPv6:2001:DB8::7]", "vm.example.net", "", "[IPv6:2001:db8::7]"},
		{"", "vm.example.net", "https://overdue.example.org", "vm.example.net"},
		{"", "3f2a91c07b1e", "https://overdue.example.org:8443", "overdue.example.org"},
		{"", "my_host.example.net", "http://localhost:8080", ""},
		{"", "vm", "http://192.0.2.1:8080", ""},
		{"", "localhost.localdomain", "https://overdue.example.org", "overdue.example.org"},
		{"", "", "", ""},
	} {
		if got, err := heloName(test.setting, test.hostname, test.publicURL); got != test.want || err != nil {
			t.Errorf("%+v: %q, %v", test, got, err)
		}
	}
	for _, bare := range []string{"vm", "vm.", "my_host.example.com", "192.0.2.7", "a..b", "[vm]", "x y.example.com"} {
		if got, err := heloName(bare, "", ""); err == nil || !strings.Contains(err.Error(), "name with a dot") {
			t.Errorf("--smtp-helo %s: %q, %v; want an error that says what to write", bare, got, err)
		}
	}
	for address, want := range map[string]string{
		"192.0.2.7:1": "[192.0.2.7]", "[2001:db8::7]:1": "[IPv6:2001:db8::7]", "[fe80::1%eth0]:1": "[IPv6:fe80::1]",
		"[::ffff:192.0.2.7]:1": "[192.0.2.7]",
	} {
		if got := (&relay{}).ehloName(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))); got != want {
			t.Errorf("from %s: EHLO %s; want %s", address, got, want)
		}
	}
}

func TestSend_NeverGreetsWithTheBareHostName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedServer{replyTo: func(line string) string {
			if name, greets := strings.CutPrefix(line, "EHLO "); greets && !strings.ContainsAny(name, ".:") {
				return "504 5.5.2 <" + name + ">: Helo command rejected: need fully-qualified hostname"
			}
			return ""
		}}
		out := s.newSender(t, Options{})
		out.relay.helo = "" // as on a machine whose name has no dot
		if _, err := alert(t, out, "a@example.com"); err != nil {
			t.Fatal(err)
		}
		if got := s.commands("EHLO"); !slices.Equal(got, []string{"EHLO [127.0.0.1]"}) {
			t.Errorf("said %q", got)
		}
		if _, err := alert(t, s.newSender(t, Options{SMTPHelo: "overdue.example.org"}), "a@example.com"); err != nil {
			t.Fatal(err)
		}
		if got := s.commands("EHLO"); got[1] != "EHLO overdue.example.org" {
			t.Errorf("said %q", got)
		}
	})
}

func TestSend_ReachesAServerByItsIPv6Address(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatalf("this machine has no IPv6 loopback address: %v", err)
	}
	m := startMailServerOn(t, listener, false, func(s *smtp.Server) { s.TLSConfig = nil })
	out := newTestSender(t, Options{SMTPURL: "smtp+insecure://" + m.address, SMTPFrom: "o@example.com"})
	out.relay.helo = ""
	if _, err := alert(t, out, "a@example.com"); err != nil {
		t.Fatal(err)
	}
	if d := m.onlyDelivery(t); d.helo != "[IPv6:::1]" {
		t.Errorf("greeted with %q; want the address of the connection", d.helo)
	}
}
