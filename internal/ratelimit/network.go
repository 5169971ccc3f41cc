package ratelimit

import "net/netip"

// Network returns the network that counts as one client: an IPv4 address, or the
// /64 of an IPv6 address, because a provider gives each customer at least a /64. An
// IPv4 address in IPv6 form counts as IPv4. Network returns the zero Prefix for the
// zero Addr.
func Network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // the zero Addr
	}
	return network
}

// NetworkKey returns the key of the network of an address in text form. A text that
// is not an IP address is its own key.
func NetworkKey(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	return Network(addr).String()
}
