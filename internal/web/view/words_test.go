package view_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"overdue/internal/web/view"
)

const (
	s = time.Second
	m = time.Minute
	h = time.Hour
	d = 24 * time.Hour
)

// said checks one way of saying a duration against a table.
func said(t *testing.T, say func(time.Duration) string, want map[time.Duration]string) {
	t.Helper()
	for in, words := range want {
		if got := say(in); got != words {
			t.Errorf("%v reads %q; want %q", in, got, words)
		}
	}
}

func TestElapsed_RoundsDown(t *testing.T) {
	said(t, view.Elapsed, map[time.Duration]string{
		-3 * s: "0s", 0: "0s", 999 * time.Millisecond: "0s", 41*s + 900*time.Millisecond: "41s", 59 * s: "59s", m: "1m",
		3*m + 44*s: "3m", 7*m + 59*s: "7m", h: "1h", 4*h + 51*m + 59*s: "4h 51m", 2*h + 30*s: "2h", d: "1d",
		2*d + 3*h + 59*m: "2d 3h", 41 * d: "41d", 3*d + 59*m: "3d",
	})
}

func TestRemaining_RoundsUp(t *testing.T) {
	said(t, view.Remaining, map[time.Duration]string{
		-s: "0s", 0: "0s", time.Millisecond: "1s", 22 * s: "22s", 59*s + 1: "1m", 61 * s: "2m", 6*m + 16*s: "7m",
		4*h + 50*m + 1*s: "4h 51m", 59*m + 1*s: "1h", 23*h + 59*m + 1*s: "1d", d + 1*s: "1d 1h", 4*d + 5*h + 50*m: "4d 6h",
	})
}

func TestElapsed_AndRemainingAddUpToTheGracePeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grace := time.Duration(rapid.IntRange(2, 23*60).Draw(t, "grace")) * m
		late := time.Duration(rapid.Int64Range(int64(m), int64(grace-m)).Draw(t, "late"))
		a, errA := time.ParseDuration(squeeze(view.Elapsed(late)))
		b, errB := time.ParseDuration(squeeze(view.Remaining(grace - late)))
		if errA != nil || errB != nil || a+b != grace {
			t.Fatalf("late by %s and down in %s do not make %v", view.Elapsed(late), view.Remaining(grace-late), grace)
		}
	})
}

// squeeze makes "4h 51m" what time.ParseDuration reads.
func squeeze(words string) string {
	var b []rune
	for _, r := range words {
		if r != ' ' {
			b = append(b, r)
		}
	}
	return string(b)
}

func TestRunTime_ShowsSecondsAndTenths(t *testing.T) {
	said(t, view.RunTime, map[time.Duration]string{
		0: "0s", 400 * time.Millisecond: "0.4s", 38 * s: "38s", 4*m + 12*s: "4m 12s", 46*m + 58*s: "46m 58s",
		2*h + 14*m + 9*s: "2h 14m", 2 * m: "2m",
	})
}

func TestExactDuration_CanBeTypedAgain(t *testing.T) {
	said(t, view.ExactDuration, map[time.Duration]string{
		0: "0s", 30 * s: "30s", 10 * m: "10m", 90 * m: "1h 30m", 24 * h: "24h", 36 * h: "36h", 48 * h: "48h", 72 * h: "3d",
		3*d + 12*h: "3d 12h", h + 30*m + 15*s: "1h 30m 15s", 7 * d: "7d", d + 5*s: "1d 5s",
	})
}

func TestAgo_UsesOneUnit(t *testing.T) {
	said(t, view.Ago, map[time.Duration]string{
		-m: "just now", 0: "just now", 4*s + 999*time.Millisecond: "just now", 5 * s: "5s ago", 38 * s: "38s ago", 18*m + 44*s: "18m ago",
		19*h + 9*m: "19h ago", 3*d + 12*h: "3d ago",
	})
}

func TestLatency_HasOneDecimal(t *testing.T) {
	said(t, view.Latency, map[time.Duration]string{
		800 * time.Millisecond: "0.8\u00a0s", 10 * s: "10.0\u00a0s", 0: "<\u00a00.1\u00a0s", 49 * time.Millisecond: "<\u00a00.1\u00a0s", 50 * time.Millisecond: "0.1\u00a0s",
	})
}

func TestCount_HasThousandsSeparators(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1284: "1,284", 1234567: "1,234,567", -1284: "-1,284", -100: "-100"} {
		if got := view.Count(n); got != want {
			t.Errorf("%d reads %q; want %q", n, got, want)
		}
	}
	if got := view.Plural(1, "ping") + ", " + view.Plural(1137, "ping") + ", " + view.Plural(0, "ping"); got != "1 ping, 1,137 pings, 0 pings" {
		t.Errorf("nouns read %q", got)
	}
}

func TestRange_ShowsFirstLastAndTotal(t *testing.T) {
	for _, c := range []struct {
		first, last, total int
		want               string
	}{{1, 25, 1284, "1–25 of 1,284"}, {1, 0, 0, "None"}, {26, 50, -1, "26–50"}, {1, 1, 1, "1–1 of 1"}} {
		if got := view.Range(c.first, c.last, c.total); got != c.want {
			t.Errorf("range reads %q; want %q", got, c.want)
		}
	}
}

func TestJoinWords_EndsWithAnd(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "Slack": {"Slack"}, "Slack and email": {"Slack", "email"}, "Slack, PagerDuty and email": {"Slack", "PagerDuty", "email"}} {
		if got := view.JoinWords(words); got != want {
			t.Errorf("%v reads %q; want %q", words, got, want)
		}
	}
}

func TestClock_ShowsTimesInTheZoneOfTheProject(t *testing.T) {
	c := exampleClock()
	at, old := utc("2025-10-14T17:54:13Z"), utc("2024-12-31T23:30:00Z")
	for _, w := range []struct{ got, want string }{
		{c.Time(at), "19:54:13"},
		{c.Minute(at), "19:54"},
		{c.Date(at), "Tue 14 Oct"},
		{c.DateTime(at), "Tue 14 Oct, 19:54:13"},
		{c.ShortDateTime(at), "Tue 14 Oct, 19:54"},
		{c.FullDateTime(at), "Tue 14 Oct 2025, 19:54:13"},
		{c.Spoken(at), "Tuesday 19:54:13"},
		{c.Date(old), "Wed 1 Jan"}, // in Berlin it is this year already
		{c.Day(old.Add(-24 * time.Hour)), "31 Dec 2024"},
		{c.Since(at), "2h 14m"},
		{c.Until(utc("2025-10-15T01:00:04Z")), "4h 51m"},
		{c.Ago(utc("2025-10-14T01:00:04Z")), "19h ago"},
		{c.FormTime(at), "2025-10-14T19:54"},
		{c.FormTime(time.Time{}), ""},
		{c.ZoneName(), "Europe/Berlin"},
		{view.Clock{Now: c.Now}.Time(at), "17:54:13"},
		{view.Clock{}.ZoneName(), "UTC"},
	} {
		if w.got != w.want {
			t.Errorf("reads %q; want %q", w.got, w.want)
		}
	}
}

func TestTitlesAnnouncementsAndCauses_UseTheProductsTerms(t *testing.T) {
	for _, w := range []struct{ got, want string }{
		{view.PageTitle("Heartbeats", "Production", 2), "(2 down) Heartbeats · Production · Overdue"},
		{view.PageTitle("Heartbeats", "Production", 0), "Heartbeats · Production · Overdue"},
		{view.Announcement("Warehouse stock sync", "down"), "Warehouse stock sync is Down"},
		{view.Cause("missed"), "Missed ping"},
		{view.Cause("failure"), "Reported failure"},
		{view.Cause("overran"), "Ran too long"},
		{view.Cause("something new"), "something new"},
		{view.IncidentTitle("Nightly backup", "missed"), "Nightly backup missed its ping"},
		{view.IncidentTitle("Nightly backup", "something new"), "Nightly backup went Down"},
	} {
		if w.got != w.want {
			t.Errorf("reads %q; want %q", w.got, w.want)
		}
	}
}
