package api

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
)

// group reports two failures on a host, and returns the number of their group.
func (w *fixture) group(host string) string {
	w.Helper()
	for n := range 2 {
		w.ping(w.heartbeat(fmt.Sprint("job ", n, " of ", host)), monitor.Ping{Kind: monitor.PingFail, Method: "POST", Host: host})
	}
	if _, err := w.DB.RunGrouping(w.Context(), time.Now()); err != nil {
		w.Fatal(err)
	}
	page, err := w.client("read-write").Groups(w.Context(), client.GroupQuery{})
	if err != nil || len(page.Items) == 0 || page.Items[0].Factor.Value != host {
		w.Fatal(err, page)
	}
	return strconv.FormatInt(page.Items[0].Number, 10)
}

func TestGroups_AreListedShownAndAcknowledged(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		w.fail("alone")
		w.group("web1")
		w.group("web2")
		count := func(state string) (numbers string) {
			for g, err := range c.AllGroups(t.Context(), client.GroupQuery{State: state, PageQuery: client.PageQuery{Limit: 1}}) {
				if err != nil {
					t.Fatal(err)
				}
				numbers += fmt.Sprint(g.Number, " ")
			}
			return numbers
		}
		if got := count("") + "/" + count("open") + "/" + count("acknowledged"); got != "4 2 /4 2 /" {
			t.Errorf("groups %q", got)
		}
		d, err := c.Group(t.Context(), 2)
		if err != nil || d.State != "open" || d.Incidents != 2 || d.Open != 2 || d.Factor != (client.Factor{Kind: "host", Value: "web1"}) || d.Causes["failure"] != 2 || len(d.Factors) != 1 {
			t.Errorf("group %+v, %v", d, err)
		}
		members := ""
		for i, err := range c.AllGroupMembers(t.Context(), 2, client.GroupQuery{PageQuery: client.PageQuery{Limit: 1}}) {
			if err != nil || i.Group == nil || *i.Group != 2 {
				t.Fatalf("member %+v, %v", i, err)
			}
			members += fmt.Sprint(i.Number, " ")
		}
		if members != "3 2 " {
			t.Errorf("members %q", members)
		}
		if d, err = c.SnoozeGroup(t.Context(), 2, client.QuietPeriod{For: "2h"}); err != nil || d.Open != 2 {
			t.Errorf("snoozed: %+v, %v", d, err)
		}
		if i, err := c.GroupMembers(t.Context(), 2, client.GroupQuery{}); err != nil || i.Items[0].SnoozedUntil == nil || i.Items[1].SnoozedUntil == nil {
			t.Errorf("snoozed members: %+v, %v", i, err)
		}
		if d, err = c.AcknowledgeGroup(t.Context(), 2); err != nil || d.State != "acknowledged" || d.Acknowledged != 2 || d.AcknowledgedBy == nil {
			t.Errorf("acknowledged: %+v, %v", d, err)
		}
		if got := count("open") + "/" + count("acknowledged"); got != "4 /2 " {
			t.Errorf("groups %q", got)
		}
		if _, err := c.SnoozeGroup(t.Context(), 2, client.QuietPeriod{For: "2h"}); problemStatus(err) != http.StatusConflict {
			t.Errorf("snooze of an acknowledged group: %v; want 409", err)
		}
		if _, err := c.Group(t.Context(), 1); problemStatus(err) != http.StatusNotFound {
			t.Errorf("group of an incident that is alone: %v; want 404", err)
		}
	})
}

func TestGroups_AResolvedGroupIsAConflict(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		w.group("web1")
		for i, err := range c.AllGroupMembers(t.Context(), 1, client.GroupQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			h, err := c.Heartbeat(t.Context(), *i.HeartbeatID)
			if err != nil {
				t.Fatal(err)
			}
			w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST"})
		}
		if d, err := c.Group(t.Context(), 1); err != nil || d.State != "resolved" || d.Resolved != 2 {
			t.Errorf("group %+v, %v", d, err)
		}
		if _, err := c.AcknowledgeGroup(t.Context(), 1); problemStatus(err) != http.StatusConflict {
			t.Errorf("acknowledge: %v; want 409", err)
		}
	})
}
