package cli

import "testing"

func TestSchedule_NeedsNoServer(t *testing.T) {
	for _, c := range []struct {
		args []string
		want commandResult
	}{
		{[]string{"30 2 * * *", "--timezone", "Europe/Berlin", "--count", "2", "--after", "2027-03-27T00:00:00Z"}, commandResult{0, `at 02:30 every day, Europe/Berlin

        LOCAL                           UTC
before  Thu 2027-03-25 02:30:00 +01:00  2027-03-25 01:30:00
before  Fri 2027-03-26 02:30:00 +01:00  2027-03-26 01:30:00
next    Sat 2027-03-27 02:30:00 +01:00  2027-03-27 01:30:00
next    Sun 2027-03-28 03:00:00 +02:00  2027-03-28 01:00:00

On Sunday 28 March 2027 the clock skips 02:30. The run is due at 03:00 instead.

On Sunday 31 October 2027 the clock shows 02:30 twice. The run is due the first time only.
`, ""}},
		{[]string{"--oncalendar", "2020-01-01 10:00"}, commandResult{0, `once, at 10:00 on 1 January 2020, UTC

        LOCAL                           UTC
before  Wed 2020-01-01 10:00:00 +00:00  2020-01-01 10:00:00
`, ""}},
		{[]string{"0 3 * * *", "0 25 * * *"}, commandResult{2, "", "overdue: line 2: hour 25 is out of range: hours go from 0 to 23\n"}},
		{[]string{"0 3 * *"}, commandResult{2, "", "overdue: “0 3 * *” has 4 of 5 fields: write minute, hour, day of month, month and day of week, such as 0 3 * * *\n"}},
		{[]string{"0 0 12 ? * MON-FRI"}, commandResult{2, "", "overdue: “0 0 12 ? * MON-FRI” looks like a Quartz or Spring expression: write 0 12 * * 1-5\n  overdue schedule \"0 12 * * 1-5\" (Quartz or Spring)\n"}},
		{[]string{"rate(5 minutes)"}, commandResult{2, "", "overdue: “rate(5 minutes)” is an interval in the syntax of Amazon EventBridge: use an interval of 5\u00a0min\n  interval 5m, for heartbeats create --interval (Amazon EventBridge)\n"}},
		{[]string{"TZ=Asia/Tokyo 0 3 * * *"}, commandResult{2, "", "overdue: a cron line cannot contain a time zone: set the time zone to Asia/Tokyo, and write 0 3 * * *\n  overdue schedule \"0 3 * * *\" --timezone Asia/Tokyo (robfig/cron)\n"}},
		{[]string{"Mon..Fri 03:00"}, commandResult{2, "", "overdue: “Mon..Fri 03:00” is a systemd calendar expression: write it as OnCalendar\n  overdue schedule --oncalendar \"Mon..Fri 03:00\" (systemd)\n"}},
		{[]string{"@daily", "--timezone", "CEST"}, commandResult{2, "", "overdue: --timezone: “CEST” is not a time zone name: write a name such as Europe/Berlin\n"}},
		{[]string{"@daily", "--after", "noon"}, commandResult{2, "", "overdue: --after noon: write a time with its offset, such as 2026-03-14T02:00:00Z\n"}},
		{[]string{"@daily", "--count", "1001"}, commandResult{2, "", "overdue: --count 1001: must be 1 to 1000\n"}},
	} {
		if got := runOverdue(backend{}, append([]string{"schedule"}, c.args...)...); got != c.want {
			t.Errorf("%q: got %+v\nwant %+v", c.args, got, c.want)
		}
	}
}
