package api

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/client"
	"overdue/internal/monitor"
)

func TestChangeHeartbeat_ANewScheduleReplacesTheOther(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{
			Name: new("Backup"), Cron: &[]string{"0  3 * * *", "", "30 4 * * mon"}, Timezone: new("US/Eastern"), Early: 0,
			MinRunTime: "1m", StartGrace: 60, AlertAfter: new(3), ExpectFirstBy: new("2126-01-02T03:04:05.5+01:00"),
		})
		if err != nil {
			t.Fatal(err)
		}
		want := h
		want.Interval, want.Cron, want.OnCalendar, want.Timezone = nil, []string{"0 3 * * *", "30 4 * * mon"}, nil, new("US/Eastern")
		want.Early, want.MinRunTime, want.StartGrace, want.AlertAfter = new(int64(0)), new(int64(60)), new(int64(60)), 3
		want.ExpectFirstBy = new(time.Date(2126, 1, 2, 2, 4, 5, 5e8, time.UTC))
		if diff := cmp.Diff(want, h); diff != "" || !strings.Contains(h.Schedule, "America/New_York") {
			t.Error(diff, h.Schedule)
		}
		for _, step := range []struct {
			body     string
			interval *int64
			cron, on []string
			zone     *string
		}{
			{`{"timezone": "Europe/Berlin"}`, nil, want.Cron, nil, new("Europe/Berlin")},
			{`{"cron": ["@daily"]}`, nil, []string{"@daily"}, nil, new("Europe/Berlin")},
			{`{"oncalendar": ["Mon..Fri 03:00"], "cron": null, "timezone": null}`, nil, nil, []string{"Mon..Fri 03:00"}, new("UTC")},
			{`{"interval": 60, "oncalendar": null, "timezone": null}`, new(int64(60)), nil, nil, nil},
			{`{"cron": ["0 3 * * *"], "interval": null}`, nil, []string{"0 3 * * *"}, nil, new("UTC")},
			{`{"early": null, "min_run_time": null, "start_grace": null, "expect_first_by": null, "interval": 90}`, new(int64(90)), nil, nil, nil},
			{`{"cron": [], "oncalendar": [], "interval": 120}`, new(int64(120)), nil, nil, nil},
		} {
			if r := w.request("read-write", "PATCH", "/api/v1/heartbeats/"+*h.ID, step.body); r.status != 200 {
				t.Fatalf("%s: %d %s", step.body, r.status, r.body)
			}
			got, err := c.Heartbeat(t.Context(), *h.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{step.interval, step.cron, step.on, step.zone}, []any{got.Interval, got.Cron, got.OnCalendar, got.Timezone}); diff != "" {
				t.Errorf("%s:\n%s", step.body, diff)
			}
		}
		got, err := c.Heartbeat(t.Context(), *h.ID)
		if err != nil || got.Early != nil || got.MinRunTime != nil || got.StartGrace != nil || got.ExpectFirstBy != nil || got.AlertAfter != 3 {
			t.Errorf("%v, %+v; want all but alert_after gone", err, got)
		}
	})
}

func TestCreateHeartbeat_ScheduleFaultsNameTheMemberAndLine(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		calendar := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/c", `{"oncalendar": ["daily"]}`)
		if calendar.status != 201 {
			t.Fatal(calendar.body)
		}
		for _, row := range []struct{ slug, body, at, says string }{
			{"i", `{"interval": 60, "cron": ["* * * * *"]}`, "body.cron", "one of interval, cron and oncalendar"},
			{"i", `{"cron": ["* * * * *"], "oncalendar": ["daily"]}`, "body.oncalendar", "one of"},
			{"i", `{"cron": ["* * * * *", "0 25 * * *"]}`, "body.cron[1]", "25"},
			{"i", `{"cron": ["@reboot"]}`, "body.cron[0]", "use an interval instead"},
			{"i", `{"cron": []}`, "body.cron", "The schedule is empty"},
			{"i", `{"oncalendar": []}`, "body.oncalendar", "The schedule is empty"},
			{"i", `{"oncalendar": ["Mon..Fri 3"]}`, "body.oncalendar[0]", "3"},
			{"i", `{"cron": ["@daily"], "timezone": "CEST"}`, "body.timezone", "Europe/Berlin"},
			{"i", `{"interval": 60, "timezone": "UTC"}`, "body.timezone", "An interval has no time zone"},
			{"i", `{"timezone": "UTC"}`, "body.timezone", "An interval has no time zone"},
			{"c", `{"oncalendar": null}`, "body.oncalendar", "A schedule is required"},
			{"i", `{"max_run_time": 60, "min_run_time": 60}`, "body.min_run_time", "less than the maximum"},
			{"i", `{"alert_after": 101}`, "body.alert_after", "between 1 and 100"},
			{"i", `{"alert_after": "two"}`, "body.alert_after", "whole number"},
			{"i", `{"expect_first_by": "2020-01-01T00:00:00Z"}`, "body.expect_first_by", "in the future"},
		} {
			if row.slug == "i" {
				w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/i", `{"interval": 60}`)
			}
			r := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/"+row.slug, row.body)
			if p := problem(t, r); p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != row.at || !strings.Contains(p.Errors[0].Message, row.says) {
				t.Errorf("%s: %d %+v", row.body, r.status, p.Errors)
			}
		}
	})
}

func TestListRuns_IsNewestFirstWithUptime(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h := w.heartbeat("Backup") // interval 1 h, grace period 10 min
		// Two hours within one day in UTC: from 02:00 yesterday.
		start := time.Now().UTC().Truncate(24 * time.Hour).Add(-22 * time.Hour)
		at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
		for _, p := range []monitor.Ping{
			{Kind: monitor.PingSuccess, At: at(0)},
			{Kind: monitor.PingSuccess, At: at(60)},
			{Kind: monitor.PingSuccess, At: at(125)},
			{Kind: monitor.PingFail, At: at(185)},
			{Kind: monitor.PingSuccess, At: at(425)},
		} {
			p.Method = "POST"
			w.ping(h, p)
		}
		for _, key := range []string{"read-only", "read-write"} {
			c := w.client(key)
			page, err := c.Runs(t.Context(), h.Ref, client.RunQuery{PageQuery: client.PageQuery{Limit: 200}})
			if err != nil {
				t.Fatal(err)
			}
			var told []client.Run
			for _, r := range page.Items {
				if !r.Slot.After(at(425)) {
					told = append(told, r)
				}
			}
			want := []client.Run{
				{Slot: at(425), Until: at(425), Count: 1, Outcome: "on_time", At: new(at(425))},
				{Slot: at(245), Until: at(365), Count: 3, Outcome: "missed"},
				{Slot: at(185), Until: at(185), Count: 1, Outcome: "failed", At: new(at(185))},
				{Slot: at(120), Until: at(120), Count: 1, Outcome: "late", LateBy: new(int64(300)), At: new(at(125))},
				{Slot: at(0), Until: at(60), Count: 2, Outcome: "on_time", At: new(at(60))},
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("as %s (-want +got):\n%s", key, diff)
			}
			silent := int64(0)
			for _, r := range page.Items[:len(page.Items)-len(told)] {
				if r.Outcome != "missed" || r.At != nil {
					t.Errorf("since the last ping: %+v", r)
				}
				silent += r.Count
			}
			if silent < 10 || page.Uptime != (client.Uptime{Expected: 8 + silent, Good: 4}) {
				t.Errorf("uptime %+v beside %d silent slots; want 4 good ones of 8 and those", page.Uptime, silent)
			}
			var walked []client.Run
			q := client.RunQuery{Since: at(120), PageQuery: client.PageQuery{Limit: 2}}
			for range len(page.Items) {
				part, err := c.Runs(t.Context(), h.Ref, q)
				if err != nil {
					t.Fatal(err)
				}
				walked = append(walked, part.Items...)
				if part.NextCursor == nil {
					break
				}
				q.Cursor = *part.NextCursor
			}
			if diff := cmp.Diff(page.Items[:len(page.Items)-1], walked); diff != "" {
				t.Errorf("page by page since two hours in (-want +got):\n%s", diff)
			}
		}
	})
}

func TestExplainHeartbeat_HintsAtAWrongTimeZoneAndShowsAnEarlyPing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: new("x"), Cron: &[]string{"0 3 * * *"}})
		if err != nil {
			t.Fatal(err)
		}
		day := time.Now().UTC().Truncate(24 * time.Hour)
		for n := range 5 {
			w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST", At: day.AddDate(0, 0, n+1).Add(5 * time.Hour)})
		}
		why, err := c.ExplainHeartbeat(t.Context(), *h.ID)
		if err != nil || why.Hint == nil || !strings.Contains(*why.Hint, "2 h after each slot") || why.EarlyFor != nil || *why.Timezone != "UTC" {
			t.Fatalf("%v, %+v", err, why)
		}
		slot := day.AddDate(0, 0, 6).Add(3 * time.Hour)
		w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST", At: slot.Add(-time.Minute)})
		why, err = c.ExplainHeartbeat(t.Context(), *h.ID)
		if err != nil || why.Hint != nil || why.EarlyFor == nil || !why.EarlyFor.Equal(slot) || *why.EarlyCredit != 60 || !why.DueAt.Equal(slot.AddDate(0, 0, 1)) {
			t.Errorf("%v, %+v; want a minute early for %v", err, why, slot)
		}
	})
}
