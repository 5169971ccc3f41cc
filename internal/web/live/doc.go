// Package live keeps open pages up to date with server-sent events.
//
//	change in ingest, watch, manage ─▶ Feed.Changed ─▶ subscription ─▶ Stream ─▶ browser
//	change on another node          ─▶ Stream.Poll, every 2 s    ──────┘
//
// A page consists of fragments. Each fragment has a digest of the state that it
// was rendered from. The address of the stream carries the digests that the page
// shows; the stream takes snapshots and sends only fragments whose digest differs.
//
// Invariants:
//
//   - the feed carries keys and no data, so a stream shows only what its person
//     may read;
//   - Feed.Changed never blocks;
//   - the number of streams per person, per address and per node is limited.
package live
