package view_test

import (
	"regexp"
	"strings"
	"testing"

	"overdue/internal/web/view"
)

// plain is a page as it reads, with blanks made single.
func plain(t *testing.T, p view.HeartbeatPage) string {
	t.Helper()
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(render(t, view.HeartbeatDetail(p)), " ")
	return strings.Join(strings.Fields(text), " ")
}

func TestExplanation_NamesTheRunsOfACalendar(t *testing.T) {
	got := plain(t, exampleCalendar())
	for _, want := range []string{
		"Last ping Tue 14 Oct 08:59:52 It counted for Tue 14 Oct 09:00:00 Due Wed 15 Oct 09:00:00 Must have started Wed 15 Oct 09:05:00 " +
			"The run that alerts Fri 17 Oct 09:00:00 + grace 10m Alert Fri 17 Oct 09:10:00",
		"Is the time zone right? Your pings arrive about 2 h after each slot",
		"Schedule at 03:00 on weekdays, America/New_York Next due Wed 15 Oct, 03:00 -04:00, America/New_York",
		"Min run time 2m Must start within 5m Alert after 3 bad runs in a row Early pings up to 1m 30s before",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
}

func TestExplanation_SaysThatAPingCountedForNoRun(t *testing.T) {
	p := exampleCalendar()
	p.Explanation = view.Explanation{Status: "up", LastPing: p.Explanation.LastPing, Calendar: true, Due: p.Explanation.Due, AlertingRun: p.Explanation.Due, Grace: p.Explanation.Grace, Alert: p.Explanation.Alert}
	got := plain(t, p)
	if !strings.Contains(got, "It counted for no run") || strings.Contains(got, "The run that alerts") {
		t.Error(got)
	}
}

func TestHeartbeatDetail_AnIntervalShowsNoCalendarSettings(t *testing.T) {
	got := plain(t, exampleDetail())
	for _, not := range []string{"Next due", "It counted for", "Early pings", "Alert after", "Must start", "Min run time"} {
		if strings.Contains(got, not) {
			t.Errorf("the page says %q", not)
		}
	}
}
