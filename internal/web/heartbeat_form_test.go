package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/ui"
)

func TestPreviewHeartbeat_ExplainsTheForm(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, c := range []struct {
			name  string
			form  url.Values
			shows []string
			lacks []string
		}{
			{"an interval", url.Values{"interval": {"90m"}, "grace": {"5m"}}, []string{`id="preview"`, "every 1", "30", "5m", "Next 5 runs", `id="interval-e"`, "no channels", "If pinged now"}, []string{"Previous"}},
			{"no interval", url.Values{"interval": {"never"}, "grace": {"5m"}}, []string{"as soon as the schedule is valid", `id="interval-e"`}, []string{"Next 5 runs"}},
			{
				"a cron line in a zone with an old name",
				url.Values{"schedule": {"cron"}, "cron": {"0 3 * * 1-5"}, "cron_timezone": {"US/Eastern"}, "grace": {"30m"}},
				[]string{"<b>at 03:00 on weekdays</b>, America/New_York.", "Next 5 runs", "Previous 5 runs", " 03:00</time>", "Reads as: at 03:00 on weekdays, America/New_York.", "02:55", "A ping counts for this run from now on"},
				nil,
			},
			{
				"several lines",
				url.Values{"schedule": {"oncalendar"}, "oncalendar": {"Mon..Fri 03:00\r\n\r\nSat 04:00 Asia/Tokyo\r\n"}, "oncalendar_timezone": {"Europe/Berlin"}, "grace": {"0"}, "alert_after": {"2"}},
				[]string{"at 03:00 on weekdays, Europe/Berlin; at 04:00 on Saturdays, Asia/Tokyo", "2 consecutive runs"},
				[]string{"A ping counts for this run"},
			},
			{
				"every rule",
				url.Values{
					"schedule": {"cron"}, "cron": {"0 3 * * *"}, "cron_timezone": {"UTC"}, "grace": {"1h"}, "max_run_time": {"45m"}, "min_run_time": {"2m"}, "start_grace": {"10m"}, "early": {"90s"},
					"expect_first_by": {time.Now().AddDate(0, 0, 2).Format(dateTimeLayout)},
				},
				[]string{"02:58:30", "03:10", "The run must have started.", "03:02", "too short", "03:45", "ran too long", "If no ping arrives before"},
				nil,
			},
			{"what is over", url.Values{"schedule": {"oncalendar"}, "oncalendar": {"2020-01-01 10:00"}, "oncalendar_timezone": {"UTC"}, "grace": {"1h"}}, []string{"no future run", "Previous 1 run"}, []string{"Next"}},
			{"nothing at all", url.Values{"schedule": {"cron"}}, []string{"as soon as the schedule is valid"}, nil},
		} {
			a := w.post("member", "/heartbeats/preview", c.form)
			w.expectHTML(a, 200, c.shows...)
			w.expectNone(a, c.lacks...)
			if w.Failed() {
				w.Fatal(c.name)
			}
		}
	})
}

func TestPreviewHeartbeat_KeepsTheWallClockTime(t *testing.T) {
	site := &request{now: time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC), clock: ui.Clock{Zone: time.UTC}}
	calendar, err := monitor.NewCalendar(monitor.Cron, []string{"30 2 * * *"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rule := &monitor.Rule{Calendar: calendar, Grace: time.Hour, AlertAfter: 2, Early: monitor.DefaultEarly}
	_, p := site.withPreview(heartbeatview.FormValues{}, rule, monitor.Audience{}, nil)
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment.UTC()
	}
	want := map[string]time.Time{
		"due": at("2027-03-27T02:30:00+01:00"), "alert": at("2027-03-28T04:00:00+02:00"), "early": at("2027-03-27T02:25:00+01:00"),
		"second": at("2027-03-28T03:00:00+02:00"), "before": at("2027-03-26T02:30:00+01:00"),
	}
	got := map[string]time.Time{"due": p.Due, "alert": p.Alert, "early": p.EarlyFrom, "second": p.Next[1], "before": p.Previous[0]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.ClockChanges) != 2 || p.ClockChanges[0] != "On Sunday 28 March 2027 the clock skips 02:30. The run is due at 03:00 instead." {
		t.Errorf("got %q", p.ClockChanges)
	}
}

func TestHeartbeatForm_NumbersTheInvalidLine(t *testing.T) {
	for _, c := range []struct {
		text, field string
		want        string
	}{
		{"0 3 * * *\r\n0 25 * * *", "cron[1]", "Line 2: No."},
		{"0 25 * * *", "cron[0]", "No."},
		{"0 3 * * *", "cron", "No."},
		{"0 3 * * *", "interval", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(url.Values{"cron": {c.text}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req := &request{r: r}
		if err := req.readForm(route{}); err != nil {
			t.Fatal(err)
		}
		if got := req.submittedLines("cron", map[string]string{c.field: "No."}).Error; got != c.want {
			t.Errorf("%q at %s: %q, want %q", c.text, c.field, got, c.want)
		}
	}
}

func TestHeartbeatForm_SavesAndShowsEverySchedule(t *testing.T) {
	onEach(t, func(w *fixture) {
		first := w.now().AddDate(0, 0, 3).Truncate(time.Minute)
		saved := w.post("member", "/heartbeats", url.Values{
			"name": {"nightly"}, "schedule": {"cron"}, "cron": {"0 3 * * 1-5\r\n\r\n30 4 * * sat"}, "cron_timezone": {" US/Eastern "}, "interval": {"24h"}, "grace": {"30m"},
			"max_run_time": {"45m"}, "min_run_time": {"2m"}, "start_grace": {"10m"}, "alert_after": {"3"}, "early": {"90s"},
			"expect_first_by": {first.Format(dateTimeLayout)}, "channels": {"all"},
		})
		if saved.code != http.StatusSeeOther {
			w.Fatal(saved.code, saved.body)
		}
		h := w.heartbeatByName("nightly")
		calendar, err := monitor.NewCalendar(monitor.Cron, []string{"0 3 * * 1-5", "30 4 * * sat"}, "US/Eastern")
		if err != nil {
			w.Fatal(err)
		}
		want := monitor.Rule{
			Calendar: calendar, Early: 90 * time.Second, Grace: 30 * time.Minute, MaxRunTime: 45 * time.Minute, MinRunTime: 2 * time.Minute,
			StartGrace: 10 * time.Minute, AlertAfter: 3, ExpectFirstBy: first, Methods: monitor.AnyMethod,
		}
		if !h.Rule.Equal(want) {
			w.Errorf("saved %+v of %v", h.Rule, h.Rule.Calendar.Lines())
		}
		edit := "/heartbeats/" + h.ID + "/edit"
		w.expectHTML(w.get("member", edit), 200, `value="cron" id="k-cron" checked`, "0 3 * * 1-5\n30 4 * * sat</textarea>", `value="US/Eastern"`,
			`value="45m"`, `value="2m"`, `value="10m"`, `value="3"`, `value="1m 30s"`, `value="`+first.Format(dateTimeLayout)+`"`, "<details class=\"more\" open")
		w.expectHTML(w.get("member", "/heartbeats/"+h.ID), 200, "at 03:00 on weekdays; at 04:30 on Saturdays, America/New_York", "Must start within", "3 consecutive failed runs")
		w.expectHTML(w.get("viewer", "/heartbeats"), 200, "at 03:00 on weekdays; at 04:30 on Saturdays, America/New_York")

		// From one kind to another; an empty field selects the default again.
		for _, step := range []struct {
			form url.Values
			want string
		}{
			{url.Values{"schedule": {"oncalendar"}, "oncalendar": {"Mon..Fri 03:00"}, "oncalendar_timezone": {""}, "cron": {"rubbish"}}, "at 03:00 on weekdays, UTC"},
			{url.Values{"schedule": {"interval"}, "interval": {"1h"}, "oncalendar": {"rubbish"}, "oncalendar_timezone": {"CEST"}}, "every 1\u00a0h"},
		} {
			step.form.Set("name", "nightly")
			step.form.Set("grace", "5m")
			if a := w.post("member", "/heartbeats/"+h.ID, step.form); a.code != http.StatusSeeOther {
				w.Fatal(a.code, a.body)
			}
			r := w.heartbeatByName("nightly").Rule
			if r.Describe() != step.want || r.Early != monitor.DefaultEarly || r.MinRunTime != 0 || r.StartGrace != 0 || r.AlertAfter != 1 || !r.ExpectFirstBy.IsZero() {
				w.Errorf("saved %q, %+v", r.Describe(), r)
			}
		}
	})
}

func TestHeartbeatForm_AnEditKeepsTheFirstPingDeadline(t *testing.T) {
	onEach(t, func(w *fixture) {
		by := w.now().Add(time.Hour).Truncate(time.Second).Add(time.Microsecond)
		h := w.createHeartbeat("backup")
		if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, manage.HeartbeatEdit{ExpectFirstBy: new(by.Format(time.RFC3339Nano))}); err != nil {
			w.Fatal(err)
		}
		form := url.Values{"name": {"backup"}, "interval": {"1h"}, "grace": {"10m"}, "expect_first_by": {by.Format(dateTimeLayout)}}
		if a := w.post("member", "/heartbeats/"+h.ID, form); a.code != http.StatusSeeOther {
			w.Fatal(a.code, a.body)
		}
		if got := w.heartbeatByName("backup").Rule.ExpectFirstBy; !got.Equal(by) {
			w.Errorf("the moment is %s, was %s", got, by)
		}
	})
}

func TestHeartbeatForm_ReadsTheFirstPingInTheProjectsZone(t *testing.T) {
	req := &request{clock: ui.Clock{Zone: time.FixedZone("Test/Zone", 2*3600)}}
	if at, ok := req.parseLocalTime("2027-03-14T12:00"); !ok || !at.Equal(time.Date(2027, 3, 14, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%s, %t", at, ok)
	}
	if _, ok := req.parseLocalTime("noon"); ok {
		t.Error("\"noon\" was accepted as a time")
	}
}

func TestHeartbeatForm_ShowsEachErrorAtItsField(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, c := range []struct {
			form  url.Values
			shows []string
		}{
			{url.Values{"schedule": {"cron"}, "cron": {"0 3 * * *\n0 25 * * *"}, "cron_timezone": {"UTC"}}, []string{`id="cron-e">`, "Line 2: Hour 25 is out of range: hours go from 0 to 23."}},
			{url.Values{"schedule": {"cron"}, "cron": {" "}, "cron_timezone": {"UTC"}}, []string{"The schedule is empty: write a cron line such as 0 3 * * *."}},
			{url.Values{"schedule": {"oncalendar"}, "oncalendar": {"Mon..Fry 03:00"}, "oncalendar_timezone": {"UTC"}}, []string{`id="oncalendar-e">`, "<span>“"}},
			{url.Values{"schedule": {"cron"}, "cron": {"@daily"}, "cron_timezone": {"CEST"}}, []string{`id="cron-zone-e">`, "write a name such as Europe/Berlin."}},
			{url.Values{"interval": {"1h"}, "alert_after": {"many"}}, []string{`id="after-e">`, "between 1 and 100"}},
			{url.Values{"interval": {"1h"}, "expect_first_by": {"noon"}}, []string{`id="first-e">`, "Enter a date and a time of day"}},
			{url.Values{"interval": {"1h"}, "expect_first_by": {"2020-01-01T00:00"}}, []string{"enter one in the future"}},
			{url.Values{"interval": {"1h"}, "min_run_time": {"1h"}, "max_run_time": {"1h"}}, []string{`id="min-e">`, "less than the maximum"}},
		} {
			c.form.Set("name", "x")
			c.form.Set("grace", "5m")
			w.expectHTML(w.post("member", "/heartbeats/preview", c.form), 200, append(c.shows, "as soon as the schedule is valid")...)
			w.expectHTML(w.post("member", "/heartbeats", c.form), 422, append(c.shows, `aria-invalid="true"`)...)
		}
	})
}

func TestHeartbeatForm_PreviewWorksWithoutScript(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := url.Values{"name": {"x"}, "schedule": {"cron"}, "cron": {"0 3 * * *"}, "cron_timezone": {"UTC"}, "grace": {"5m"}, "look": {"1"}}
		w.expectHTML(w.post("member", "/heartbeats", form), 200, "<b>at 03:00 every day</b>, UTC", `value="x"`, "Show preview")
		h := w.createHeartbeat("backup")
		w.expectHTML(w.post("member", "/heartbeats/"+h.ID, form), 200, "<b>at 03:00 every day</b>, UTC", "Edit backup")
		if got := w.heartbeatByName("backup"); got.Rule.Calendar != nil {
			w.Error("a preview saved a heartbeat")
		}
	})
}

// FuzzPreviewHeartbeat looks for a form whose preview fails or takes too long.
func FuzzPreviewHeartbeat(f *testing.F) {
	f.Add("cron", "0 0 29 2 1#5\n*/7 * * * *", "Europe/Berlin", "1h", "100")
	f.Add("oncalendar", "*:*:0/0.000001\n2199-12-31", "Antarctica/Troll", "366d", "99999999999")
	f.Add("interval", "366d", "", "0", "-5")
	f.Fuzz(func(t *testing.T, kind, text, zone, grace, inARow string) {
		began := time.Now()
		req := &request{now: began, clock: ui.Clock{Now: began, Zone: time.UTC}}
		in := ui.Input{Value: text}
		form := heartbeatview.FormValues{
			Schedule: kind, Interval: in, Cron: in, OnCalendar: in, CronZone: ui.Input{Value: zone}, OnCalendarZone: ui.Input{Value: zone},
			Grace: ui.Input{Value: grace}, AlertAfter: ui.Input{Value: inARow}, Early: ui.Input{Value: grace}, ExpectFirstBy: in,
		}
		rule := &monitor.Rule{}
		var err error
		if rule.Grace, err = schedule.ParseDuration(grace); err != nil {
			rule = nil
		} else if kind == scheduleInterval {
			rule.Interval, err = schedule.ParseDuration(text)
		} else {
			rule.Calendar, err = monitor.NewCalendar(monitor.CalendarKind(kind), splitLines(text), zone)
		}
		if err != nil || rule.Calendar == nil && rule.Interval < time.Second {
			rule = nil
		} else {
			n, _ := strconv.Atoi(inARow)
			rule.AlertAfter, rule.Early = max(1, min(n, monitor.MaxAlertAfter)), rule.Grace
		}
		form, p := req.withPreview(form, rule, monitor.Audience{}, nil)
		if err := heartbeatview.PreviewResponse(req.clock, form, p).Render(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("it took %s", took)
		}
		if len(p.Next) > previewRuns || len(p.Previous) > previewRuns {
			t.Fatalf("%d and %d runs", len(p.Next), len(p.Previous))
		}
	})
}

func TestHeartbeatForm_ChoosesAPolicy(t *testing.T) {
	onEach(t, func(w *fixture) {
		ops, phone := w.createChannel("ops"), w.createChannel("phone")
		w.update(func(tx *store.Tx) error {
			for _, p := range []monitor.Policy{
				{Slug: "nights", Name: "Nights", Default: true, Steps: []monitor.PolicyStep{{Channels: []string{ops.ID}}, {After: time.Hour, Channels: []string{phone.ID}}}},
				{Slug: "days", Name: "Days <b>", Steps: []monitor.PolicyStep{{Channels: []string{phone.ID}}}},
			} {
				p.Project, p.Created = w.project.Key, w.now()
				if _, err := tx.SavePolicy(p); err != nil {
					return err
				}
			}
			return nil
		})
		h := w.createHeartbeat("backup")
		page := "/heartbeats/" + h.ID
		w.expectHTML(w.get("member", page+"/edit"), 200, "Default policy: Nights", `value="all" checked`, `value="policy:days"`, "Policy Days &lt;b&gt;", "1 channel of policy Nights")
		w.expectHTML(w.get("member", page), 200, "Those of the default policy Nights")
		w.expectNone(w.get("member", page), "All 2 of the project")
		form := url.Values{"name": {"backup"}, "interval": {"1h"}, "grace": {"10m"}, "channels": {"policy:days"}, "channel": {ops.ID}}
		if a := w.post("member", page, form); a.code != http.StatusSeeOther {
			w.Fatal(a.code, a.body)
		}
		if got := w.heartbeatByName("backup"); got.Policy != "days" || !got.AllChannels {
			w.Errorf("%+v", got)
		}
		w.expectHTML(w.get("member", page+"/edit"), 200, `value="policy:days" checked`)
		w.expectHTML(w.get("member", page), 200, "Those of the policy Days &lt;b&gt;")
		form.Set("channels", "policy:gone")
		w.expectHTML(w.post("member", page, form), 422, "No policy of the project has the slug gone")
		form.Set("channels", "some")
		if a := w.post("member", page, form); a.code != http.StatusSeeOther {
			w.Fatal(a.code, a.body)
		}
		if got := w.heartbeatByName("backup"); got.Policy != "" || got.AllChannels {
			w.Errorf("channels instead of the policy: %+v", got)
		}
	})
}
