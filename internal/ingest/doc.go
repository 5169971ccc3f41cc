// Package ingest receives pings. It responds 200 only after a ping is committed and
// synced to disk.
//
//	client ── POST /api/v1/hb/ID ─▶ Handler    parses the request, reads the clock, limits
//	                                   │       the body, knows the words of other monitors
//	                                   ▼
//	                               Batcher     collects pings during the previous commit, in
//	                                   │       a bounded queue
//	                                   ▼
//	                               store       one transaction per batch
//	                                   │
//	                                   └─▶ each request gets its own response
//
// Invariants:
//
//   - The clock is read once per ping, when its request arrives. That time decides,
//     however long the disk takes.
//   - While a ping is in flight, InFlight holds back every evaluation of its
//     heartbeat that the ping could affect.
//   - A request that waited while the process was suspended is dated when it arrived,
//     and nothing is evaluated before such requests are read.
//   - A word for the outcome of a run is understood or rejected, never ignored.
//     No other part of a request can make a ping fail.
//   - One bad ping does not affect others: each gets its own response.
//   - A ping that cannot be stored gets 503 with Retry-After, never 200.
//
// Package monitor decides what a ping means. Pings need no credentials except the id
// of the heartbeat.
package ingest
