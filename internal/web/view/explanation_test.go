package view_test

import (
	"regexp"
	"strings"
	"testing"

	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/ui"
)

// explanationText returns the text of a page, with single spaces.
func explanationText(t *testing.T, p heartbeatview.DetailPage) string {
	t.Helper()
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(render(t, heartbeatview.Detail(p)), " ")
	return strings.Join(strings.Fields(text), " ")
}

func TestExplanationSection_NamesTheRunsOfACalendar(t *testing.T) {
	got := explanationText(t, exampleCalendar())
	for _, want := range []string{
		"Last ping Tue 14 Oct 08:59:52 Counted for Tue 14 Oct 09:00:00 Due Wed 15 Oct 09:00:00 Must start by Wed 15 Oct 09:05:00 " +
			"Run that alerts Fri 17 Oct 09:00:00 + grace 10m Alert Fri 17 Oct 09:10:00",
		"Is the time zone right? Your pings arrive about 2 h after each slot",
		"Schedule at 03:00 on weekdays, America/New_York Next due Wed 15 Oct, 03:00 -04:00, America/New_York",
		"Minimum run time 2m Must start within 5m Alert after 3 consecutive failed runs Early pings up to 1m 30s before",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
}

func TestExplanationSection_SaysThatAPingCountedForNoRun(t *testing.T) {
	p := exampleCalendar()
	p.Explanation = ui.Explanation{Status: "up", LastPing: p.Explanation.LastPing, Calendar: true, Due: p.Explanation.Due, AlertingRun: p.Explanation.Due, Grace: p.Explanation.Grace, Alert: p.Explanation.Alert}
	got := explanationText(t, p)
	if !strings.Contains(got, "Counted for no run") || strings.Contains(got, "Run that alerts") {
		t.Error(got)
	}
}

func TestDetail_AnIntervalShowsNoCalendarSettings(t *testing.T) {
	got := explanationText(t, exampleDetail())
	for _, not := range []string{"Next due", "Counted for", "Early pings", "Alert after", "Must start", "Minimum run time"} {
		if strings.Contains(got, not) {
			t.Errorf("the page says %q", not)
		}
	}
}
