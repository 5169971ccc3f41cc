package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// failHeartbeat creates a heartbeat that reports a failure, and returns its
// incident.
func (w *fixture) failHeartbeat(name string, ago time.Duration) (monitor.Heartbeat, monitor.Incident) {
	w.Helper()
	h := w.createHeartbeat(name)
	w.ping(h, ago, monitor.Ping{Kind: monitor.PingFail, ExitCode: 2, Body: []byte("disk full " + hostileName)})
	return h, w.newestIncident(h)
}

// newestIncident returns the newest incident of a heartbeat.
func (w *fixture) newestIncident(h monitor.Heartbeat) monitor.Incident {
	w.Helper()
	l, err := w.service.Incidents(w.Context(), w.actor("member"), manage.IncidentListQuery{Heartbeat: h.ID})
	if err != nil || len(l.Items) == 0 {
		w.Fatalf("no incident of %s: %v", h.Name, err)
	}
	return l.Items[0]
}

// recordDelivery records an attempt to deliver the pending alerts of a channel.
func (w *fixture) recordDelivery(c monitor.Channel, outcome string, status int, detail string) {
	w.Helper()
	now := w.now()
	w.update(func(tx *store.Tx) error {
		claimed, err := tx.Claim(c.ID, "node", now, now, 10)
		if err != nil {
			return err
		}
		for _, a := range claimed {
			err := tx.AddAttempt(store.Attempt{AlertID: a.ID, Number: a.Attempts, At: now, Took: 800 * time.Millisecond, Outcome: outcome, Status: status, Detail: detail})
			if err != nil {
				return err
			}
			if outcome == "sent" {
				_, err = tx.MarkSent(a.ID)
			} else {
				err = tx.Reschedule(a, now.Add(time.Minute), time.Time{})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestShowIncident_ShowsTimelineAndDeliveries(t *testing.T) {
	onEach(t, func(w *fixture) {
		ops, mail := w.createChannel("ops"), w.createChannel("mail")
		h, i := w.failHeartbeat("backup", 2*time.Minute)
		w.recordDelivery(ops, "sent", 200, "ok")
		w.recordDelivery(mail, "retry", 503, "away <b>")
		path := "/incidents/" + i.ID
		page := w.get("viewer", path)
		w.expectHTML(page, 200, "backup reported a failure", "Incident #1", "Alert delivered to ops in 0.8", "Alert to mail not delivered, will retry",
			"disk full", "200 ok", "503 away &lt;b&gt;", "Retrying", "Exit code", "Not acknowledged yet", "No earlier incident", "/live/incidents/"+i.ID)
		w.expectNone(page, h.ID, "Add note", "Acknowledge with note")
		w.expectHTML(w.get("member", path), 200, "Acknowledge with note")
		w.expectHTML(w.post("member", path+"/notes", url.Values{"note": {" "}}), 422, "Enter a note of 1 to 2000 characters.")
		if a := w.post("member", path+"/notes", url.Values{"note": {"looking: " + hostileName}}); a.location() != path {
			w.Error(a.code, a.body)
		}
		w.expectHTML(w.post("member", path+"/acknowledge", url.Values{"note": {strings.Repeat("x", 2001)}}), 422, "Enter a note")
		if w.newestIncident(h).State() != monitor.StateOpen {
			w.Error("acknowledged with an invalid note")
		}
		if a := w.post("member", path+"/acknowledge", url.Values{"note": {"mine"}}); a.location() != path {
			w.Error(a.code, a.body)
		}
		w.expectHTML(w.get("viewer", path), 200, "Acknowledged by member after 2m", "Note by member", "looking: &#34;&gt;&lt;script", "mine", "Acknowledged")
		w.ping(h, time.Minute, monitor.Ping{})
		page = w.get("viewer", path)
		w.expectHTML(page, 200, "Recovered", "Was Down for", "/live/incidents/"+i.ID) // an alert is still pending
		w.update(func(tx *store.Tx) error { return tx.DeleteChannel(mail, w.now()) })
		for range 2 { // acknowledged, resolved
			w.recordDelivery(ops, "sent", 200, "ok")
		}
		w.expectHTML(w.get("viewer", path), 200, `data-live=""`)
		w.expectHTML(w.post("member", path+"/acknowledge", nil), 409)
		w.expectHTML(w.get("stranger", path), 404)
	})
}

func TestShowIncident_ShowsTheCalculationOfAMissedPing(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 3*time.Hour, monitor.Ping{})
		w.evaluate()
		i := w.newestIncident(h)
		w.expectHTML(w.get("viewer", "/incidents/"+i.ID), 200, "backup missed its ping", "+ interval", "1h", "+ grace", "10m", "Last ping",
			"A grace period of 10m began", "Detected", "The next successful ping resolves this incident")
		w.expectHTML(w.get("viewer", "/heartbeats/"+h.Ref), 200, "Down for", "Missed ping", "1 in 30 days, one open", "missed")
	})
}

func TestListIncidents_FiltersAndPaginates(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectHTML(w.get("viewer", "/incidents"), 200, "No incidents yet.")
		c := w.createChannel("ops")
		open, i := w.failHeartbeat("open one", time.Hour)
		w.recordDelivery(c, "sent", 200, "ok")
		done, _ := w.failHeartbeat("done one", 30*time.Minute)
		w.ping(done, 10*time.Minute, monitor.Ping{})
		missed := w.createHeartbeat("missed one")
		w.ping(missed, 3*time.Hour, monitor.Ping{})
		w.evaluate()
		if _, err := w.service.AcknowledgeIncident(w.Context(), w.actor("member"), w.newestIncident(missed).ID); err != nil {
			w.Fatal(err)
		}
		a := w.get("viewer", "/incidents")
		w.expectHTML(a, 200, "open one", "done one", "missed one", "Open 1", "Acknowledged 1", "20m", "1 of 1 delivered", "of="+w.newestIncident(missed).ID)
		_ = open
		for query, want := range map[string]string{
			"?state=open": "open one", "?state=acknowledged": "missed one", "?state=resolved": "done one", "?cause=missed": "missed one",
			"?q=DONE": "done one", "?q=%231": "open one", "?q=" + fmt.Sprint(i.Number): "open one", "?q=zzz": "", "?q=%00": "", "?cause=%00": "",
		} {
			got := w.get("viewer", "/incidents"+query)
			w.expectHTML(got, 200)
			for _, name := range []string{"open one", "done one", "missed one"} {
				if strings.Contains(got.body, ">"+name+"<") != (name == want) {
					w.Errorf("%s: %s: want only %q", query, name, want)
				}
			}
		}
		for range 30 {
			w.ping(done, time.Minute, monitor.Ping{Kind: monitor.PingFail})
			w.ping(done, time.Minute, monitor.Ping{})
		}
		next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
		prev := regexp.MustCompile(`href="([^"]+)" rel="prev"`)
		first := w.get("viewer", "/incidents?cause=failure")
		w.expectHTML(first, 200, "1–25 of 32")
		second := w.get("viewer", w.linkIn(first, next))
		w.expectHTML(second, 200, "26–32 of 32", "open one")
		if next.MatchString(second.body) {
			w.Error("the last page has a next page")
		}
		back := w.get("viewer", w.linkIn(second, prev))
		w.expectHTML(back, 200, "1–25 of 32")
		if prev.MatchString(back.body) {
			w.Error("the first page has a previous page")
		}
	})
}

func TestIncidentPages_NameASeverityOtherThanCritical(t *testing.T) {
	onEach(t, func(w *fixture) {
		links, err := manage.NewAckLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		w.site.AckLinks = links
		c := w.createChannel("ops")
		for _, severity := range []string{"critical", "warning", "info"} {
			h := w.createHeartbeat(severity + "-job")
			if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, manage.HeartbeatEdit{Severity: &severity}); err != nil {
				w.Fatal(err)
			}
			w.ping(h, time.Minute, monitor.Ping{Kind: monitor.PingFail})
			i := w.newestIncident(h)
			_, row, _ := strings.Cut(w.get("viewer", "/incidents").body, `id="inc-`+i.ID+`"`)
			row, _, _ = strings.Cut(row, "</tr>")
			head := regexp.MustCompile(`(?s)<h1>.*?</header>`).FindString(w.get("viewer", "/incidents/"+i.ID).body)
			for place, text := range map[string]string{
				"row": row, "page": head, "page of the link": w.get("", "/acknowledge/"+links.Token(i.ID, c.ID)).body,
			} {
				if got := strings.Contains(text, `class="sev"`); got != (severity != "critical") {
					w.Errorf("%s: the %s shows a severity: %t", severity, place, got)
				}
			}
		}
	})
}

func TestAcknowledgeByLink_NeedsAClick(t *testing.T) {
	onEach(t, func(w *fixture) {
		links, err := manage.NewAckLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		w.site.AckLinks = links
		c := w.createChannel("ops")
		h, i := w.failHeartbeat(hostileName, 2*time.Minute)
		path := "/acknowledge/" + links.Token(i.ID, c.ID)
		for range 3 {
			w.expectHTML(w.get("", path), 200, "Down for", "acknowledged by link from ops")
		}
		if w.newestIncident(h).State() != monitor.StateOpen {
			w.Fatal("opening the link acknowledged")
		}
		w.expectHTML(w.post("", path, url.Values{"note": {"on it"}}), 200, "Reminders have stopped for everyone")
		got := w.newestIncident(h)
		if got.State() != monitor.StateAcknowledged || got.AcknowledgedBy != "link from ops" {
			w.Errorf("%+v", got)
		}
		w.expectHTML(w.get("member", "/incidents/"+i.ID), 200, "on it", "Note by link from ops")
		w.expectHTML(w.get("", path), 200, "already acknowledged")
		w.ping(h, time.Minute, monitor.Ping{})
		w.expectHTML(w.get("", path), 200, "already resolved")
		w.expectHTML(w.post("", path, nil), 200, "already resolved")
	})
}

func TestAcknowledgeByLink_RejectsForgedAndExpiredLinks(t *testing.T) {
	onEach(t, func(w *fixture) {
		links, err := manage.NewAckLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		again, err := manage.NewAckLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		w.site.AckLinks = links
		c, gone := w.createChannel("ops"), w.createChannel("gone")
		h, i := w.failHeartbeat("backup", 2*time.Minute)
		other, j := w.failHeartbeat("other", 8*24*time.Hour)
		token := links.Token(i.ID, c.ID)
		if token != again.Token(i.ID, c.ID) {
			w.Error("two nodes sign differently")
		}
		forged := links.Token(j.ID, c.ID)
		if err := w.service.DeleteChannel(w.Context(), w.actor("member"), gone.ID); err != nil {
			w.Fatal(err)
		}
		bad := map[string]string{
			"too old": forged, "cut": token[:len(token)-1], "empty": "-", "of a channel that is gone": links.Token(i.ID, gone.ID),
			"with another's signature": links.Token(j.ID, c.ID)[:43] + token[43:],
		}
		for n := range token {
			swapped := byte('A')
			if token[n] == 'A' {
				swapped = 'B'
			}
			bad[fmt.Sprintf("changed at %d", n)] = token[:n] + string(swapped) + token[n+1:]
		}
		for what, token := range bad {
			if get, post := w.get("", "/acknowledge/"+token), w.post("", "/acknowledge/"+token, nil); get.code != 404 || post.code != 404 {
				w.Errorf("a link %s: %d, %d; want 404", what, get.code, post.code)
			}
		}
		if w.newestIncident(h).State() != monitor.StateOpen || w.newestIncident(other).State() != monitor.StateOpen {
			w.Error("a forged link acknowledged the incident")
		}
	})
}

func TestService_IsolatesProjectsAndRedactsSecrets(t *testing.T) {
	onEach(t, func(w *fixture) {
		h, i := w.failHeartbeat("backup", time.Minute)
		s, err := w.service.IncidentView(w.Context(), w.actor("viewer"), i.ID)
		if err != nil || s.HeartbeatID != "" || s.Heartbeat.ID != "" {
			w.Errorf("a viewer gets %q and %q, %v", s.HeartbeatID, s.Heartbeat.ID, err)
		}
		rows, down, err := w.service.HeartbeatsByKey(w.Context(), w.actor("stranger"), []int64{h.Key})
		if err != nil || len(rows) != 0 || down != 0 {
			w.Errorf("a stranger gets %v, %d, %v", rows, down, err)
		}
	})
}

func TestShowIncident_LeadsToTheIncidentWithTheNumber(t *testing.T) {
	onEach(t, func(w *fixture) {
		_, i := w.failHeartbeat("backup", time.Minute)
		path := fmt.Sprintf("/incidents/%d", i.Number)
		w.expectRedirect(w.get("viewer", path), "/incidents/"+i.ID)
		w.expectHTML(w.get("viewer", "/incidents/99"), 404, "has no incident #99. Incidents are deleted 400 days after they were resolved.")
		w.expectHTML(w.get("stranger", path), 404)
	})
}

func TestAcknowledgeIncidents_KeepsTheFilter(t *testing.T) {
	onEach(t, func(w *fixture) {
		h1, first := w.failHeartbeat("backup", 3*time.Minute)
		_, second := w.failHeartbeat("import", 2*time.Minute)
		h3, third := w.failHeartbeat("report", time.Minute)
		w.ping(h3, 0, monitor.Ping{})
		list := w.get("member", "/incidents?state=open")
		w.expectHTML(list, 200, "Acknowledge selected", `value="`+first.ID+`"`, `action="/incidents/acknowledge"`)
		w.expectNone(list, `value="`+third.ID+`"`)
		w.expectNone(w.get("viewer", "/incidents"), "Acknowledge selected", `name="id"`)
		form := url.Values{"id": {first.ID, third.ID, "none"}, "from": {"/incidents?state=open&q=a"}}
		w.expectRedirect(w.post("member", "/incidents/acknowledge", form), "/incidents?state=open&q=a")
		w.expectHTML(w.get("member", "/incidents"), 200, "Acknowledged 1 incident. 2 already resolved.")
		if state := w.newestIncident(h1).State(); state != monitor.StateAcknowledged {
			w.Errorf("the first incident is %s", state)
		}
		w.expectHTML(w.get("member", "/incidents"), 200, `value="`+second.ID+`"`)
		w.expectRedirect(w.post("member", "/incidents/acknowledge", url.Values{"from": {"//example.com"}}), "/incidents")
		w.expectHTML(w.post("viewer", "/incidents/acknowledge", form), 403)
	})
}
