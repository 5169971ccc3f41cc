// Package cli is what the operator types: the commands, their flags, where a
// setting comes from, and the exit code.
//
// It is the only place that knows the command line parser, and it holds no
// rules: the server's insides are called through one small struct (see
// insides), everything else goes through package client.
//
// What holds for every command:
//
//   - Exit code 0 means done, 1 failed, 2 wrongly used; "run" answers with the
//     exit code of its command instead.
//   - A flag beats the environment, which beats the file, which beats the
//     default. A setting that nobody knows is an error that names it, so that
//     a typing mistake never silently means "default". Only "run" merely warns:
//     a job must not fail because of the monitor.
//   - Standard output carries the answer and nothing else, so that it can be
//     piped; everything for people goes to standard error.
//   - Secrets are never printed, in messages least of all. The id in a ping URL
//     is one of them: standard error of a job ends in mails and logs.
//
// Where a setting comes from, in the order of asking:
//
//	--smtp-url  →  OVERDUE_SMTP_URL        →  smtp-url:      →  default
//	               OVERDUE_SMTP_URL_FILE      in the --config
//	               (secrets only)             file
//
// What "run" does, which is the one command with a life of its own:
//
//	listen for signals
//	start the child ──────────────▶ failed: tell the monitor 126 or 127, exit
//	  │    └─ start ping, in the background, retried at most --wait
//	  │  close inherited descriptors and standard input
//	  │
//	  │  a stream that goes to ...
//	  │    a terminal or device: the child has it itself, nothing is kept
//	  │    a regular file:       the child has it itself, outputFile reads its end
//	  │    anything else:        pipe ─▶ outputPipe.copyOutput ─┬─▶ where it goes, as it comes
//	  │                                               └─▶ tail, the last 100 kB
//	  │  our signals ────▶ the child
//	  ▼
//	the child has ended: from here on at most --wait for the monitor
//	  1. take the rest of the output, for a moment only
//	  2. let a start ping arrive, or drop it: never a start after its end
//	  3. end ping with exit code and tail; with a shorter tail, or none, if that
//	     does not get through; a failure is one line of warning
//	  4. write the rest of the output to a slow reader, however long it takes
//	  5. pass pipes that are still open to a process "overdue forward-output"
//	exit as the child did, or die of the same signal
//
// Promises of "run", each a test: the job starts without waiting for the
// monitor; its output arrives byte for byte; its exit code is ours, whether the
// pings arrive or not; a process that it leaves behind stays alive and delays
// nothing; nothing about the job is different (docs/decisions/0027).
package cli
