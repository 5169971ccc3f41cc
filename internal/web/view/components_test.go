package view_test

import (
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

func TestLiveElements_EqualTheirPlaceOnThePage(t *testing.T) {
	list, detail, incidents, incident := exampleHeartbeats(), exampleDetail(), exampleIncidents(), exampleIncident()
	for _, c := range []struct {
		id         string
		page, part templ.Component
	}{
		{heartbeatview.RowID(list.Rows[3].Key), heartbeatview.List(list), heartbeatview.ListRow(list.Clock, list.Rows[3])},
		{heartbeatview.StatusPanelID(backupID), heartbeatview.Detail(detail), heartbeatview.StatusPanel(detail.Clock, detail.Heartbeat, false)},
		{incidentview.RowID("i480"), incidentview.List(incidents), incidentview.ListRow(incidents.Clock, incidents.Rows[2])},
		{incidentview.StatusPanelID("i482"), incidentview.Detail(incident), incidentview.StatusPanel(incident)},
	} {
		part := render(t, c.part)
		if !strings.Contains(render(t, c.page), part) {
			t.Errorf("%s differs from its place on the page", c.id)
		}
		if all := elements(part); all[0].attrs["id"] != c.id {
			t.Errorf("the part has id %q; want %q", all[0].attrs["id"], c.id)
		}
	}
}

func TestFragments_EqualTheirPlaceOnThePage(t *testing.T) {
	list, detail, incident := exampleHeartbeats(), exampleDetail(), exampleIncident()
	for _, c := range []struct {
		page  templ.Component
		clock ui.Clock
		parts []layout.Fragment
	}{
		{heartbeatview.List(list), list.Clock, append(list.Fragments(), list.Shell.Fragments()...)},
		{heartbeatview.Detail(detail), detail.Clock, detail.Fragments()},
		{incidentview.Detail(incident), incident.Clock, incident.Fragments()},
	} {
		page := render(t, c.page)
		for _, l := range c.parts {
			part := render(t, l.Draw(c.clock))
			if !strings.Contains(page, part) || !strings.HasPrefix(part, `<div class="living" id="live-`+l.Name+`">`) {
				t.Errorf("%s differs from its place on the page", l.Name)
			}
		}
	}
}

func TestFragments_DoNotExpandTheNewestEvent(t *testing.T) {
	p := exampleDetail()
	p.Log.ExpandFirst = true
	if !strings.Contains(render(t, heartbeatview.Detail(p)), "<details open") {
		t.Error("the page opens no body")
	}
	for _, l := range p.Fragments() {
		if strings.Contains(render(t, l.Draw(p.Clock)), "<details open") {
			t.Errorf("the stream opens a body in %s", l.Name)
		}
	}
}

func TestPreviewResponse_EveryElementExistsInTheForm(t *testing.T) {
	wrong := exampleErrors()
	form := map[string]bool{}
	for _, e := range elements(render(t, heartbeatview.Form(exampleForm()))) {
		form[e.attrs["id"]] = true
	}
	answer := render(t, heartbeatview.PreviewResponse(wrong.Clock, wrong.Form, wrong.Preview))
	found := 0
	for _, e := range elements(answer) {
		if id, ok := e.attrs["id"]; ok {
			found++
			if !form[id] {
				t.Errorf("the preview answers %q, which the form does not have", id)
			}
		}
	}
	if found < 8 {
		t.Errorf("the preview answers %d parts; want the bar, and error and hint of each schedule and the grace period", found)
	}
	if !strings.Contains(answer, wrong.Form.Interval.Error) || strings.Contains(answer, `id="interval-e" hidden`) {
		t.Error("the preview hides the error of the interval")
	}
	if !strings.Contains(answer, `id="grace-e" hidden`) {
		t.Error("the preview shows an error for a valid grace period")
	}
}

func TestListRow_EveryStatusHasASignAndSaysWhatComesNext(t *testing.T) {
	c := exampleClock()
	now := c.Now
	for status, want := range map[string]string{
		"new": "Waiting for the first ping", "up": "Next ping expected in", "late": ", down in",
		"down": "Reported failure", "paused": "by Priya",
	} {
		row := heartbeatview.Row{
			Key: "k", Name: "Job", Status: status, Due: now, AlertAt: now, LastPing: now, Created: now,
			DownSince: now, Cause: "failure", PausedAt: now, PausedBy: "Priya",
		}
		html := render(t, heartbeatview.ListRow(c, row))
		if !strings.Contains(html, want) || !strings.Contains(html, "#st-"+status) {
			t.Errorf("a row that is %s reads %s", status, html)
		}
	}
}

func TestListRow_ShowsARunInProgressNextToTheStatus(t *testing.T) {
	c := exampleClock()
	html := render(t, heartbeatview.ListRow(c, heartbeatview.Row{Key: "k", Status: "up", Due: c.Now, RunningSince: utc("2025-10-14T20:08:16Z")}))
	for _, want := range []string{"#st-up", "#st-running", "Running for", ">48s<"} {
		if !strings.Contains(html, want) {
			t.Errorf("the row lacks %q", want)
		}
	}
}

func TestDetail_ShowsALateDetection(t *testing.T) {
	p := exampleIncident()
	p.Detected = p.Opened.Add(90e9)
	if html := render(t, incidentview.Detail(p)); !strings.Contains(html, "1m 30s after opening") {
		t.Error("the page does not say that it was noticed late")
	}
	if html := render(t, incidentview.Detail(exampleIncident())); strings.Contains(html, "Noticed") {
		t.Error("the page says that it was noticed late, and it was not")
	}
}

func TestErrorPage_AlwaysSaysWhatToDo(t *testing.T) {
	for _, status := range []int{400, 403, 404, 405, 409, 429, 500, 503, 418} {
		html := render(t, layout.Error(layout.ErrorPage{Status: status}))
		if strings.Contains(html, `class="lede"> `) || !strings.Contains(html, "<h1>") || strings.Contains(html, "<h1></h1>") {
			t.Errorf("%d has no text", status)
		}
	}
	for want, p := range map[string]layout.ErrorPage{
		"The incident was deleted. Search the":   {Status: 404, Detail: "The incident was deleted.", SignedIn: true},
		"The incident was deleted.</p>":          {Status: 404, Detail: "The incident was deleted."}, // a reader who is not signed in cannot search
		"No mail is sent. Ask the operator.</p>": {Status: 404, Detail: "No mail is sent. Ask the operator.", SignedIn: true},
	} {
		if html := render(t, layout.Error(p)); !strings.Contains(html, want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
}

func TestErrorPage_KeepsTheSidebarAndLeadsToItsSection(t *testing.T) {
	for path, want := range map[string]string{
		"/incidents/none": `<a class="btn btn-primary" href="/incidents">Incidents</a>`,
		"/channels/none":  `<a class="btn btn-primary" href="/channels">Channels</a>`,
		"/docs/none":      `<a class="btn btn-primary" href="/docs">Docs</a>`,
		"/nowhere":        `<a class="btn btn-primary" href="/heartbeats">Heartbeats</a>`,
	} {
		if html := render(t, layout.Error(exampleAppError(path))); !strings.Contains(html, want) || !strings.Contains(html, `class="sidebar"`) {
			t.Errorf("the error page of %s has no sidebar, or does not contain %s", path, want)
		}
	}
}

func TestStatusPanel_CountsToTheNextChange(t *testing.T) {
	for status, at := range map[string]string{
		"up":   "2025-10-15T01:00:04Z", // the next ping
		"late": "2025-10-14T20:15:00Z", // the alert
		"down": "2025-10-14T17:15:00Z", // since the incident opened
	} {
		p := exampleStatus(status)
		html := render(t, heartbeatview.StatusPanel(p.Clock, p.Heartbeat, false))
		for _, e := range elements(html) {
			if e.has("data-precise") && e.attrs["datetime"] != at {
				t.Errorf("%s counts to %s; want %s", status, e.attrs["datetime"], at)
			}
		}
		if !strings.Contains(html, "data-precise") {
			t.Errorf("%s has no big figure", status)
		}
	}
}

func TestRunStats_TheTimeDownTicksWhileItGrows(t *testing.T) {
	p := exampleDetail()
	for want, since := range map[string]time.Time{
		`<dd><time datetime="` + p.Clock.Now.Add(-time.Hour).UTC().Format(time.RFC3339) + `" data-tick="since">1h</time></dd>`: p.Clock.Now.Add(-time.Hour),
		`<dd>1h</dd>`: {},
	} {
		p.Stats = heartbeatview.RunStats{TimeDown: time.Hour, GrowingSince: since}
		if html := render(t, heartbeatview.Detail(p)); !strings.Contains(html, "Time Down</dt>"+want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
}

func TestRunStats_CountLateRunsAsGood(t *testing.T) {
	p := exampleDetail()
	for want, stats := range map[string]heartbeatview.RunStats{
		"<dd>24 of 27 watched</dd>": {Good: 24, Late: 1, Watched: 27},
		"<dd>1 of 1 watched</dd>":   {Good: 1, Watched: 1},
	} {
		p.Stats = stats
		if html := render(t, heartbeatview.Detail(p)); !strings.Contains(html, want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
	p.Stats = heartbeatview.RunStats{}
	if html := render(t, heartbeatview.Detail(p)); strings.Contains(html, "watched</dd>") {
		t.Error("a page without stored runs shows a count of runs")
	}
}

func TestDeadline_NeedleCoversNoLabel(t *testing.T) {
	html := render(t, heartbeatview.Detail(exampleStatus("down")))
	needle := strings.Index(html, `class="now"`)
	if needle < 0 {
		t.Fatal("there is no needle")
	}
	for _, word := range []string{"Up", "Late", "Down"} {
		if at := strings.Index(html, `y="39">`+word+"<"); at < needle {
			t.Errorf("%s is drawn at %d, before the needle at %d", word, at, needle)
		}
	}
}

func TestDetail_ShowsTheTimesOfExplanationsInTheZoneOfThePage(t *testing.T) {
	p := exampleIncident()
	p.Zone = time.FixedZone("UTC+2", 2*60*60)
	text := "The job reported a failure at 2025-10-14 03:00:04 UTC."
	p.Explanation = &ui.Explanation{Status: "down", Decision: text}
	p.Timeline = []incidentview.TimelineEntry{{At: p.Now, Title: "Incident opened", Text: text}}
	html := render(t, incidentview.Detail(p))
	if strings.Contains(html, "03:00:04 UTC") || strings.Count(html, "a failure at Tue 14 Oct 05:00:04.") != 2 {
		t.Error("the sum or the timeline shows a time in another zone than the page")
	}
}

func TestExplanationSection_UsesThePastTenseWhenResolved(t *testing.T) {
	for title, past := range map[string]bool{"Why it is Down": false, "Why it was Down": true} {
		p := exampleIncident()
		p.Explanation = &ui.Explanation{Status: "down", Decision: "No ping came.", Past: past}
		if html := render(t, incidentview.Detail(p)); !strings.Contains(html, title) {
			t.Errorf("the page does not say %q", title)
		}
	}
}
