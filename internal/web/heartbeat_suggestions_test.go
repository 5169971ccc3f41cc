package web

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// useButtons returns the values of the suggestion buttons by label.
func useButtons(a response) map[string]string {
	buttons := map[string]string{}
	for _, m := range regexp.MustCompile(`<button class="chip" name="use" value="([^"]*)" formnovalidate>([^<]*)</button>`).FindAllStringSubmatch(a.body, -1) {
		buttons[html.UnescapeString(m[2])] = html.UnescapeString(m[1])
	}
	return buttons
}

func TestHeartbeatForm_AsksForTheUnitOfABareNumber(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, field := range durationFields {
			form := url.Values{"name": {"Nightly"}, "interval": {"24h"}, "grace": {"1h"}, "schedule": {"interval"}}
			form.Set(field, "24")
			a := w.post("member", "/heartbeats", form)
			w.expectHTML(a, 422, "24 has no unit. Choose one, or write 24h, 24m (minutes), 24s or 24d.", `value="24"`)
			use := useButtons(a)["24 hours"]
			if use == "" {
				w.Fatalf("%s: no button for hours", field)
			}
			// Without script, the button sends the form, which is shown again.
			form.Set(ui.SuggestionField, use)
			w.expectHTML(w.post("member", "/heartbeats", form), 200, `name="`+field+`"`, `value="24h"`)
			preview := w.post("member", "/heartbeats/preview", url.Values{"interval": {"24h"}, "grace": {"1h"}, field: {"24"}})
			w.expectHTML(preview, 200, "24 has no unit", `name="use"`)
		}
		list, err := w.service.Heartbeats(w.Context(), w.actor("member"), manage.HeartbeatListQuery{})
		if err != nil || len(list.Items) != 0 {
			w.Errorf("%d heartbeats were saved, %v; want none", len(list.Items), err)
		}
		zero := w.post("member", "/heartbeats", url.Values{"name": {"Zero"}, "interval": {"24h"}, "grace": {"0"}, "early": {"0"}})
		if zero.code != 303 {
			w.Errorf("0 needs no unit; status %d", zero.code)
		}
		h := w.createHeartbeat("kept")
		w.expectHTML(w.post("member", paths.Heartbeat(h.ID), url.Values{"name": {"kept"}, "interval": {"24"}, "grace": {"1h"}}), 422, "24 has no unit")
	})
}

func TestHeartbeatForm_OffersTheScheduleInAnotherSyntax(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, c := range []struct {
			schedule, typed string
			label           string
			shows           []string
		}{
			{"cron", "0 0 12 ? * MON-FRI", "Use 0 12 * * 1-5", []string{">0 12 * * 1-5</textarea>", "at 12:00 on weekdays"}},
			{"cron", "0 3 * * *\r\n0 15 10 ? * 2-6", "Use 15 10 * * 1-5 (Quartz)", []string{"0 3 * * *\n15 10 * * 1-5</textarea>"}},
			{"cron", "0 15 10 ? * 2-6", "Use 15 10 * * 2-6 (Spring)", []string{">15 10 * * 2-6</textarea>"}},
			{"cron", "rate(5 minutes)", "Use an interval of 5m", []string{`value="5m"`, "every 5"}},
			{"cron", "Mon..Fri 03:00", "Use OnCalendar Mon..Fri 03:00", []string{">Mon..Fri 03:00</textarea>", "at 03:00 on weekdays"}},
			{"cron", "CRON_TZ=Asia/Tokyo 0 3 * * *", "Use 0 3 * * * in Asia/Tokyo", []string{">0 3 * * *</textarea>", `value="Asia/Tokyo"`}},
			{"oncalendar", "0 3 * * *", "Use Cron 0 3 * * *", []string{">0 3 * * *</textarea>", "at 03:00 every day"}},
		} {
			form := url.Values{
				"name": {hostileName}, "grace": {"1h"}, "schedule": {c.schedule}, c.schedule: {c.typed}, "cron_timezone": {"UTC"}, "oncalendar_timezone": {"UTC"}, "interval": {"24h"},
			}
			a := w.post("member", "/heartbeats", form)
			w.expectHTML(a, 422)
			use := useButtons(a)[c.label]
			if live := useButtons(w.post("member", "/heartbeats/preview", form))[c.label]; live != use {
				w.Errorf("%q: the preview has button %q; want %q", c.typed, live, use)
			}
			if use == "" {
				w.Fatalf("%q: no button %q among %v", c.typed, c.label, useButtons(a))
			}
			form.Set(ui.SuggestionField, use)
			w.expectHTML(w.post("member", "/heartbeats", form), 200, c.shows...)
		}
		two := w.post("member", "/heartbeats", url.Values{"name": {"x"}, "grace": {"1h"}, "schedule": {"cron"}, "cron": {"0 3 * * *\nrate(5 minutes)"}})
		if b := useButtons(two); len(b) != 0 {
			w.Errorf("a suggestion that would drop the other line is offered: %v", b)
		}
		w.expectHTML(two, 422, "Line 2: “rate(5 minutes)” is an interval")
		// A button fills in only fields of the form.
		w.expectHTML(w.post("member", "/heartbeats", url.Values{"name": {"kept"}, "interval": {"1h"}, "grace": {"1h"}, ui.SuggestionField: {"name=other&grace=2h"}}), 200, `value="kept"`, `value="2h"`)
		long := w.post("member", "/heartbeats", url.Values{"name": {"x"}, "grace": {"1h"}, "schedule": {"cron"}, "cron": {strings.Repeat("0 3 * * *\n", 40) + "0 0 12 ? * MON" + strings.Repeat("\n", maxSuggestionSize)}})
		if b := useButtons(long); len(b) != 0 {
			w.Errorf("a button holds %d bytes", maxSuggestionSize)
		}
	})
}

func TestHeartbeatForm_HintsAtALongGracePeriod(t *testing.T) {
	slots := func(gap time.Duration) []time.Time { return []time.Time{{}, time.Time{}.Add(gap)} }
	if got := longGraceHint(slots(40*time.Second), 2*time.Hour); got != "The grace period is 180 times the time between two runs: up to 181 runs can be missing before an incident opens." {
		t.Errorf("says %q", got)
	}
	if got := longGraceHint(slots(time.Hour), 2*time.Hour); got != "" {
		t.Errorf("twice the interval: %q", got)
	}
	if got := longGraceHint(slots(time.Hour)[:1], 20*time.Hour); got != "" {
		t.Errorf("the last run: %q", got)
	}
}

func TestHeartbeatForm_PresetsFillInTheScheduleWithoutScript(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := func(preset, at string) url.Values {
			return url.Values{"name": {"typed"}, "schedule": {"interval"}, "interval": {"24h"}, "grace": {"1h"}, "cron_timezone": {"Europe/Berlin"}, "preset": {preset}, "at": {at}}
		}
		w.expectHTML(w.post("member", "/heartbeats", form("10m", "")), 200, `value="typed"`, `value="10m"`)
		for preset, cron := range map[string]string{"daily": "15 4 * * *", "weekdays": "15 4 * * 1-5", "sundays": "15 4 * * 0", "monthly": "15 4 1 * *"} {
			a := w.post("member", "/heartbeats", form(preset, "4:15"))
			w.expectHTML(a, 200, `value="typed"`, ">"+cron+"</textarea>", `value="cron" id="k-cron" checked`, `value="Europe/Berlin"`)
		}
		w.expectHTML(w.post("member", "/heartbeats", form("daily", "25:00")), 200, "Enter a time of day in 24-hour form", `value="25:00"`)
		h := w.createHeartbeat("kept")
		w.expectHTML(w.post("member", paths.Heartbeat(h.ID), form("hourly", "")), 200, `value="1h"`)
		list, err := w.service.Heartbeats(w.Context(), w.actor("member"), manage.HeartbeatListQuery{})
		if err != nil || len(list.Items) != 1 {
			t.Errorf("a preset saved the form: %d heartbeats, %v", len(list.Items), err)
		}
		w.expectHTML(w.get("member", "/heartbeats/new"), 200, "autofocus")
		w.expectNone(w.get("member", paths.Heartbeat(h.ID)+"/edit"), "autofocus")
	})
}
