package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
)

func TestPreviewSchedule_UsesTheOffsetsOfItsZone(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		after := time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC)
		got, err := w.client("read-only").PreviewSchedule(t.Context(), client.ScheduleQuery{
			Cron: []string{"30 2 * * *"}, Timezone: "Europe/Berlin", After: &after, Count: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		slot := func(local string) client.Slot {
			at, err := time.Parse(time.RFC3339, local)
			if err != nil {
				t.Fatal(err)
			}
			return client.Slot{At: at.UTC(), Local: local}
		}
		want := client.SchedulePreview{
			Words: "at 02:30 every day, Europe/Berlin", Timezone: new("Europe/Berlin"),
			Next:     []client.Slot{slot("2027-03-27T02:30:00+01:00"), slot("2027-03-28T03:00:00+02:00"), slot("2027-03-29T02:30:00+02:00")},
			Previous: []client.Slot{slot("2027-03-26T02:30:00+01:00"), slot("2027-03-25T02:30:00+01:00"), slot("2027-03-24T02:30:00+01:00")},
			ClockChanges: []client.ClockChange{{
				At: time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC), Timezone: "Europe/Berlin", Effect: "made_up",
				Text: "On Sunday 28 March 2027 the clock skips 02:30. The run is due at 03:00 instead.",
			}, {
				At: time.Date(2027, 10, 31, 1, 0, 0, 0, time.UTC), Timezone: "Europe/Berlin", Effect: "once",
				Text: "On Sunday 31 October 2027 the clock shows 02:30 twice. The run is due the first time only.",
			}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPreviewSchedule_AcceptsEveryKindOfSchedule(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for body, want := range map[string]string{
			`{"interval": "1d"}`: `"words":"every 24` + "\u00a0" + `h","timezone":null,"next":[{"at":`,
			`{"interval": 60, "after": "2026-06-10T12:00:00+02:00"}`:          `"next":[{"at":"2026-06-10T10:01:00Z","local":"2026-06-10T10:01:00Z"},`,
			`{"interval": 60, "timezone": "Asia/Tokyo"}`:                      `+09:00"}`,
			`{"cron": "*/15 * * * *"}`:                                        `"words":"every 15` + "\u00a0" + `min","timezone":"UTC"`,
			`{"cron": ["0 3 * * *", "0 5 * * *"], "timezone": "Europe/Kiev"}`: `"timezone":"Europe/Kyiv"`,
			`{"oncalendar": ["Mon..Fri 03:00"]}`:                              `"words":"at 03:00 on weekdays, UTC"`,
			`{"oncalendar": "2020-01-01 10:00"}`:                              `"next":[],"previous":[{"at":"2020-01-01T10:00:00Z"`,
		} {
			r := w.request("read-only", "POST", "/api/v1/schedules/preview", body)
			if r.status != 200 || !strings.Contains(r.body, want) {
				t.Errorf("%s: %d %s\nwant %s", body, r.status, r.body, want)
			}
		}
		r := w.request("read-only", "POST", "/api/v1/schedules/preview", `{"cron": ["0 3 * * *"], "count": 50}`)
		var p client.SchedulePreview
		if err := json.Unmarshal([]byte(r.body), &p); err != nil || len(p.Next) != 50 || len(p.Previous) != 50 {
			t.Errorf("%v: %d and %d slots", err, len(p.Next), len(p.Previous))
		}
	})
}

func TestCreateHeartbeat_SignalsWhenTheFirstPingIsDue(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		by := time.Now().UTC().Add(time.Hour).Truncate(time.Second)
		for method, path := range map[string]string{"POST": "/api/v1/heartbeats", "PUT": "/api/v1/heartbeats/by-slug/expected"} {
			w.dueSignals = nil
			r := w.request("read-write", method, path, `{"name": "x", "interval": "1h", "expect_first_by": "`+by.Format(time.RFC3339)+`"}`)
			if r.status != 201 || len(w.dueSignals) != 1 || !w.dueSignals[0].Equal(by) {
				t.Errorf("%s: %d, told of %v; want %s", method, r.status, w.dueSignals, by)
			}
		}
	})
}

func TestPreviewSchedule_ASingleLineNeedsNoList(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		r := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/one-line", `{"cron": "0 3 * * *", "oncalendar": null}`)
		if r.status != 201 || !strings.Contains(r.body, `"cron":["0 3 * * *"]`) {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

func TestPreviewSchedule_FaultsNameTheMemberAndLine(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for body, want := range map[string]map[string]string{
			`{"cron": ["0 3 * * *", "", "0 25 * * *"]}`: {"body.cron[2]": "Hour 25 is out of range: hours go from 0 to 23."},
			`{"oncalendar": ["Mon..Fry 03:00"]}`:        {"body.oncalendar[0]": ""},
			`{"cron": []}`:                              {"body.cron": "The schedule is empty: write a cron line such as 0 3 * * *."},
			`{"cron": [1]}`:                             {"body.cron": "Must be a list of strings, one for each line."},
			`{}`:                                        {"body.interval": "A schedule is required: set interval, such as 24h, or cron or oncalendar."},
			`{"interval": 60, "cron": "@daily"}`:        {"body.cron": "Set only one schedule: omit interval or cron."},
			`{"interval": 0}`:                           {"body.interval": ""},
			`{"interval": 60, "timezone": "CEST", "after": "tomorrow", "count": 51, "zone": "UTC"}`: {
				"body.timezone": "", "body.after": "Enter a time with its offset, such as 2026-03-14T02:00:00Z.", "body.count": "count must be between 1 and 50.", "body.zone": "",
			},
			`{"interval": 60, "count": "5"}`: {"body.count": "Must be a whole number."},
		} {
			r := w.request("read-only", "POST", "/api/v1/schedules/preview", body)
			got := map[string]string{}
			p := problem(t, r)
			for _, e := range p.Errors {
				got[e.Location] = e.Message
				if text, known := want[e.Location]; known && text == "" {
					got[e.Location] = "" // any sentence
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || r.status != 422 {
				t.Errorf("%s: %d %s", body, r.status, diff)
			}
		}
	})
}

// FuzzPreviewSchedule searches for a request that breaks the endpoint, or keeps it busy.
func FuzzPreviewSchedule(f *testing.F) {
	for _, body := range []string{
		`{"cron": ["0 0 29 2 1#5", "*/7 * * * *"], "count": 50}`, `{"oncalendar": ["*:*:0/0.000001", "2199-12-31"], "after": "2199-12-31T23:59:59Z"}`,
		`{"interval": "366d", "after": "9999-12-31T23:59:59Z", "count": 50}`, `{"cron": "30 2 * * *", "timezone": "Africa/Casablanca", "after": "0000-01-01T00:00:00Z"}`,
		`{"oncalendar": ["Wed *-*~1..7/3 *:1/59:58/59"], "timezone": "Antarctica/Troll", "after": "1969-12-31T00:00:00-12:00"}`,
	} {
		f.Add(body)
	}
	a := &API{Options: Options{Service: manage.New(manage.Options{})}} // it needs no database
	who := auth.Operator(monitor.Project{Zone: "Europe/Berlin"}, "root")
	f.Fuzz(func(t *testing.T, body string) {
		began := time.Now()
		out, err := a.previewSchedule(t.Context(), who, &JSONBody{RawBody: []byte(body)})
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("it took %s", took)
		}
		if err != nil {
			if _, theirs := httpd.ProblemOf(err, func(field string) string { return field }); !theirs {
				t.Fatal(err)
			}
			return
		}
		p := out.Body
		if len(p.Next) > 50 || len(p.Previous) > 50 || len(p.ClockChanges) > 10 || p.Words == "" {
			t.Fatalf("%d and %d slots, %d changes, words %q", len(p.Next), len(p.Previous), len(p.ClockChanges), p.Words)
		}
		for _, s := range append(p.Next, p.Previous...) {
			if local, err := time.Parse(time.RFC3339, s.Local); err != nil || !local.Equal(s.At) {
				t.Fatalf("%s is told as %s: %v", s.At, s.Local, err)
			}
		}
	})
}

func TestPreviewSchedule_SuggestsTheMeaningOfAForeignExpression(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		_, err := w.client("read-only").PreviewSchedule(t.Context(), client.ScheduleQuery{Cron: []string{"0 3 * * *", "0 15 10 ? * 2-6"}})
		p, ok := errors.AsType[*client.Problem](err)
		if !ok {
			t.Fatalf("%v; want a problem", err)
		}
		want := []client.Suggestion{
			{Schedule: "cron", Text: "15 10 * * 1-5", Reading: "Quartz"},
			{Schedule: "cron", Text: "15 10 * * 2-6", Reading: "Spring"},
		}
		if len(p.Errors) != 1 || p.Errors[0].Location != "body.cron[1]" {
			t.Fatalf("errors %+v", p.Errors)
		}
		if diff := cmp.Diff(want, p.Errors[0].Suggestions); diff != "" {
			t.Error(diff)
		}
		_, err = w.client("read-only").PreviewSchedule(t.Context(), client.ScheduleQuery{Cron: []string{"30 8 ? * 2-6 2027"}})
		if p, ok = errors.AsType[*client.Problem](err); !ok || len(p.Errors) != 1 {
			t.Fatalf("%v; want a problem", err)
		}
		want = []client.Suggestion{
			{Schedule: "oncalendar", Text: "Tue..Sat 2027-*-* 08:30:00", Reading: "cronexpr"},
			{Schedule: "oncalendar", Text: "Mon..Fri 2027-*-* 08:30:00", Reading: "EventBridge", Note: "Choose the time zone too: EventBridge rules run in UTC, schedules in the zone that they name."},
		}
		if diff := cmp.Diff(want, p.Errors[0].Suggestions); diff != "" {
			t.Error(diff)
		}
	})
}
