package httpd

import "net/netip"

// defaultMaxConnections is how many connections a server holds if nothing else limits it.
const defaultMaxConnections = 10_000

// minReservedFiles is the minimum number of files that stay free for the database,
// outgoing alerts and other files of the program; a quarter of all if that is more.
const minReservedFiles = 64

// NewLimits returns limits that fit the process. 0 connections in total are
// 10,000, or what the process's limit of open files leaves. One address never
// has more than half of the total; 0 of one address are as many as there are.
func NewLimits(perAddress, total int, trusted []netip.Prefix) Limits {
	return limitsFor(perAddress, total, trusted, openFiles())
}

// limitsFor is NewLimits for a process that may open so many files, 0 for any
// number.
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

// loopbackPrefixes are the addresses that programs on this machine come from.
func loopbackPrefixes() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
}
