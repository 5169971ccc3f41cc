// Package httpd is what all HTTP handlers share: the mapping of faults to statuses,
// client addresses, the access log, limits, and the graceful stop.
//
//	Server ── Handler ── request id ── access log ── recovery ── size limits ── mux
//
// It depends on no route except that of pings, and reads no bodies. Plain pings, which most
// jobs send, are answered between the requests of net/http:
//
//	net/http waits for a request ── conn.Read ──┬─ exactly one plain ping ── Options.Handler ── read on
//	                                            └─ anything else ── net/http, which sees the same bytes
//
// Invariants:
//
//   - No log line contains a query, a secret header, or a complete id that can ping.
//   - An internal error is answered without details. The log has them under the
//     request id of the response.
//   - X-Forwarded-For is used only as far as trusted proxies wrote it.
package httpd
