// Package wal is the only place that appends records to a file and syncs them:
// records that Append stored are on disk when it returns, and Open returns them
// after a crash.
//
//	       ┌── segment file 0   sequence 7 │ record │ record │ … old │ zeros ──┐
//	Log ───┤                                                                   ├── Open reads both, by sequence
//	       └── segment file 1   sequence 8 │ record │ ← Append                 ┘
//
// A Log has two files, each with one segment. Rotate starts a new segment in the
// other file; Truncate discards the records before the last Rotate; Reset discards
// all. A new segment overwrites its file from the beginning, with the next sequence
// number, and never shortens it: a sync then writes no file size and no block
// allocation, which makes it fast.
//
// The package does not know the meaning of records. One process at a time can
// write. Read can read the files while another process writes.
//
// Invariants:
//
//   - The returned records are complete and in order: the checksum of a record covers
//     its segment and its position, so that leftovers of an earlier segment are never
//     taken for records. Records are missing only at the end, where a crash interrupted
//     a write, or where Damage is reported.
//   - A record whose Append failed can be returned or not. The next record takes its place.
package wal
