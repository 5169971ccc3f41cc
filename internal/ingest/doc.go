// Package ingest takes pings in. It answers 200 for a ping only once it is
// committed and synced to disk.
//
//	client ── POST /api/v1/hb/ID ─▶ Handler    parse, stamp the arrival, bound the body,
//	                                   │       understand the words of other monitors
//	                                   │
//	                                   ▼
//	                               Batcher     gathers while the previous commit runs, and
//	                                   │       a moment more when busy; a bounded queue
//	                                   ▼
//	                               store       one transaction for the whole batch
//	                                   │
//	                                   └─▶ each waiting request gets its own answer
//
// Invariants:
//
//   - The clock is read once per ping, when its request arrived, and the ping is
//     judged by that moment however long the disk takes.
//   - While a ping is on its way, Arrivals holds back every judgement of its
//     heartbeat that it could still prevent.
//   - A request that waited while the process was suspended is dated when it
//     arrived, and nothing is judged before such requests are read.
//   - A word for the outcome of a run is understood or rejected, never dropped.
//     Nothing else in a request costs a ping.
//   - One bad ping spoils no other: each is answered for itself.
//   - What cannot be stored is answered 503 with Retry-After, never 200.
//
// It refuses to judge (package monitor does) and to authenticate: whoever knows
// the id may ping.
package ingest
