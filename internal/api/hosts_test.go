package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// pingFromHost stores a success of a host.
func (w *fixture) pingFromHost(t *testing.T, h client.Heartbeat, host string, at time.Time) {
	t.Helper()
	p := monitor.Ping{Kind: monitor.PingSuccess, At: at.UTC().Truncate(time.Microsecond), Host: host, ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1"}
	if _, err := w.DB.ApplyPings(t.Context(), []store.ReceivedPing{{ID: *h.ID, Ping: p, Watermark: p.At}}); err != nil {
		t.Fatal(err)
	}
}

func TestHeartbeats_InstancesNamesTheHostsAndForgetsThem(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: new("Cleanup"), Interval: "1h", Grace: "5m", Instances: new("each")})
		if err != nil || h.Instances != "each" || len(h.Hosts) != 0 {
			t.Fatalf("%+v, %v", h, err)
		}
		now := time.Now()
		w.pingFromHost(t, h, "web1", now.Add(-2*time.Hour))
		w.pingFromHost(t, h, "web2", now.Add(-2*time.Hour))
		w.pingFromHost(t, h, "web2", now)
		shown, err := c.Heartbeat(t.Context(), h.Ref)
		if err != nil || len(shown.Hosts) != 2 || shown.Hosts[0].Name != "web1" || shown.Hosts[0].State != "missing" || shown.Hosts[1].State != "ok" || shown.Status != "down" {
			t.Errorf("%s, %+v, %v; want web1 missing", shown.Status, shown.Hosts, err)
		}
		why, err := c.ExplainHeartbeat(t.Context(), h.Ref)
		if err != nil || !strings.Contains(why.Decision, "missing: web1") || strings.Contains(why.Decision, "web2") {
			t.Errorf("%q, %v; want web1 only", why.Decision, err)
		}
		list, err := c.Incidents(t.Context(), client.IncidentQuery{})
		if err != nil || len(list.Items) != 1 || list.Items[0].Host == nil || *list.Items[0].Host != "web1" {
			t.Errorf("%+v, %v; want an incident of web1", list.Items, err)
		}
		if _, err := c.ForgetHost(t.Context(), *h.ID, "web9"); problemStatus(err) != http.StatusNotFound {
			t.Errorf("an unknown host: %v; want 404", err)
		}
		if _, err := w.client("read-only").ForgetHost(t.Context(), h.Ref, "web1"); problemStatus(err) != http.StatusForbidden {
			t.Errorf("a read-only key: %v; want 403", err)
		}
		after, err := c.ForgetHost(t.Context(), *h.ID, "web1")
		if err != nil || after.Status != "up" || len(after.Hosts) != 1 || after.IncidentID != nil {
			t.Errorf("%s, %+v, %v; want it up", after.Status, after.Hosts, err)
		}
		resolved, err := c.Incidents(t.Context(), client.IncidentQuery{})
		if err != nil || resolved.Items[0].Resolution == nil || *resolved.Items[0].Resolution != "edited" {
			t.Errorf("%+v, %v; want it resolved", resolved.Items, err)
		}
	})
}

// Each rejected combination would miss a dead host or raise a false alarm.
func TestHeartbeats_InstancesRejectsWhatItCannotDecide(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		for name, s := range map[string]client.HeartbeatSettings{
			"cron":         {Cron: &[]string{"0 3 * * *"}, Instances: new("each")},
			"alert_after":  {Interval: "1h", AlertAfter: new(2), Instances: new("each")},
			"max_run_time": {Interval: "1h", MaxRunTime: "5m", Instances: new("2")},
			"min_run_time": {Interval: "1h", MinRunTime: "5m", Instances: new("2")},
			"start_grace":  {Interval: "1h", Grace: "10m", StartGrace: "5m", Instances: new("2")},
			"zero":         {Interval: "1h", Instances: new("0")},
			"too many":     {Interval: "1h", Instances: new("101")},
			"a word":       {Interval: "1h", Instances: new("all")},
		} {
			s.Name = new("Cleanup")
			if _, err := c.CreateHeartbeat(t.Context(), s); problemStatus(err) != http.StatusUnprocessableEntity {
				t.Errorf("%s: %v; want 422", name, err)
			}
		}
		h, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: new("Cleanup"), Interval: "1h", Instances: new("100")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ChangeHeartbeat(t.Context(), *h.ID, client.HeartbeatSettings{Cron: &[]string{"0 3 * * *"}}); problemStatus(err) != http.StatusUnprocessableEntity {
			t.Errorf("a later cron line: %v; want 422", err)
		}
		if got, err := c.ChangeHeartbeat(t.Context(), *h.ID, client.HeartbeatSettings{Cron: &[]string{"0 3 * * *"}, Instances: new("any")}); err != nil || got.Instances != "any" {
			t.Errorf("any: %+v, %v", got, err)
		}
	})
}
