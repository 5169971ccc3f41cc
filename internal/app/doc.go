// Package app connects the parts of the server and runs them.
//
//	                      ┌──────────── HTTP ────────────┐
//	/api/v1/hb/…  ───▶ ingest.Handler ─▶ ingest.Batcher ─┼─▶ store ◀── watch.Watcher       (loop "sweep")
//	/api/v1/…     ───▶ api ─▶ manage ────────────────────┤     ▲  ◀── watch.Publish        (loop "publish")
//	/healthz /readyz /metrics                            │     └───── deliver.Dispatcher   (loop "delivery") ─▶ notify
//	                      │                              │     └───── deliver.Resender     (loop "resend")   ─▶ notify
//	                      └──────────────────────────────┘      ◀──── store.Cleanup         (loop "cleanup")
//
// The loop "grouping" decides which new incidents belong together. The loop "memory" returns the memory of a burst of pings to the system.
//
// Signals: a change that makes a heartbeat due sooner wakes "sweep"; a change that
// enqueues alerts wakes "delivery".
//
// A stop first waits for sends in progress. Then it goes along the direction of the data:
// no new requests, responses to accepted ones, the queued pings, the loops, the results
// of sends, the entry in the list of nodes, the database.
package app
