// Package app puts the parts together and runs them.
//
//	                      ┌──────────── HTTP ────────────┐
//	/api/v1/hb/…  ───▶ ingest.Handler ─▶ ingest.Batcher ─┼─▶ store ◀── watch.Watcher   (loop "sweep")
//	/api/v1/…     ───▶ api ─▶ manage ────────────────────┤     ▲  ◀── watch.Publish   (loop "publish")
//	/healthz /readyz /metrics                            │     └───── deliver.Dispatcher (loop "deliver") ─▶ notify
//	                      └──────────────────────────────┘      ◀──── store.Forget    (loop "tidy")
//
// The loop "memory" gives back what a burst of pings has taken.
//
// Who wakes whom: a ping that makes something happen sooner nudges "sweep";
// whatever owes an alert nudges "deliver".
//
// Stopping goes against the stream: no new requests, answers to the accepted
// ones, what waits in the batcher, the loops, what is being sent, our name off
// the list of nodes, the database.
package app
