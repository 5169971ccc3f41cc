// Package store keeps what Overdue knows. It is the only place with SQL, and
// it keeps the same promises on SQLite and on PostgreSQL.
//
//	DB.Update(ctx, fn)   one transaction that may write; fn may run again
//	DB.View(ctx, fn)     one consistent look
//	Tx.…                 what can be asked and changed inside one
//
// Invariants, which the contract suite checks on both databases:
//
//   - What Update returned nil for is on disk, synced.
//   - A heartbeat, the incident that its change opened or resolved, and the
//     alerts that this owes are one transaction.
//   - An alert's id is made of what it is about: nothing is owed twice.
//   - "Sent" is written after sending, and only for the attempt that claimed it.
//   - Rows of heartbeats are locked in the order of their keys.
//
// It refuses to judge: what a ping or a silence means is said by package
// monitor. Moments are stored as BIGINT microseconds, and this package is the
// only converter.
package store
