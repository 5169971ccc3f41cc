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

// failed is a heartbeat that reported a failure, and its incident.
func (w *world) failed(name string, ago time.Duration) (monitor.Heartbeat, monitor.Incident) {
	w.Helper()
	h := w.heartbeat(name)
	w.hear(h, ago, monitor.Ping{Kind: monitor.Fail, ExitCode: 2, Body: []byte("disk full " + hostile)})
	return h, w.incident(h)
}

// incident is the newest of a heartbeat.
func (w *world) incident(h monitor.Heartbeat) monitor.Incident {
	w.Helper()
	l, err := w.desk.Incidents(w.Context(), w.actor("member"), manage.IncidentQuery{Heartbeat: h.ID})
	if err != nil || len(l.Items) == 0 {
		w.Fatalf("no incident of %s: %v", h.Name, err)
	}
	return l.Items[0]
}

// deliver notes an attempt at the alerts that a channel is owed.
func (w *world) deliver(c monitor.Channel, outcome string, status int, detail string) {
	w.Helper()
	now := w.now()
	w.update(func(tx *store.Tx) error {
		claimed, err := tx.Claim(c.ID, "node", now, now, 10)
		if err != nil {
			return err
		}
		for _, a := range claimed {
			err := tx.AddAttempt(store.Attempt{Alert: a.ID, N: a.Attempts, At: now, Took: 800 * time.Millisecond, Outcome: outcome, Status: status, Detail: detail})
			if err != nil {
				return err
			}
			if outcome == "sent" {
				_, err = tx.Sent(a.ID)
			} else {
				err = tx.Later(a, now.Add(time.Minute), time.Time{})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAnIncidentTellsItsWholeStory(t *testing.T) {
	onEach(t, func(w *world) {
		ops, mail := w.channel("ops"), w.channel("mail")
		h, i := w.failed("backup", 2*time.Minute)
		w.deliver(ops, "sent", 200, "ok")
		w.deliver(mail, "retry", 503, "away <b>")
		path := "/incidents/" + i.ID
		page := w.get("viewer", path)
		w.shows(page, 200, "backup reported a failure", "Incident #1", "Alert delivered to ops in 0.8", "Alert to mail not delivered, will retry",
			"disk full", "200 ok", "503 away &lt;b&gt;", "Retrying", "Exit status", "Nobody has acknowledged it yet", "No incident before", "/live/incidents/"+i.ID)
		w.lacks(page, h.ID, "Add note", "Acknowledge with note")
		w.shows(w.get("member", path), 200, "Acknowledge with note")
		w.shows(w.post("member", path+"/notes", url.Values{"note": {" "}}), 422, "Write a note of 1 to 2000 characters.")
		if a := w.post("member", path+"/notes", url.Values{"note": {"looking: " + hostile}}); a.to() != path {
			w.Error(a.code, a.body)
		}
		w.shows(w.post("member", path+"/acknowledge", url.Values{"note": {strings.Repeat("x", 2001)}}), 422, "Write a note")
		if w.incident(h).State() != monitor.Open {
			w.Error("acknowledged with a note that was refused")
		}
		if a := w.post("member", path+"/acknowledge", url.Values{"note": {"mine"}}); a.to() != path {
			w.Error(a.code, a.body)
		}
		w.shows(w.get("viewer", path), 200, "Acknowledged by member after 2m", "Note by member", "looking: &#34;&gt;&lt;script", "mine", "Acknowledged")
		w.hear(h, time.Minute, monitor.Ping{})
		page = w.get("viewer", path)
		w.shows(page, 200, "Recovered", "Was Down for", "/live/incidents/"+i.ID) // somebody is still to be told
		w.update(func(tx *store.Tx) error { return tx.DeleteChannel(mail, w.now()) })
		for range 2 { // acknowledged, resolved
			w.deliver(ops, "sent", 200, "ok")
		}
		w.shows(w.get("viewer", path), 200, `data-live=""`)
		w.shows(w.post("member", path+"/acknowledge", nil), 409)
		w.shows(w.get("stranger", path), 404)
	})
}

func TestAMissedPingShowsTheSumThatLedToIt(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, 3*time.Hour, monitor.Ping{})
		w.lapse()
		i := w.incident(h)
		w.shows(w.get("viewer", "/incidents/"+i.ID), 200, "backup missed its ping", "+ interval", "1h", "+ grace", "10m", "Last ping",
			"A grace period of 10m began", "Noticed", "The next successful ping resolves this incident")
		w.shows(w.get("viewer", "/heartbeats/"+h.Ref), 200, "Down for", "Missed ping", "1 in 30 days, one open", "missed")
	})
}

func TestTheListOfIncidentsIsNarrowedAndTurned(t *testing.T) {
	onEach(t, func(w *world) {
		w.shows(w.get("viewer", "/incidents"), 200, "No incident so far.")
		c := w.channel("ops")
		open, i := w.failed("open one", time.Hour)
		w.deliver(c, "sent", 200, "ok")
		done, _ := w.failed("done one", 30*time.Minute)
		w.hear(done, 10*time.Minute, monitor.Ping{})
		missed := w.heartbeat("missed one")
		w.hear(missed, 3*time.Hour, monitor.Ping{})
		w.lapse()
		if _, err := w.desk.AcknowledgeIncident(w.Context(), w.actor("member"), w.incident(missed).ID); err != nil {
			w.Fatal(err)
		}
		a := w.get("viewer", "/incidents")
		w.shows(a, 200, "open one", "done one", "missed one", "Open 1", "Acknowledged 1", "20m", "1 of 1 delivered", "of="+w.incident(missed).ID)
		_ = open
		for query, want := range map[string]string{
			"?state=open": "open one", "?state=acknowledged": "missed one", "?state=resolved": "done one", "?cause=missed": "missed one",
			"?q=DONE": "done one", "?q=%231": "open one", "?q=" + fmt.Sprint(i.Number): "open one", "?q=zzz": "", "?q=%00": "", "?cause=%00": "",
		} {
			got := w.get("viewer", "/incidents"+query)
			w.shows(got, 200)
			for _, name := range []string{"open one", "done one", "missed one"} {
				if strings.Contains(got.body, ">"+name+"<") != (name == want) {
					w.Errorf("%s: %s: want only %q", query, name, want)
				}
			}
		}
		for range 30 {
			w.hear(done, time.Minute, monitor.Ping{Kind: monitor.Fail})
			w.hear(done, time.Minute, monitor.Ping{})
		}
		next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
		prev := regexp.MustCompile(`href="([^"]+)" rel="prev"`)
		first := w.get("viewer", "/incidents?cause=failure")
		w.shows(first, 200, "1–25 of 32")
		second := w.get("viewer", w.link(first, next))
		w.shows(second, 200, "26–32 of 32", "open one")
		if next.MatchString(second.body) {
			w.Error("there is a page behind the last")
		}
		back := w.get("viewer", w.link(second, prev))
		w.shows(back, 200, "1–25 of 32")
		if prev.MatchString(back.body) {
			w.Error("there is a page before the first")
		}
	})
}

func TestTheLinkInAnAlertAcknowledgesByAClickAndNotByBeingOpened(t *testing.T) {
	onEach(t, func(w *world) {
		links, err := manage.NewLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		w.site.Links = links
		c := w.channel("ops")
		h, i := w.failed(hostile, 2*time.Minute)
		path := "/acknowledge/" + links.Token(i.ID, c.ID)
		for range 3 {
			w.shows(w.get("", path), 200, "Down for", "It will be noted as acknowledged by link from ops")
		}
		if w.incident(h).State() != monitor.Open {
			w.Fatal("opening the link acknowledged")
		}
		w.shows(w.post("", path, url.Values{"note": {"on it"}}), 200, "Reminders have stopped for everyone")
		got := w.incident(h)
		if got.State() != monitor.Acknowledged || got.AcknowledgedBy != "link from ops" {
			w.Errorf("%+v", got)
		}
		w.shows(w.get("member", "/incidents/"+i.ID), 200, "on it", "Note by link from ops")
		w.shows(w.get("", path), 200, "Someone has acknowledged it already")
		w.hear(h, time.Minute, monitor.Ping{})
		w.shows(w.get("", path), 200, "The incident is over")
		w.shows(w.post("", path, nil), 200, "The incident is over")
	})
}

func TestALinkThatIsNotOursOrTooOldDoesNothing(t *testing.T) {
	onEach(t, func(w *world) {
		links, err := manage.NewLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		again, err := manage.NewLinks(w.Context(), w.db)
		if err != nil {
			w.Fatal(err)
		}
		w.site.Links = links
		c, gone := w.channel("ops"), w.channel("gone")
		h, i := w.failed("backup", 2*time.Minute)
		other, j := w.failed("other", 8*24*time.Hour)
		token := links.Token(i.ID, c.ID)
		if token != again.Token(i.ID, c.ID) {
			w.Error("two nodes sign differently")
		}
		forged := links.Token(j.ID, c.ID)
		if err := w.desk.DeleteChannel(w.Context(), w.actor("member"), gone.ID); err != nil {
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
		if w.incident(h).State() != monitor.Open || w.incident(other).State() != monitor.Open {
			w.Error("acknowledged by a link that is not ours")
		}
	})
}

func TestWhatThePagesReadIsVeiledAndOfOneProject(t *testing.T) {
	onEach(t, func(w *world) {
		h, i := w.failed("backup", time.Minute)
		s, err := w.desk.IncidentStory(w.Context(), w.actor("viewer"), i.ID)
		if err != nil || s.HeartbeatID != "" || s.Heartbeat.ID != "" {
			w.Errorf("a viewer is told %q and %q, %v", s.HeartbeatID, s.Heartbeat.ID, err)
		}
		rows, down, err := w.desk.Glance(w.Context(), w.actor("stranger"), []int64{h.Key})
		if err != nil || len(rows) != 0 || down != 0 {
			w.Errorf("a stranger is told %v, %d, %v", rows, down, err)
		}
	})
}
