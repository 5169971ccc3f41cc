// Package live keeps open pages up to date with server-sent events.
//
//	ping ─▶ Feed.Pinged            ┐
//	change in watch, manage ─▶ Feed.Changed ├─▶ mark ─▶ view: Snapshot ─▶ update ─┬▶ Stream ─▶ browser
//	change on another node ─▶ comparison    ┘                                     └▶ Stream ─▶ browser
//
// A page consists of fragments. Each fragment has a digest of the state that it
// was rendered from. The address of the stream carries the digests that the page
// shows; the stream sends only fragments whose digest differs.
//
// Streams that show the same share a view: it is read once per refresh, and each
// fragment that differs is rendered once. One goroutine refreshes all views.
//
// Invariants:
//
//   - the key of a view contains everything that its content depends on, also the
//     project and the role, so a stream shows only what its person may read;
//   - a fragment with a form is rendered for each viewer;
//   - Feed.Pinged and Feed.Changed never wait for a refresh;
//   - pings refresh a view at most once per second, and use a limited share of the
//     processors; other changes do not wait for them;
//   - a viewer that reads slowly has at most one update that waits;
//   - the number of streams per person, per address and per node is limited.
package live
