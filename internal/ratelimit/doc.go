// Package ratelimit is the only place that limits how often something happens
// per key, such as a client network, an account or a project.
//
//	Limiter   token buckets: a rate and a burst          pings, test alerts, answers of readers
//	Counter   counts in fixed windows, can be taken back  wrong passwords
//	Network   the key of an address: IPv4, or the /64 of IPv6
//
// Invariants:
//
//   - Memory is limited: a Limiter and a Counter hold at most [MaxKeys] keys. If
//     there are more, they drop the keys without recent events first, then those
//     with the fewest.
//   - Limits apply to one node. Nothing is stored.
package ratelimit
