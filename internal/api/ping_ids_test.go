package api

import (
	"strings"
	"testing"

	"overdue/client"
	"overdue/internal/monitor"
)

func TestAPI_AReadOnlyKeySeesNoIDInAnyText(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		near, h := w.heartbeat("near"), w.heartbeat("leaky")
		far, err := w.client("other").CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: new("far"), Interval: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, id := range []string{*h.ID, *near.ID, *far.ID} {
			bare := strings.ReplaceAll(id, "-", "")
			all = append(all, id, bare, strings.ToUpper(id), strings.ToUpper(bare))
		}
		words := strings.Join(all, " ")
		if _, err := c.ChangeHeartbeat(t.Context(), *h.ID, client.HeartbeatSettings{Description: &words, Tags: &[]string{*near.ID}}); err != nil {
			t.Fatal(err)
		}
		w.ping(h, monitor.Ping{Kind: monitor.PingFail, Method: "POST", Body: []byte(words), UserAgent: words[:200], RunID: *near.ID})
		incidents, err := c.Incidents(t.Context(), client.IncidentQuery{})
		if err != nil || len(incidents.Items) != 1 {
			t.Fatal(err, incidents)
		}
		id := incidents.Items[0].ID
		if _, err := c.AddNote(t.Context(), id, words); err != nil {
			t.Fatal(err)
		}
		replaced := 0
		for _, op := range operations(t) {
			path := strings.NewReplacer("{heartbeat}", h.Ref, "{incident}", id, "{channel}", "none").Replace(access[op.OperationID].path)
			if op.Method != "GET" {
				continue
			}
			r := w.request("read-only", op.Method, Prefix+path, "")
			for _, spelling := range all {
				if strings.Contains(r.body, spelling) {
					t.Errorf("%s: holds %s\n%s", path, spelling, r.body)
				}
			}
			replaced += strings.Count(r.body, "…")
		}
		if replaced < 12 {
			t.Errorf("only %d ids were replaced: does the API answer with these texts at all?", replaced)
		}
		for key, found := range map[string]bool{"read-only": false, "read-write": true} {
			if r := w.request(key, "GET", Prefix+"/heartbeats?q="+(*h.ID)[:12], ""); strings.Contains(r.body, h.Ref) != found {
				t.Errorf("a %s key that searches for a part of the id finds the heartbeat: %t; want %t", key, !found, found)
			}
		}
		if r := w.request("read-write", "GET", Prefix+"/heartbeats/"+h.Ref+"/pings/1/body", ""); r.body != words {
			t.Errorf("a key that may ping reads %s", r.body)
		}
		for _, spelling := range all {
			if strings.Contains(w.log.String(), spelling) {
				t.Errorf("the log holds %s", spelling)
			}
		}
	})
}
