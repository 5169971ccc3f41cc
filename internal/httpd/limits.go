package httpd

import "net/netip"

// defaultMaxConnections is the maximum number of connections if there is no other
// limit.
const defaultMaxConnections = 10_000

// minReservedFiles is the minimum number of open files reserved for the database,
// outgoing alerts and other files. At least a quarter of all files is reserved.
const minReservedFiles = 64

// NewLimits returns the limits of a server. If total is 0, it is 10,000, or
// less if the limit of open files is low. One address has at most half of the
// total; if perAddress is 0, it has no limit.
func NewLimits(perAddress, total int, trusted []netip.Prefix) Limits {
	return limitsFor(perAddress, total, trusted, openFiles())
}

// limitsFor is NewLimits for a process with a limit of open files, 0 for none.
func limitsFor(perAddress, total int, trusted []netip.Prefix, files uint64) Limits {
	if total == 0 {
		total = defaultMaxConnections
		if files > 0 && files < 2*defaultMaxConnections {
			total = min(total, max(int(files)-max(int(files)/4, minReservedFiles), 2))
		}
	}
	if perAddress > 0 {
		perAddress = max(min(perAddress, total/2), 1)
	}
	return Limits{PerAddress: perAddress, Total: total, Exempt: append(loopbackPrefixes(), trusted...)}
}

// loopbackPrefixes returns the loopback addresses.
func loopbackPrefixes() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
}
