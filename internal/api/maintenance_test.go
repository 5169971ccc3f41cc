package api

import (
	"strings"
	"testing"
	"time"

	"overdue/client"
)

// maintenance creates maintenance of heartbeats with the tag db for two hours.
func (w *fixture) maintenance(reason string) client.Maintenance {
	w.Helper()
	m, err := w.client("read-write").CreateMaintenance(w.Context(), client.MaintenanceSettings{Reason: &reason, Tags: &[]string{"db"}, Duration: "2h"})
	if err != nil {
		w.Fatal(err)
	}
	return m
}

// inMaintenance reports whether a heartbeat is in maintenance.
func (w *fixture) inMaintenance(ref string) bool {
	w.Helper()
	h, err := w.client("read-only").Heartbeat(w.Context(), ref)
	if err != nil {
		w.Fatal(err)
	}
	return h.MaintenanceUntil != nil
}

func TestMaintenance_HoldsWhenItIsAnsweredAndFollowsTags(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		rw := w.client("read-write")
		h, other := w.heartbeat("Backup"), w.heartbeat("Report")
		tag := func(ref string, tags ...string) {
			t.Helper()
			if r := w.request("read-write", "PATCH", Prefix+"/heartbeats/"+ref, `{"tags": ["`+strings.Join(tags, `", "`)+`"]}`); r.status != 200 {
				t.Fatal(r.body)
			}
		}
		tag(h.Ref, "db")
		m := w.maintenance("Upgrade")
		if !m.InProgress || len(m.Windows) != 1 || !w.inMaintenance(h.Ref) || w.inMaintenance(other.Ref) {
			t.Errorf("maintenance %+v; heartbeats %v and %v", m, w.inMaintenance(h.Ref), w.inMaintenance(other.Ref))
		}
		tag(other.Ref, "db")
		tag(h.Ref, "web")
		if w.inMaintenance(h.Ref) || !w.inMaintenance(other.Ref) {
			t.Errorf("after other tags: %v and %v", w.inMaintenance(h.Ref), w.inMaintenance(other.Ref))
		}
		if r := w.request("read-write", "POST", Prefix+"/heartbeats", `{"name": "New", "interval": "1h", "tags": ["db"]}`); r.status != 201 || !strings.Contains(r.body, `"maintenance_until":"20`) {
			t.Errorf("a new heartbeat with the tag: %d %s", r.status, r.body)
		}
		ended := w.maintenance("Second")
		m, err := rw.ExtendMaintenance(t.Context(), m.ID, "30m")
		if err != nil || m.To.Sub(m.From) != 150*time.Minute {
			t.Errorf("extended: %v, %+v", err, m)
		}
		for _, id := range []string{m.ID, ended.ID} {
			if _, err := rw.EndMaintenance(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if w.inMaintenance(other.Ref) {
			t.Error("in maintenance after both windows were ended")
		}
		if r := w.request("read-write", "POST", Prefix+"/maintenance/"+m.ID+"/end", ""); r.status != 409 {
			t.Errorf("ended twice: %d %s", r.status, r.body)
		}
		// A restored heartbeat is planned again.
		named := client.MaintenanceSettings{Reason: new("Named"), Heartbeats: &[]string{h.Ref}, Duration: "1h"}
		if m, err = rw.CreateMaintenance(t.Context(), named); err != nil || len(m.Heartbeats) != 1 || m.Heartbeats[0] != h.Ref || !w.inMaintenance(h.Ref) {
			t.Fatalf("named: %v, %+v", err, m)
		}
		if err := rw.DeleteMaintenance(t.Context(), m.ID); err != nil || w.inMaintenance(h.Ref) {
			t.Errorf("deleted: %v, in maintenance %v", err, w.inMaintenance(h.Ref))
		}
	})
}

func TestMaintenance_Recurring(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h := w.heartbeat("Backup")
		m, err := w.client("read-write").CreateMaintenance(t.Context(), client.MaintenanceSettings{
			Reason: new("Patching"), All: new(true), Cron: []string{"* * * * *"}, Duration: "1m", Timezone: new("Europe/Berlin"),
		})
		if err == nil {
			t.Fatalf("windows without a gap were accepted: %+v", m)
		}
		m, err = w.client("read-write").CreateMaintenance(t.Context(), client.MaintenanceSettings{
			Reason: new("Patching"), All: new(true), Cron: []string{"0 2 * * *"}, Duration: "2h", Timezone: new("Europe/Berlin"),
		})
		if err != nil || len(m.Windows) != 8 || *m.Duration != 7200 || m.To != nil || *m.Timezone != "Europe/Berlin" {
			t.Errorf("%v, %+v", err, m)
		}
		why := w.request("read-only", "GET", Prefix+"/heartbeats/"+h.Ref+"/why", "")
		if why.status != 200 {
			t.Error(why.body)
		}
	})
}

func TestMaintenance_InvalidSettingsSayWhatToDo(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for body, want := range map[string]string{
			`{"duration": "2h", "all": true}`:                                              "Enter a reason",
			`{"reason": "x", "duration": "2h"}`:                                            "Name a tag or a heartbeat",
			`{"reason": "x", "all": true}`:                                                 "Enter how long the window lasts",
			`{"reason": "x", "all": true, "duration": "2h", "to": "2200-01-01T00:00:00Z"}`: "Set either duration or to",
			`{"reason": "x", "all": true, "tags": ["db"], "duration": "2h"}`:               "set either all, or tags and heartbeats",
			`{"reason": "x", "heartbeats": ["nothing"], "duration": "2h"}`:                 "There is no heartbeat",
			`{"reason": "x", "all": true, "to": "2001-01-01T00:00:00Z"}`:                   "The end must be after the start",
			`{"reason": "x", "all": true, "cron": "0 2 * * *"}`:                            "Enter how long each window lasts",
			`{"reason": "x", "all": true, "cron": "0 2 * *", "duration": "2h"}`:            "has 4 of 5 fields",
			`{"reason": "x", "all": true, "duration": "2h", "timezone": "UTC"}`:            "has no time zone",
			`{"reason": "x", "all": true, "duration": "91d"}`:                              "between",
			`{"reason": "x", "all": true, "duration": "1x"}`:                               "is not a unit",
		} {
			r := w.request("read-write", "POST", Prefix+"/maintenance", body)
			if r.status != 422 || !strings.Contains(r.body, want) {
				t.Errorf("%s: %d %s; want %q", body, r.status, r.body, want)
			}
			if n := strings.Count(r.body, `"message"`); n > 1 {
				t.Errorf("%s: %d faults; want one: %s", body, n, r.body)
			}
		}
	})
}
