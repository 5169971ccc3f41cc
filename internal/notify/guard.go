package notify

import (
	"errors"
	"net"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// guardedAddressText is the error for an address that is not allowed.
const guardedAddressText = "The address is private, local or reserved, and not allowed. " +
	"An operator can allow it with --allow-private-networks or --allow-networks."

// addressGuard returns the check of every outgoing connection of a channel. It
// checks the address that is dialed, after name resolution, which prevents DNS
// rebinding.
//
// It returns nil if the operator allows private networks.
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

// isGuardError reports whether err comes from the address guard.
func isGuardError(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) ||
		errors.Is(err, ssrf.ErrInvalidHostPort)
}

// newDialer returns the dialer of all channels except email.
func newDialer(opts Options) *net.Dialer {
	return &net.Dialer{Timeout: opts.HTTPTimeout, Control: addressGuard(opts)}
}
