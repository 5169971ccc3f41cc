package notify

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

func TestAddressGuard_BlocksPrivateAddresses(t *testing.T) {
	tests := []struct {
		address string
		allowed bool
	}{
		{"127.0.0.1:80", false},
		{"127.9.9.9:8080", false},
		{"0.0.0.0:80", false},
		{"10.1.2.3:443", false},
		{"172.16.0.1:443", false},
		{"192.168.1.1:443", false},
		{"100.64.0.1:443", false},
		{"169.254.169.254:80", false},
		{"224.0.0.1:80", false},
		{"255.255.255.255:80", false},
		{"[::1]:80", false},
		{"[::]:80", false},
		{"[::ffff:127.0.0.1]:80", false},
		{"[::ffff:10.0.0.1]:80", false},
		{"[64:ff9b::7f00:1]:80", false},
		{"[fe80::1]:80", false},
		{"[fd00::1]:80", false},
		{"[fd00:ec2::254]:80", false},
		{"[2002:7f00:1::]:80", false},
		{"93.184.215.14:443", true},
		{"93.184.215.14:8443", true},
		{"[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443", true},
	}
	check := addressGuard(Options{})
	for _, test := range tests {
		network := "tcp4"
		if test.address[0] == '[' {
			network = "tcp6"
		}
		err := check(network, test.address, nil)
		if (err == nil) != test.allowed || err != nil && !isGuardError(err) {
			t.Errorf("%s: %v; want allowed %v", test.address, err, test.allowed)
		}
	}
}

func TestAddressGuard_AllowsOnlyTheNamedNetworks(t *testing.T) {
	check := addressGuard(Options{AllowNetworks: []netip.Prefix{
		netip.MustParsePrefix("10.1.2.3/16"), netip.MustParsePrefix("fd00::/8"),
	}})
	for address, allowed := range map[string]bool{
		"10.1.9.9:80": true, "10.2.0.1:80": false, "127.0.0.1:80": false, "[fd12::1]:80": true, "[fe80::1]:80": false, "[::1]:80": false,
	} {
		network := "tcp4"
		if address[0] == '[' {
			network = "tcp6"
		}
		if err := check(network, address, nil); (err == nil) != allowed {
			t.Errorf("%s: %v; want allowed %v", address, err, allowed)
		}
	}
}

func TestSend_RejectsPrivateHostsUnlessAllowed(t *testing.T) {
	var reached atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	closed := newTestSender(t, Options{AllowNetworks: []netip.Prefix{}})
	// "localhost" stands for every name that resolves to a private address.
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "0.0.0.0", "169.254.169.254"} {
		_, err := closed.Send(t.Context(), "webhook", setting.Values{"url": "http://" + host + ":" + port + "/x", "secret": testSecret}, messagetest.Missed())
		got := sendErrorOf(t, err)
		if !got.Permanent || !strings.Contains(got.Reason, "--allow-private-networks") {
			t.Errorf("%s: %+v; want a final failure that names the flag", host, got)
		}
	}
	if reached.Load() != 0 {
		t.Fatal("a private host was reached")
	}
	set := setting.Values{"url": server.URL, "secret": testSecret}
	for name, opts := range map[string]Options{
		"network": {AllowNetworks: loopback()}, "all": {AllowPrivate: true, AllowNetworks: []netip.Prefix{}},
	} {
		if _, err := newTestSender(t, opts).Send(t.Context(), "webhook", set, messagetest.Missed()); err != nil {
			t.Errorf("allowed by %s: %v", name, err)
		}
	}
}

func TestSend_UsesNoProxyFromTheEnvironment(t *testing.T) {
	// A proxy would dial on our behalf, past the guard.
	if httpClient(Options{}).Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport has a proxy")
	}
}

func TestPinger_ReachesPrivateAddressesAndFallsBackToGET(t *testing.T) {
	var got []string
	status := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method)
		w.WriteHeader(cmp.Or(status[r.Method], http.StatusOK))
	}))
	defer server.Close()
	p, err := NewPinger(Options{UserAgent: "Overdue/test"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, c := range []struct {
		post, get int
		methods   string
		delivered bool
	}{
		{200, 200, "POST", true}, {405, 200, "POST GET", true}, {404, 200, "POST GET", true}, {404, 404, "POST GET", false}, {503, 200, "POST", false},
	} {
		got, status = nil, map[string]int{"POST": c.post, "GET": c.get}
		err := p.Ping(context.Background(), server.URL+"/ping/secret-id")
		if methods := strings.Join(got, " "); methods != c.methods || (err == nil) != c.delivered {
			t.Errorf("POST %d, GET %d: requests %q, error %v; want %q, delivered %t", c.post, c.get, methods, err, c.methods, c.delivered)
		}
	}
	server.Close()
	if err := p.Ping(context.Background(), server.URL+"/ping/secret-id"); err == nil || strings.Contains(err.Error(), "secret-id") {
		t.Errorf("%v; want an error without the path", err)
	}
}
