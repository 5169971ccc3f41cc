package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/web/view"
)

func TestThePreviewSaysWhatTheFormMeans(t *testing.T) {
	onEach(t, func(w *world) {
		for _, c := range []struct {
			name  string
			form  url.Values
			shows []string
			lacks []string
		}{
			{"an interval", url.Values{"interval": {"90m"}, "grace": {"5m"}}, []string{`id="preview"`, "every 1", "30", "5m", "Next 5 runs", `id="interval-e"`, "no channels", "If a ping came now"}, []string{"Previous"}},
			{"no interval", url.Values{"interval": {"never"}, "grace": {"5m"}}, []string{"cannot be read yet", `id="interval-e"`}, []string{"Next 5 runs"}},
			{
				"a cron line in a zone with an old name",
				url.Values{"schedule": {"cron"}, "cron": {"0 3 * * 1-5"}, "cron_timezone": {"US/Eastern"}, "grace": {"30m"}},
				[]string{"<b>at 03:00 on weekdays</b>, America/New_York.", "Next 5 runs", "Previous 5 runs", " 03:00</time>", "Reads as: at 03:00 on weekdays, America/New_York.", "02:55", "From here on a ping counts"},
				nil,
			},
			{
				"several lines",
				url.Values{"schedule": {"oncalendar"}, "oncalendar": {"Mon..Fri 03:00\r\n\r\nSat 04:00 Asia/Tokyo\r\n"}, "oncalendar_timezone": {"Europe/Berlin"}, "grace": {"0"}, "alert_after": {"2"}},
				[]string{"at 03:00 on weekdays, Europe/Berlin; at 04:00 on Saturdays, Asia/Tokyo", "2 in a row"},
				[]string{"From here on"},
			},
			{
				"every rule",
				url.Values{
					"schedule": {"cron"}, "cron": {"0 3 * * *"}, "cron_timezone": {"UTC"}, "grace": {"1h"}, "max_run_time": {"45m"}, "min_run_time": {"2m"}, "start_grace": {"10m"}, "early": {"90s"},
					"expect_first_by": {time.Now().AddDate(0, 0, 2).Format(formTime)},
				},
				[]string{"02:58:30", "03:10", "By now it must have started", "03:02", "too short", "03:45", "ran too long", "If no ping at all has come by"},
				nil,
			},
			{"what is over", url.Values{"schedule": {"oncalendar"}, "oncalendar": {"2020-01-01 10:00"}, "oncalendar_timezone": {"UTC"}, "grace": {"1h"}}, []string{"It is over", "Previous 1 run"}, []string{"Next"}},
			{"nothing at all", url.Values{"schedule": {"cron"}}, []string{"cannot be read yet"}, nil},
		} {
			a := w.post("member", "/heartbeats/preview", c.form)
			w.shows(a, 200, c.shows...)
			w.lacks(a, c.lacks...)
			if w.Failed() {
				w.Fatal(c.name)
			}
		}
	})
}

func TestThePreviewKeepsTheTimeOnTheClock(t *testing.T) {
	site := &visit{now: time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC), clock: view.Clock{Zone: time.UTC}}
	f := view.HeartbeatForm{
		Schedule: byCron, Cron: view.Input{Value: "30 2 * * *"}, CronZone: view.Input{Value: "Europe/Berlin"}, Grace: view.Input{Value: "1h"},
		AlertAfter: view.Input{Value: "2"}, Early: view.Input{Value: ""},
	}
	_, p := site.explained(f, 1)
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
	got := map[string]time.Time{"due": p.Due, "alert": p.Alert, "early": p.Early, "second": p.Next[1], "before": p.Previous[0]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(p.Changes) != 2 || p.Changes[0] != "On Sunday 28 March 2027 the clock skips 02:30: it is due at 03:00 instead." {
		t.Errorf("told %q", p.Changes)
	}
}

func TestALineThatIsWrongIsCounted(t *testing.T) {
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
		v := &visit{r: r}
		if got := v.typedLines("cron", map[string]string{c.field: "No."}).Error; got != c.want {
			t.Errorf("%q at %s: %q, want %q", c.text, c.field, got, c.want)
		}
	}
}

// FuzzPreviewOfAForm looks for a form that breaks the preview, or keeps it busy.
func FuzzPreviewOfAForm(f *testing.F) {
	f.Add("cron", "0 0 29 2 1#5\n*/7 * * * *", "Europe/Berlin", "1h", "100")
	f.Add("oncalendar", "*:*:0/0.000001\n2199-12-31", "Antarctica/Troll", "366d", "99999999999")
	f.Add("interval", "366d", "", "0", "-5")
	f.Fuzz(func(t *testing.T, kind, text, zone, grace, inARow string) {
		began := time.Now()
		v := &visit{now: began, clock: view.Clock{Now: began, Zone: time.UTC}}
		in := view.Input{Value: text}
		form := view.HeartbeatForm{
			Schedule: kind, Interval: in, Cron: in, OnCalendar: in, CronZone: view.Input{Value: zone}, OnCalendarZone: view.Input{Value: zone},
			Grace: view.Input{Value: grace}, AlertAfter: view.Input{Value: inARow}, Early: view.Input{Value: grace}, FirstPing: in,
		}
		form, p := v.explained(form, 3)
		if err := view.HeartbeatPreview(v.clock, form, p).Render(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("it took %s", took)
		}
		if len(p.Next) > runsPreviewed || len(p.Previous) > runsPreviewed {
			t.Fatalf("%d and %d runs", len(p.Next), len(p.Previous))
		}
	})
}
