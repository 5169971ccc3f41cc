package view_test

import (
	"strings"
	"testing"

	"github.com/a-h/templ"

	"overdue/internal/web/view"
)

func TestLiveElements_EqualTheirPlaceOnThePage(t *testing.T) {
	list, detail, incidents, incident := exampleHeartbeats(), exampleDetail(), exampleIncidents(), exampleIncident()
	for _, c := range []struct {
		id         string
		page, part templ.Component
	}{
		{view.RowID(list.Rows[3].Key), view.Heartbeats(list), view.HeartbeatRow(list.Clock, list.Rows[3])},
		{view.HeroID(backupID), view.HeartbeatDetail(detail), view.HeartbeatHero(detail.Clock, detail.Heartbeat, false)},
		{view.IncidentRowID("i480"), view.Incidents(incidents), view.IncidentRow(incidents.Clock, incidents.Rows[2])},
		{view.IncidentHeroID("i482"), view.Incident(incident), view.IncidentHero(incident)},
	} {
		part := render(t, c.part)
		if !strings.Contains(render(t, c.page), part) {
			t.Errorf("%s is drawn differently on its page", c.id)
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
		clock view.Clock
		parts []view.Fragment
	}{
		{view.Heartbeats(list), list.Clock, append(list.Fragments(), list.Shell.Fragments()...)},
		{view.HeartbeatDetail(detail), detail.Clock, detail.Fragments()},
		{view.Incident(incident), incident.Clock, incident.Fragments()},
	} {
		page := render(t, c.page)
		for _, l := range c.parts {
			part := render(t, l.Draw(c.clock))
			if !strings.Contains(page, part) || !strings.HasPrefix(part, `<div class="living" id="live-`+l.Name+`">`) {
				t.Errorf("%s is drawn differently on its page", l.Name)
			}
		}
	}
}

func TestFragments_DoNotExpandTheNewestEvent(t *testing.T) {
	p := exampleDetail()
	p.Log.ExpandFirst = true
	if !strings.Contains(render(t, view.HeartbeatDetail(p)), "<details open") {
		t.Error("the page opens no body")
	}
	for _, l := range p.Fragments() {
		if strings.Contains(render(t, l.Draw(p.Clock)), "<details open") {
			t.Errorf("the stream opens a body in %s", l.Name)
		}
	}
}

func TestHeartbeatPreview_EveryElementExistsInTheForm(t *testing.T) {
	wrong := exampleMistakes()
	form := map[string]bool{}
	for _, e := range elements(render(t, view.HeartbeatEditor(exampleForm()))) {
		form[e.attrs["id"]] = true
	}
	answer := render(t, view.HeartbeatPreview(wrong.Clock, wrong.Form, wrong.Preview))
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
		t.Error("the preview hides what is wrong with the interval")
	}
	if !strings.Contains(answer, `id="grace-e" hidden`) {
		t.Error("the preview finds fault with a good grace period")
	}
}

func TestHeartbeatRow_EveryStatusHasASignAndSaysWhatComesNext(t *testing.T) {
	c := exampleClock()
	now := c.Now
	for status, want := range map[string]string{
		"new": "Waiting for the first ping", "up": "Next ping expected in", "late": ", down in",
		"down": "Reported failure", "paused": "by Priya",
	} {
		row := view.Row{
			Key: "k", Name: "Job", Status: status, Due: now, Deadline: now, LastPing: now, Created: now,
			DownSince: now, Cause: "failure", PausedAt: now, PausedBy: "Priya",
		}
		html := render(t, view.HeartbeatRow(c, row))
		if !strings.Contains(html, want) || !strings.Contains(html, "#st-"+status) {
			t.Errorf("a row that is %s reads %s", status, html)
		}
	}
}

func TestHeartbeatRow_ShowsARunInProgressNextToTheStatus(t *testing.T) {
	c := exampleClock()
	html := render(t, view.HeartbeatRow(c, view.Row{Key: "k", Status: "up", Due: c.Now, RunningSince: utc("2025-10-14T20:08:16Z")}))
	for _, want := range []string{"#st-up", "#st-running", "Running for", ">48s<"} {
		if !strings.Contains(html, want) {
			t.Errorf("the row lacks %q", want)
		}
	}
}

func TestIncident_ShowsALateDetection(t *testing.T) {
	p := exampleIncident()
	p.Detected = p.Opened.Add(90e9)
	if html := render(t, view.Incident(p)); !strings.Contains(html, "1m 30s after opening") {
		t.Error("the page does not say that it was noticed late")
	}
	if html := render(t, view.Incident(exampleIncident())); strings.Contains(html, "Noticed") {
		t.Error("the page says that it was noticed late, and it was not")
	}
}

func TestErrorPage_AlwaysSaysWhatToDo(t *testing.T) {
	for _, status := range []int{400, 403, 404, 405, 409, 429, 500, 503, 418} {
		html := render(t, view.Error(view.ErrorPage{Status: status}))
		if strings.Contains(html, `class="lede"> `) || !strings.Contains(html, "<h1>") || strings.Contains(html, "<h1></h1>") {
			t.Errorf("%d says nothing", status)
		}
	}
	for want, p := range map[string]view.ErrorPage{
		"The incident was deleted. Look for it":   {Status: 404, Detail: "The incident was deleted.", SignedIn: true},
		"The incident was deleted.</p>":           {Status: 404, Detail: "The incident was deleted."}, // there is no list to look at
		"No mail is sent. Ask who runs this.</p>": {Status: 404, Detail: "No mail is sent. Ask who runs this.", SignedIn: true},
	} {
		if html := render(t, view.Error(p)); !strings.Contains(html, want) {
			t.Errorf("not said: %s", want)
		}
	}
}

func TestHeartbeatHero_CountsToTheNextChange(t *testing.T) {
	for status, at := range map[string]string{
		"up":   "2025-10-15T01:00:04Z", // the next ping
		"late": "2025-10-14T20:15:00Z", // the alert
		"down": "2025-10-14T17:15:00Z", // since the incident opened
	} {
		p := exampleStatus(status)
		html := render(t, view.HeartbeatHero(p.Clock, p.Heartbeat, false))
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

func TestRunStats_CountLateRunsAsGood(t *testing.T) {
	p := exampleDetail()
	for want, stats := range map[string]view.RunStats{
		"<dd>24 of 27 runs, 1 late</dd>": {Good: 24, Late: 1, Watched: 27},
		"<dd>1 of 1 run</dd>":            {Good: 1, Watched: 1},
	} {
		p.Stats = stats
		if html := render(t, view.HeartbeatDetail(p)); !strings.Contains(html, want) {
			t.Errorf("not said: %s", want)
		}
	}
	p.Stats = view.RunStats{}
	if html := render(t, view.HeartbeatDetail(p)); strings.Contains(html, "Good runs") {
		t.Error("runs are counted where none was watched")
	}
}

func TestDeadline_NeedleCoversNoLabel(t *testing.T) {
	html := render(t, view.HeartbeatDetail(exampleStatus("down")))
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

func TestExplanation_UsesThePastTenseWhenResolved(t *testing.T) {
	for title, past := range map[string]bool{"Why it is Down": false, "Why it was Down": true} {
		p := exampleIncident()
		p.Explanation = &view.Explanation{Status: "down", Decision: "No ping came.", Past: past}
		if html := render(t, view.Incident(p)); !strings.Contains(html, title) {
			t.Errorf("the page does not say %q", title)
		}
	}
}
