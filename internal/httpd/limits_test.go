package httpd

import (
	"net/netip"
	"testing"
)

func TestLimitsFor_ReservesFilesForTheProgram(t *testing.T) {
	for _, c := range []struct {
		files                uint64
		perAddress, total    int
		wantAddress, wantAll int
	}{
		{256, 512, 0, 96, 192},
		{1024, 512, 0, 384, 768},
		{20_000, 512, 0, 512, 10_000},
		{1 << 20, 512, 0, 512, 10_000},
		{0, 512, 0, 512, 10_000},
		{1024, 512, 900, 450, 900}, // the operator knows better
		{1024, 0, 0, 0, 768},
		{1 << 62, 512, 0, 512, 10_000},
		{10, 512, 0, 1, 2},
	} {
		l := limitsFor(c.perAddress, c.total, nil, c.files)
		if l.PerAddress != c.wantAddress || l.Total != c.wantAll {
			t.Errorf("%d files, --max-connections %d, per address %d: %d and %d, want %d and %d",
				c.files, c.total, c.perAddress, l.Total, l.PerAddress, c.wantAll, c.wantAddress)
		}
	}
}

func TestLimits_LoopbackAndTrustedProxiesAreExempt(t *testing.T) {
	l := limitsFor(512, 0, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, 0)
	for peer, want := range map[string]bool{
		"127.0.0.1:5": true, "[::1]:5": true, "[::ffff:127.0.0.1]:5": true, "10.1.2.3:5": true, "@": true, "": true,
		"127.0.0.2:5": false, "192.0.2.1:5": false, "[2001:db8::1]:5": false,
	} {
		if got := l.isExempt(peer); got != want {
			t.Errorf("%q: exempt %t, want %t", peer, got, want)
		}
	}
}

func TestNetworkOf_AnIPv6CustomerIsOneClient(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:5": "192.0.2.1/32", "[::ffff:192.0.2.1]:5": "192.0.2.1/32",
		"[2001:db8:1:2:3:4:5:6]:5": "2001:db8:1:2::/64", "[2001:db8:1:2::9]:5": "2001:db8:1:2::/64", "2001:db8:1:3::": "2001:db8:1:3::/64",
	} {
		if got := NetworkOf(address).String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if NetworkOf("@").IsValid() {
		t.Error("a Unix socket has a network")
	}
}
