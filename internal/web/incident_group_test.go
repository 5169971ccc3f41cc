package web

import (
	"net/url"
	"testing"
	"time"

	"overdue/internal/monitor"
)

func TestShowGroup_ShowsWhatIncidentsShareAndActsOnAll(t *testing.T) {
	onEach(t, func(w *fixture) {
		var h monitor.Heartbeat
		for _, name := range []string{"import", "export", "report <b>"} {
			h = w.createHeartbeat(name)
			w.ping(h, time.Minute, monitor.Ping{Kind: monitor.PingFail, Host: "web1 <i>"})
		}
		if _, err := w.db.RunGrouping(w.Context(), w.now()); err != nil {
			w.Fatal(err)
		}
		path := "/incidents/groups/1"
		page := w.get("viewer", path)
		w.expectHTML(page, 200, "3 incidents on web1 &lt;i&gt; opened within 1s", "because all share a host", "3 open, 0 acknowledged, 0 resolved", "3 of 3",
			"Reported failure", "import", "export", "report &lt;b&gt;")
		w.expectNone(page, "Acknowledge 3", "Snooze 3")
		w.expectHTML(w.get("member", path), 200, "Acknowledge 3", "Snooze 3", "Acknowledge selected")
		w.expectHTML(w.get("viewer", "/incidents/"+w.newestIncident(h).ID), 200, "/incidents/groups/1")
		found := w.get("viewer", path+"?q=import")
		w.expectHTML(found, 200, "import")
		w.expectNone(found, ">export<")
		w.expectHTML(w.get("viewer", path+"?state=resolved&cursor=zzz&tag=%00"), 200, "No matching incidents.")
		if a := w.post("member", path+"/snooze", url.Values{"quiet": {"2h"}}); a.location() != path {
			w.Error(a.code, a.body)
		}
		w.expectHTML(w.get("viewer", path), 200, "Snoozed until")
		if a := w.post("member", path+"/acknowledge", nil); a.location() != path {
			w.Error(a.code, a.body)
		}
		page = w.get("member", path)
		w.expectHTML(page, 200, "0 open, 3 acknowledged, 0 resolved", "Acknowledged by member. Incidents that join the group are acknowledged too, until", "No incident is open.")
		w.expectNone(page, "Acknowledge selected")
		w.expectHTML(w.post("viewer", path+"/acknowledge", nil), 403)
		w.expectHTML(w.get("viewer", "/incidents/groups/2"), 404)
		w.expectHTML(w.get("viewer", "/incidents/groups/x"), 404)
	})
}
