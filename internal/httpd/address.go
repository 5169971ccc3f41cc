package httpd

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// ClientAddress returns the address that a request came from: the peer's, or
// where the peer is a trusted proxy, what that proxy says in X-Forwarded-For.
//
// The list is read from its right end, because each proxy adds what it saw at
// the right, and anything to the left of what a trusted proxy wrote may be made
// up. It is the zero Addr when the peer has no IP address, as on a Unix socket.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client := parseAddress(r.RemoteAddr)
	if len(trusted) == 0 || !inAny(client, trusted) {
		return client
	}
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(said) - 1; i >= 0; i-- {
		next := parseAddress(strings.TrimSpace(said[i]))
		if !next.IsValid() {
			break
		}
		client = next
		if !inAny(client, trusted) {
			break
		}
	}
	return client
}

// WarnUntrustedProxy logs one warning when a request comes through a proxy. Use it if no
// proxy is trusted: then all clients have the address of the proxy and share its
// sign-in limits.
func WarnUntrustedProxy(next http.Handler, log *slog.Logger) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" {
			once.Do(func() {
				log.Warn("proxy not trusted: all clients share its address and its sign-in limits; set trusted-proxies if it is yours",
					"proxy", ClientAddress(r, nil))
			})
		}
		next.ServeHTTP(w, r)
	})
}

// parseAddress reads an address with or without a port, in its plain form: an
// IPv4 address is one also when it is written as IPv6.
func parseAddress(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// inAny reports whether the address is in one of the networks.
func inAny(addr netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
