package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// fail creates a heartbeat, reports a failure, and returns it with its incident.
func (w *fixture) fail(name string) (client.Heartbeat, client.Incident) {
	w.Helper()
	h := w.heartbeat(name)
	w.ping(h, monitor.Ping{Kind: monitor.PingFail, Method: "POST"})
	page, err := w.client("read-write").Incidents(w.Context(), client.IncidentQuery{Heartbeat: *h.ID})
	if err != nil || len(page.Items) != 1 {
		w.Fatal(err, page)
	}
	return h, page.Items[0]
}

func TestListIncidents_FiltersAndPaginates(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		_, first := w.fail("a")
		h, _ := w.fail("b")
		_, third := w.fail("c")
		w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST"})
		w.ping(h, monitor.Ping{Kind: monitor.PingFail, Method: "POST"})
		if _, err := c.AcknowledgeIncident(t.Context(), third.ID); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[client.IncidentQuery]string{
			{}:                                "4321",
			{State: "open"}:                   "41",
			{State: "acknowledged"}:           "3",
			{State: "resolved"}:               "2",
			{Heartbeat: h.Ref}:                "42",
			{Heartbeat: *h.ID, State: "open"}: "4",
			{Heartbeat: first.HeartbeatRef}:   "1",
			{State: "resolved", Heartbeat: *first.HeartbeatID}: "",
		} {
			for _, limit := range []int{0, 1, 2, 4} {
				query.Limit = limit
				got := ""
				for i, err := range c.AllIncidents(t.Context(), query) {
					if err != nil {
						t.Fatal(err)
					}
					got += fmt.Sprint(i.Number)
				}
				if got != want {
					t.Errorf("%+v: %q, want %q", query, got, want)
				}
			}
		}
	})
}

func TestAcknowledgeIncident_HappensOnceAndNotAfterResolution(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		w.channel("ops")
		h, i := w.fail("Backup")
		if i.State != "open" || i.AcknowledgedBy != nil || *i.HeartbeatID != *h.ID || i.Cause != "failure" {
			t.Errorf("%+v", i)
		}
		got, err := c.AcknowledgeIncident(t.Context(), i.ID)
		if err != nil || got.State != "acknowledged" || *got.AcknowledgedBy != "API key test" || got.AcknowledgedAt == nil || w.pendingSignals != 1 {
			t.Fatal(err, got, w.pendingSignals)
		}
		again, err := c.AcknowledgeIncident(t.Context(), i.ID)
		if diff := cmp.Diff(got, again); err != nil || diff != "" || w.pendingSignals != 1 {
			t.Error(err, diff, w.pendingSignals)
		}
		if owed := len(got.Deliveries); owed != 2 || got.Deliveries[1].Event != "incident.acknowledged" || got.Deliveries[0].NextAttemptAt == nil {
			t.Errorf("%+v", got.Deliveries)
		}
		w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST"})
		r := w.request("read-write", "POST", "/api/v1/incidents/"+i.ID+"/acknowledge", "")
		if p := problem(t, r); p.Status != 409 || p.Detail != "Incident #1 is already resolved: only an open incident can be acknowledged." {
			t.Errorf("%+v", p)
		}
		if actions := w.auditActions(); actions[len(actions)-1] != "API key test: incident.acknowledge #1 of Backup" {
			t.Errorf("%q", actions)
		}
	})
}

func TestAddNote_AppearsInTheTimelineWithItsAuthor(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		_, i := w.fail("Backup")
		got, err := w.client("read-write").AddNote(t.Context(), i.ID, "  the disk is full\nordered another ")
		if err != nil {
			t.Fatal(err)
		}
		last := got.Timeline[len(got.Timeline)-1]
		if last.Kind != "note" || last.Text != "API key test: the disk is full\nordered another" {
			t.Errorf("%+v", last)
		}
		for body, location := range map[string]string{
			`{}`: "body.text", `{"text": " "}`: "body.text", `{"text": 5}`: "body.text", `{"text": null}`: "body.text",
			`{"text": "` + strings.Repeat("ü", 2001) + `"}`: "body.text", `{"text": "\u0007"}`: "body.text", `{"text": "x", "by": "me"}`: "body.by",
		} {
			p := problem(t, w.request("read-write", "POST", "/api/v1/incidents/"+i.ID+"/notes", body))
			if p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != location {
				t.Errorf("%.30s: %+v", body, p)
			}
		}
		longest := strings.Repeat("ü", 2000)
		if _, err := w.client("read-write").AddNote(t.Context(), i.ID, longest); err != nil {
			t.Error(err)
		}
	})
}

func TestGetIncident_TheTimelineShowsEveryDeliveryAttempt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		ch := w.channel("Ops")
		_, i := w.fail("Backup")
		detail, err := w.client("read-only").Incident(t.Context(), i.ID)
		if err != nil || len(detail.Deliveries) != 1 || detail.HeartbeatID != nil {
			t.Fatal(err, detail)
		}
		alert := detail.Deliveries[0].ID
		err = w.DB.Update(t.Context(), func(tx *store.Tx) error {
			for n, a := range []store.Attempt{
				{Outcome: "retry", Status: 503, Detail: "busy"},
				{Outcome: "sent", Status: 200},
			} {
				a.AlertID, a.Number, a.At = alert, n+1, i.OpenedAt.Add(time.Duration(n+1)*monitor.Precision)
				if err := tx.AddAttempt(a); err != nil {
					return err
				}
			}
			_, err := tx.MarkSent(alert)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.client("read-write").AddNote(t.Context(), i.ID, "on it"); err != nil {
			t.Fatal(err)
		}
		// Also after the channel is deleted.
		if err := w.client("read-write").DeleteChannel(t.Context(), ch.ID); err != nil {
			t.Fatal(err)
		}
		detail, err = w.client("read-only").Incident(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, e := range detail.Timeline {
			lines = append(lines, e.Kind+": "+e.Text)
		}
		want := []string{
			lines[0],
			"delivery: “Ops” not delivered, will be retried (incident.opened), status 503: busy",
			"delivery: “Ops” delivered (incident.opened), status 200",
			"note: API key test: on it",
		}
		if diff := cmp.Diff(want, lines); diff != "" || !strings.HasPrefix(lines[0], "opened: ") {
			t.Error(diff)
		}
		if !slices.IsSortedFunc(detail.Timeline, func(a, b client.TimelineEntry) int { return a.At.Compare(b.At) }) {
			t.Errorf("%+v", detail.Timeline)
		}
		d := detail.Deliveries[0]
		if d.State != "sent" || d.NextAttemptAt != nil || len(d.Attempts) != 2 || *d.Attempts[0].Status != 503 || d.ChannelID != ch.ID {
			t.Errorf("%+v", d)
		}
	})
}

func TestGetIncident_AMissingOneSaysWhenIncidentsAreDeleted(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		r := w.request("read-only", "GET", "/api/v1/incidents/ffffffff", "")
		if r.status != 404 || !strings.Contains(r.body, "Incidents are deleted 400 days after they were resolved.") {
			t.Errorf("%d: %s", r.status, r.body)
		}
	})
}
