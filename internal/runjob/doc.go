// Package runjob runs a command between two pings. It is the only place that
// starts the jobs of "overdue run" and handles their output and signals.
//
//	listen for signals
//	start the child ──────────────▶ failed: ping with 126 or 127, exit
//	  │    └─ start ping, in the background, retried for at most Wait
//	  │  close inherited descriptors and standard input
//	  │
//	  │  a stream that goes to ...
//	  │    a terminal or device: the child has it itself, nothing is kept
//	  │    a regular file:       the child has it itself, outputFile reads its end
//	  │    anything else:        pipe ─▶ outputPipe ─┬─▶ destination, at once
//	  │                                              └─▶ TailBuffer, the last 100 kB
//	  │  our signals ────▶ the child
//	  ▼
//	the child has ended: from here on, pings take at most Wait
//	  1. read the rest of the output, for a moment only
//	  2. wait for the start ping or cancel it: a start never follows its finish
//	  3. send the finish ping with exit code and output; if that fails, with less
//	     output, or none; a failure is one line of warning
//	  4. write the rest of the output to a slow reader, however long it takes
//	  5. hand pipes that are still open to a process "overdue forward-output"
//	exit as the child did, or by the same signal
//
// Promises, each a test: the job starts without waiting for the monitor; its output
// arrives byte for byte; its exit code is ours, whether the pings arrive or not; a
// process that it leaves in the background stays alive and delays nothing; nothing
// about the job is different (docs/decisions/0027).
package runjob
