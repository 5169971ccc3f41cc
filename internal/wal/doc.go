// Package journal keeps records that must outlive the power cord: what Append
// took is on disk when it returns, and Open gives it back after a crash.
//
//	           ┌── file 0  epoch 7 │ record │ record │ … old │ zeros ──┐
//	Journal ───┤                                                       ├── Open reads both, by epoch
//	           └── file 1  epoch 8 │ record │ ← Append                 ┘
//
// Two files take turns. Turn begins the other one; Forget says that all before
// the last turn is needed no more; Clear says that of everything. A file is
// written over from its beginning, under the next epoch, and is never made
// shorter: then a sync has no sizes and no free blocks to write, which is what
// makes it quick.
//
// It refuses to know what a record means, and to be used by two processes that
// write. Read looks at the files beside one that does.
//
// Invariants:
//
//   - what is given back is a run of records from the first one on, each whole
//     and in its order: the checksum of a record covers its epoch and its place,
//     so that what is left of an earlier round is never taken for a record;
//   - a record whose Append failed may be given back or not, and the next one
//     takes its place.
package wal
