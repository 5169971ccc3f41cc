// Package httpd is what every HTTP face shares: how a mistake becomes a status,
// who the client is, what is logged, what is limited, and how serving ends.
//
//	Server ── Handler ── request id ── access log ── recover ── URL limit ── your mux
//
// It refuses to know any route or to read any body.
//
// Invariants:
//
//   - no log line holds a query, a header's secret, or an id that could ping in
//     full;
//   - an error that is ours is told as one sentence without detail, and logged
//     with the request id that the answer carries;
//   - X-Forwarded-For is believed only as far as proxies that are trusted wrote it.
package httpd
