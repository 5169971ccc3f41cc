package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/paths"
)

// acknowledgeForm finds the form that acknowledges the open incident.
var acknowledgeForm = regexp.MustCompile(`action="(/incidents/[^"]+/acknowledge)"`)

// inOrder checks that the texts follow each other on a page.
func (w *fixture) inOrder(a response, texts ...string) {
	w.Helper()
	at := 0
	for _, text := range texts {
		n := strings.Index(a.body[at:], text)
		if n < 0 {
			w.Errorf("%q is not on the page after what comes before it", text)
			return
		}
		at += n
	}
}

func TestShowHeartbeat_LeadsWithStatusWhyRunsAndLog(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.inOrder(w.get("member", paths.Heartbeat(h.ID)), `class="hero"`, `id="s-why"`, `id="s-ping"`, "One line, when the job is done", "curl -fsS -m 10", `id="s-set"`)
		w.ping(h, time.Minute, monitor.Ping{})
		a := w.get("member", paths.Heartbeat(h.ID))
		w.inOrder(a, `class="hero"`, `id="s-why"`, `id="s-runs"`, `id="run-table"`, `class="month"`, `id="s-log"`, `<details class="fold" id="ping-fold">`, "One line, when the job is done", `id="s-set"`)
	})
}

func TestShowHeartbeat_AcknowledgesTheOpenIncident(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 2*time.Minute, monitor.Ping{Kind: monitor.PingFail})
		action := w.linkIn(w.get("member", paths.Heartbeat(h.ID)), acknowledgeForm)
		if a := w.get("viewer", paths.Heartbeat(h.Ref)); strings.Contains(a.body, "/acknowledge") {
			w.Error("a viewer may acknowledge")
		}
		if a := w.post("member", action, url.Values{"heartbeat": {h.ID}}); a.code != 303 || a.header.Get("Location") != paths.Heartbeat(h.ID) {
			w.Errorf("%d to %q; want back to the heartbeat", a.code, a.header.Get("Location"))
		}
		a := w.get("member", paths.Heartbeat(h.ID))
		w.expectHTML(a, 200, "Acknowledged by ", "Incident #1")
		w.expectNone(a, "/acknowledge\"")
	})
}

func TestShowHeartbeat_ShowsAStartWithTheEndOfItsRun(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 10*time.Minute, monitor.Ping{Kind: monitor.PingStart})
		w.ping(h, 8*time.Minute, monitor.Ping{Kind: monitor.PingFail, ExitCode: 3, UserAgent: "job/1"})
		w.ping(h, 2*time.Minute, monitor.Ping{Kind: monitor.PingStart})
		a := w.get("member", paths.Heartbeat(h.ID))
		w.expectHTML(a, 200, `id="ping-3"`, `id="run-2"`, "<dt>Started</dt>", `data-status="down"><span class="vh">exit code </span> 3`, "job/1", `href="#run-2"`)
		w.expectNone(a, `id="ping-1"`)
		w.expectHTML(w.get("member", paths.Heartbeat(h.ID)+"?kind=start"), 200, `id="ping-3"`, `id="ping-1"`)
	})
}

func TestShowHeartbeat_ShowsTheLogOfADayAndFromARun(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 49*time.Hour, monitor.Ping{})
		w.ping(h, time.Minute, monitor.Ping{})
		day := w.now().Add(-49 * time.Hour).UTC().Format(time.DateOnly)
		page := w.get("member", paths.Heartbeat(h.ID))
		w.expectHTML(page, 200, "?day="+day+"#log", `id="run-2"`)
		a := w.get("member", paths.Heartbeat(h.ID)+"?day="+day)
		w.expectHTML(a, 200, `id="run-1"`, `href="`+paths.Heartbeat(h.ID)+"?run=2#run-2")
		w.expectNone(a, `id="run-2"`)
		a = w.get("member", paths.Heartbeat(h.ID)+"?run=1")
		w.expectHTML(a, 200, `id="run-1"`)
		w.expectNone(a, `id="run-2"`)
		w.expectHTML(w.get("member", paths.Heartbeat(h.ID)+"?day=x&run=-1&before=y&chart=z"), 200, `id="run-1"`, `id="run-2"`)
	})
}

func TestShowHeartbeat_NamesASeverityOtherThanCriticalAtTheName(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		for _, severity := range []string{"critical", "warning", "info"} {
			if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, manage.HeartbeatEdit{Severity: &severity}); err != nil {
				w.Fatal(err)
			}
			name := regexp.MustCompile(`(?s)<h1>.*?<div class="stack"`)
			head, _, _ := strings.Cut(name.FindString(w.get("viewer", "/heartbeats/"+h.Ref).body), "</header>")
			row := w.get("viewer", "/heartbeats").body
			for place, text := range map[string]string{"page": head, "list": row} {
				if got := strings.Contains(text, `class="sev"`); got != (severity != "critical") {
					w.Errorf("%s: the %s shows a severity: %t", severity, place, got)
				}
			}
		}
	})
}

func TestRetention_ListsAndMissingPagesSayWhenRowsAreDeleted(t *testing.T) {
	onEach(t, func(w *fixture) {
		h, i := w.failHeartbeat("backup", time.Minute)
		const incidents = "Incidents are deleted 400 days after they were resolved."
		w.expectText(w.get("member", paths.Heartbeat(h.ID)), 200, "The last 1,000 pings are kept, for up to 90 days.")
		w.expectText(w.get("member", paths.Incidents), 200, incidents)
		w.expectText(w.get("owner", paths.AuditLog), 200, "Entries are deleted after 400 days.")
		missing := strings.Repeat("f", len(i.ID))
		w.expectText(w.get("member", paths.Incident(missing)), 404, "The page does not exist, or its content was deleted. "+incidents)
		w.expectText(w.get("member", paths.Heartbeat(h.ID)+"/pings/99/body"), 404, "The last 1,000 pings are kept")
		w.db.SetRetention(monitor.Retention{})
		w.expectNone(w.get("member", paths.Heartbeat(h.ID)), "pings are kept")
		w.expectNone(w.get("member", paths.Incident(missing)), incidents)
	})
}
