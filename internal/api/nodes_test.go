package api

import (
	"encoding/json"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/store"
)

func TestListNodes_ShowsRunningAndDeadNodes(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		now := time.Now().UTC()
		for _, n := range []struct {
			id   string
			seen time.Time
		}{{"alpha", now}, {"beta", now.Add(-26 * time.Second)}} {
			w.DB.SetNode(n.id)
			w.DB.SetNodeInfo("host-"+n.id, "1.2.3", n.seen.Add(-time.Hour))
			w.Update(func(tx *store.Tx) error {
				return tx.PublishWatermark(n.seen, store.Watermark{All: n.seen, Default: n.seen.Add(-time.Second)})
			})
		}
		var page client.Page[client.Node]
		r := w.request("read-write", "GET", "/api/v1/nodes", "")
		if err := json.Unmarshal([]byte(r.body), &page); err != nil || r.status != 200 || len(page.Items) != 2 {
			t.Fatalf("answered %d %s: %v", r.status, r.body, err)
		}
		status := map[string]string{}
		for _, n := range page.Items {
			status[n.Host] = n.Status
			if n.Version != "1.2.3" || n.WatermarkLag != 1 || n.StartedAt == nil {
				t.Errorf("node %+v", n)
			}
		}
		if status["host-alpha"] != "running" || status["host-beta"] != "dead" {
			t.Errorf("%v", status)
		}
	})
}
