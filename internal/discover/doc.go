// Package discover finds the jobs that a machine runs on a schedule, and the
// lines that make them ping. It is the only place that knows how crontabs and
// systemd timers are written.
//
// It reads the crontabs of users, /etc/crontab, /etc/cron.d and timer units. It
// refuses to run a job, to speak to a server, and to guess: what it cannot read
// for certain is a job with a Problem, shown and never touched.
//
// # How it is put together
//
//	Machine.Discover ─▶ detect ─▶ rules     which daemons read the crontabs, and how
//	             ├▶ tables ─▶ crontab   text to entries; pure
//	             │            guards    what is in front of the work
//	             └▶ units ──▶ timer     text to a schedule; pure
//	                              │
//	                              ▼
//	                Found: Jobs, named ─▶ Plan(URLs) ─▶ Edit: before, after ─▶ Machine.Apply
//
// # Invariants
//
//   - A crontab line is changed in its command only. What stands before the command, what
//     follows the first unescaped %, and every other line stay byte for byte.
//   - A wrapped command is the same text, handed to the same shell, with the same
//     input, and the line exits with the same code. What cannot be wrapped so is refused.
//   - Nothing is written over a file that changed since it was read, a symlink, or
//     a file that others could have prepared; a copy is kept first, where no daemon looks.
//   - A line is offered only if every daemon that may read it runs it at the times that the
//     schedule says. What a guard would leave out is never wrapped.
//   - A job that pings already is never wired again.
//   - The service of a timer reports ends, not attempts: what is neither a success nor a
//     failure is only logged, and the deadline decides.
//   - Names and slugs depend on what the crontabs say, not on the order of reading.
//     Arguments that may be secrets never become part of a name.
//
// The languages of crontabs are those of cron 3.0pl1-162 of Debian, cronie 1.6 and 1.7, bcron 0.11,
// busybox 1.35 and systemd-cron 1.15 and 2.5; e2e/cron runs them. That of units is systemd.syntax(7), systemd.unit(5),
// systemd.timer(5) and systemd.service(5) of systemd 252, with the settings of [Timer] up to 258.
package discover
