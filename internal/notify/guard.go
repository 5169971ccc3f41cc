package notify

import (
	"errors"
	"net"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// guardedAddressText says what the operator can do about a guarded address.
const guardedAddressText = "The address is private, local or reserved, and Overdue does not send there. " +
	"The operator can allow it with --allow-private-networks or --allow-networks."

// addressGuard returns the check that every outgoing connection of a channel passes
// once its name is resolved. It sees the address that is dialled, not the name,
// so a name that resolves differently the second time gains nothing.
//
// It returns nil, no check, if the operator allows private networks.
func addressGuard(opts Options) func(network, address string, c syscall.RawConn) error {
	if opts.AllowPrivate {
		return nil
	}
	var v4, v6 []netip.Prefix
	for _, prefix := range opts.AllowNetworks {
		if prefix.Addr().Is4() {
			v4 = append(v4, prefix.Masked())
		} else {
			v6 = append(v6, prefix.Masked())
		}
	}
	return ssrf.New(
		ssrf.WithAnyPort(),
		ssrf.WithAllowedV4Prefixes(v4...),
		ssrf.WithAllowedV6Prefixes(v6...),
	).Safe
}

// isGuardError reports whether err is the guard's refusal.
func isGuardError(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) ||
		errors.Is(err, ssrf.ErrInvalidHostPort)
}

// newDialer returns the dialer of every channel but e-mail.
func newDialer(opts Options) *net.Dialer {
	return &net.Dialer{Timeout: opts.HTTPTimeout, Control: addressGuard(opts)}
}
