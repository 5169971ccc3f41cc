package httpd_test

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"overdue/internal/httpd"
)

func TestClientAddress_IsWhatTheTrustedProxiesSaw(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, c := range []struct {
		name, remote string
		said         []string
		want         string
	}{
		{"no proxy", "192.0.2.1:4711", nil, "192.0.2.1"},
		{"a stranger's word counts for nothing", "192.0.2.1:4711", []string{"198.51.100.9"}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:80", []string{"198.51.100.9"}, "198.51.100.9"},
		{"what is left of it may be made up", "10.0.0.1:80", []string{"203.0.113.5, 198.51.100.9"}, "198.51.100.9"},
		{"two proxies", "10.0.0.1:80", []string{"203.0.113.5, 198.51.100.9, 10.0.0.2"}, "198.51.100.9"},
		{"several lines are one list", "10.0.0.1:80", []string{"203.0.113.5", "198.51.100.9", "10.0.0.2"}, "198.51.100.9"},
		{"all are proxies", "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"nothing said", "10.0.0.1:80", nil, "10.0.0.1"},
		{"rubbish", "10.0.0.1:80", []string{"198.51.100.9, unknown"}, "10.0.0.1"},
		{"rubbish on the left", "10.0.0.1:80", []string{"unknown, 198.51.100.9"}, "198.51.100.9"},
		{"with ports", "10.0.0.1:80", []string{"198.51.100.9:5555"}, "198.51.100.9"},
		{"IPv6", "[2001:db8:1::1]:80", []string{"[2001:db8::9]:5555"}, "2001:db8::9"},
		{"IPv6 in brackets", "[2001:db8:1::1]:80", []string{"[2001:db8::9]"}, "2001:db8::9"},
		{"IPv4 as IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.9"}, "198.51.100.9"},
		{"a zone", "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"a Unix socket", "@", []string{"198.51.100.9"}, "invalid IP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.said}}
			if got := httpd.ClientAddress(r, trusted).String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{"X-Forwarded-For": {"198.51.100.9"}}}
	if got := httpd.ClientAddress(r, nil).String(); got != "10.0.0.1" {
		t.Errorf("with nobody trusted: %s", got)
	}
}

func TestWarnUntrustedProxy_LogsOnce(t *testing.T) {
	log, held := logging(slog.LevelInfo)
	served := 0
	h := httpd.WarnUntrustedProxy(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }), log)
	for n, said := range []string{"", "198.51.100.9", "198.51.100.9"} {
		r := &http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{}}
		if said != "" {
			r.Header.Set("X-Forwarded-For", said)
		}
		h.ServeHTTP(nil, r)
		if got, want := strings.Count(held.String(), "proxy not trusted"), min(n, 1); got != want {
			t.Errorf("after %d requests through it: %d warnings; want %d", n, got, want)
		}
	}
	if served != 3 || !strings.Contains(held.String(), "proxy=10.0.0.1") {
		t.Errorf("served %d, logged %s", served, held)
	}
}
