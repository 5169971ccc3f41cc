// Package schedule calculates when the next ping of a heartbeat is due.
//
// It is the only place that knows intervals, cron lines, systemd calendar expressions and time
// zones. A schedule is parsed once and then answers two questions, [Schedule.Next] and
// [Schedule.Prev].
//
// It never reads the clock, waits or stores anything, and it never guesses: an expression that it
// cannot parse is a [*Problem], a sentence for the user that says what to write instead.
//
// # Structure
//
//	Cron ──────┐                         ┌─ pattern               which wall clock times match, without a zone
//	           ├─▶ lineSchedule ─────────┤
//	OnCalendar ┘   (one per line)        ├─ wallclock.OffsetSpan  a period with one UTC offset
//	                                     └─ clockChangePolicy     what the scheduler does when the clock changes
//	Every ─────▶ interval
//
// # Invariants
//
//   - Schedules are immutable and safe for concurrent use.
//   - Slots are in UTC. Next is strictly after its argument, Prev strictly before.
//   - Next and Prev return the same set of slots: Prev(Next(t)) <= t and Next(Prev(t)) >= t, and no
//     slot lies between.
//   - Slots of Cron and OnCalendar are in the years 1970 to 2199, the range of systemd. This bounds the
//     work of one call.
//   - An expression without any slot, such as 31 February, is rejected by the parser.
//
// # Clock changes
//
// A schedule predicts a scheduler, so it does what that scheduler does.
//
// Cron follows the cron of Debian (cron(8) and crontab(5), version 3.0pl1). If the clock goes
// forward by less than three hours, jobs with a fixed time that was skipped run directly after the
// change. If it goes back by up to three hours, they do not run again. Jobs whose hour or minute
// starts with "*" follow the wall clock. Larger changes get no special treatment.
//
// OnCalendar follows systemd 252 (systemd.time(7), systemd-analyze calendar). A time that the clock
// skips does not occur on that day. A time that occurs twice counts only the first time, even for
// "hourly": a timer that has elapsed at 02:30 does not elapse at the second 02:30. A step that does
// not divide its unit skips what systemd skips, see stepOverrun.
//
// # Known differences
//
//   - systemd-analyze continues from the given time if that lies in the second pass of a repeated hour, or
//     in a period that a step skips. A timer that keeps running never starts there, so neither do we.
//   - On the day of a change, systemd 252 sometimes skips more than the gap, or uses the second of two
//     equal times: in zones where winter is the exception (Dublin, Casablanca), where the change is not on
//     the hour (Chatham) or is longer than an hour (Troll), where the offset changes permanently (Volgograd),
//     and for days counted from the end of the month. This is a side effect of its search. We keep the rule
//     above.
//   - Debian cron takes up to ten seconds for each job that it runs after a change. Here all are due at the
//     change.
package schedule
