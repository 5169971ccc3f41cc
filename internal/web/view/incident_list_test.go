package view_test

import (
	"strings"
	"testing"
	"time"

	"overdue/internal/web/view/incidentview"
)

func TestListRow_IsLoudOnlyIfNobodyWasNotified(t *testing.T) {
	partly := incidentview.AlertCounts{Delivered: 2, Pending: 1, Failed: 1}
	for name, c := range map[string]struct {
		row  incidentview.Row
		loud bool
		want string
	}{
		"some delivered":    {incidentview.Row{State: "open", Alerts: partly}, false, "2 of 4"},
		"none delivered":    {incidentview.Row{State: "open", Alerts: incidentview.AlertCounts{Failed: 2}}, true, "0 of 2"},
		"acknowledged":      {incidentview.Row{State: "acknowledged", Alerts: incidentview.AlertCounts{Failed: 2}}, false, "0 of 2"},
		"no channel at all": {incidentview.Row{State: "open"}, true, "None"},
	} {
		html := render(t, incidentview.ListRow(exampleClock(), c.row))
		if got := strings.Contains(html, `data-status="failed"`); got != c.loud || !strings.Contains(html, c.want) {
			t.Errorf("%s: loud %t, want %t, with %q:\n%s", name, got, c.loud, c.want, html)
		}
	}
}

func TestIncidentStats_OmitFiguresWithoutAValue(t *testing.T) {
	p := exampleIncidents()
	p.Stats = incidentview.Stats{Opened: 1, LongestDown: 200 * time.Millisecond}
	html := render(t, incidentview.List(p))
	if strings.Contains(html, "0s</dd>") || strings.Contains(html, "Typical") || !strings.Contains(html, "under 1s") {
		t.Error("the page shows a figure without a value, or a duration of 0s")
	}
}

func TestFoldDeliveries_KeepsSingleDeliveries(t *testing.T) {
	at := utc("2025-10-14T20:00:00Z")
	sent := incidentview.TimelineEntry{At: at, Tone: "delivered", Delivery: true}
	failed := incidentview.TimelineEntry{At: at, Tone: "failed", Delivery: true}
	opened := incidentview.TimelineEntry{At: at, Title: "Incident opened"}
	got := incidentview.FoldDeliveries([]incidentview.TimelineEntry{opened, sent, sent, failed, opened, sent})
	if len(got) != 4 || len(got[1].Folded) != 3 || got[1].Title != "Delivery attempts: 2 delivered, 1 rejected" || got[1].Tone != "failed" || len(got[3].Folded) != 0 {
		t.Errorf("got %+v", got)
	}
}
