// Package schedule says when the next ping of a heartbeat is due.
//
// It is the only place that knows about intervals, cron lines, systemd calendar
// expressions and time zones. A schedule is built once from what a person typed
// and then answers two questions, [Schedule.Next] and [Schedule.Prev].
//
// It refuses to read the clock, to wait, to store anything and to guess: an
// expression it cannot read is a [*Problem], a sentence for the person who typed
// it that says what to write instead.
//
// # How it is put together
//
//	Cron ──────┐                    ┌─ pattern   which wall-clock times match; knows no zone
//	           ├─▶ timetable ───────┤
//	OnCalendar ┘   (one per line)   ├─ span      a stretch of time with one UTC offset
//	                                └─ custom    what the scheduler does when the clock is put forward or back
//	Every ─────▶ interval
//
// # Invariants
//
//   - Schedules are values that never change; any number of goroutines may ask one.
//   - Slots are in UTC. Next is strictly after what it was given, Prev strictly before.
//   - Next and Prev walk the same set of slots: Prev(Next(t)) <= t and
//     Next(Prev(t)) >= t, and nothing lies in between.
//   - Slots of Cron and OnCalendar lie in the years 1970 to 2199, the years systemd
//     knows. That is the search horizon; the work of one call is bounded by it.
//   - What never comes, such as 31 February, is refused when the schedule is made.
//
// # When the clock changes
//
// A schedule is here to predict a scheduler, so it does what that scheduler does.
//
// Cron follows the cron of Debian (cron(8) and crontab(5), version 3.0pl1). When the
// clock goes forward by less than three hours, jobs with a fixed time that was
// skipped run at once after the change; when it goes back by up to three hours they
// do not run again. Jobs whose hour or minute starts with "*" just follow the
// clock on the wall. Bigger changes take effect without further ado.
//
// OnCalendar follows systemd 252 (systemd.time(7), systemd-analyze calendar). A time
// that the clock skips does not happen that day, and a time that comes twice counts
// the first time only, even for "hourly": a timer that has elapsed at 02:30 does
// not elapse at the second 02:30. A step that does not divide its unit passes over
// what systemd passes over, see overrun.
//
// # Where it knowingly differs
//
//   - systemd-analyze asked from within the second pass of a repeated hour, or from within
//     what a step passes over, goes on from there. A timer that kept running does
//     not come to be asked there, so we do not either.
//   - On the day of a change systemd 252 sometimes leaves out more than the gap, or takes the
//     second of two equal times: where winter is the exception (Dublin, Casablanca), where
//     the jump is not made on the hour (Chatham) or is longer than one (Troll), where the offset
//     changes for good (Volgograd), and for days counted from the end of the month. That is an
//     accident of its search; the rule above is kept instead.
//   - Debian cron needs up to ten seconds for each job it makes up for; here all are
//     due at the change.
package schedule
