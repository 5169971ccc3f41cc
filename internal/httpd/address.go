package httpd

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// ClientAddress returns the client address of a request: the address of the
// peer or, if the peer is a trusted proxy, the address in X-Forwarded-For.
//
// The list is read from the right, because each proxy appends the address that
// it saw, and a client can forge everything to the left. The result is the zero
// Addr if the peer has no IP address, as with a Unix socket.
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

// ClientText returns ClientAddress as a text. Without trusted proxies, it is made once per
// connection.
func ClientText(r *http.Request, trusted []netip.Prefix) string {
	if c, ours := r.Context().Value(connKey{}).(*conn); ours && len(trusted) == 0 && !c.http2.Load() {
		if c.clientText == "" {
			c.clientText = ClientAddress(r, nil).String()
		}
		return c.clientText
	}
	return ClientAddress(r, trusted).String()
}

// WarnUntrustedProxy logs one warning if a request comes through a proxy while no proxy
// is trusted: all clients then have the address of the proxy and share its limits.
func WarnUntrustedProxy(next http.Handler, log *slog.Logger) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" {
			once.Do(func() {
				log.Warn("proxy not trusted", "component", "http", "advice", "all clients share its address and its limits: set trusted-proxies if it is yours",
					"proxy", ClientAddress(r, nil))
			})
		}
		next.ServeHTTP(w, r)
	})
}

// parseAddress parses an address with or without a port. It returns an IPv4
// address in IPv6 form as IPv4.
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

// inAny reports whether an address is in one of the networks.
func inAny(addr netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
