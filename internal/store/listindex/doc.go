// Package listindex is the only place that filters, sorts and counts heartbeats in
// memory, so that a page of 50 rows reads 50 rows of the database.
//
// The orders by due time, last ping and attention change with every ping: a database
// index on them would cost every ping one more page. The index costs a ping a few
// nanoseconds, and a page a linear scan:
//
//	commit of a transaction ─▶ Change.End    ─▶ queue ─┐
//	ping in the buffer      ─▶ Update        ─▶ queue ─┴▶ table ◀─ View: filter, sort, count
//	start, or first use     ─▶ load: a statement per part reads every heartbeat
//
// A table is a list of chunks for each project, in the order of the keys. A chunk
// stores each column of up to chunkSize heartbeats in an array without pointers, so the
// garbage collector does not read them.
//
// Invariants:
//
//   - The index contains every transaction that ended before the call of Ready. Until
//     then, it can contain an earlier state.
//   - The index decides which heartbeats a page shows, and in which order. The store reads
//     their rows from the database.
//   - Between the number of a Change and its end, its rows are locked in the database. So of
//     two states of one heartbeat, the one with the higher number is newer.
package listindex
