// Package discover finds the jobs that a machine runs on a schedule, and writes the lines that make
// them ping. With its subpackages crontab and systemd, it is the only place that knows how crontabs
// and systemd timers are written.
//
// It reads the crontabs of users, /etc/crontab, /etc/cron.d and timer units. It never runs a job,
// connects to a server, or guesses: what it cannot read with certainty is a job with a Problem,
// which is shown and never edited.
//
// # Structure
//
//	Machine.Discover ─▶ detectDaemons ─▶ crontab.DaemonRules  which daemons read the crontabs, and how
//	                 ├▶ readCrontabs ──▶ crontab.Parse        text to entries; pure
//	                 │                   splitGuard           tests in front of the command
//	                 └▶ readTimers ────▶ systemd.Unit         text to settings and a schedule; pure
//	                                         │
//	                                         ▼
//	       Result: Jobs with names ─▶ PlanEdits(URLs) ─▶ Edit: before, after ─▶ Machine.Apply
//
// # Invariants
//
//   - An edit changes only the command of a crontab line. The text before the command, the text after the
//     first unescaped %, and every other line stay the same, byte for byte.
//   - A wrapped command is the same text, run by the same shell with the same input, and the line exits
//     with the same code. A command that cannot be wrapped in this way is rejected.
//   - Nothing overwrites a file that changed since it was read, a symlink, or a file that other users could
//     have prepared. A backup is written first, where no daemon reads it.
//   - A line is offered only if every daemon that may read it runs it at the times of the schedule. A run
//     that a guard skips sends no ping.
//   - A job that already pings is never edited again.
//   - The service of a timer reports the end of a run, not attempts. An end that is neither a success nor a
//     failure is only logged, and the deadline decides.
//   - Names and slugs depend on the content of the crontabs, not on the order of reading. Arguments that can
//     be secrets never become part of a name.
//
// The crontab syntax is that of Debian's cron 3.0pl1-162, cronie 1.6 and 1.7, bcron 0.11, busybox
// 1.35 and systemd-cron 1.15 and 2.5; e2e/cron runs them. The unit syntax is systemd.syntax(7),
// systemd.unit(5), systemd.timer(5) and systemd.service(5) of systemd 252, with the settings of
// [Timer] up to 258.
package discover
