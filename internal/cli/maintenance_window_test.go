package cli

import (
	"strings"
	"testing"
)

const listedMaintenance = `{"items":[
{"id":"m1","reason":"Upgrade","all":false,"tags":["db"],"heartbeats":["r1","r2"],"from":"2026-01-02T03:00:00Z","to":"2026-01-02T05:00:00Z","in_progress":true,"windows":[{"from":"2026-01-02T03:00:00Z","to":"2026-01-02T05:00:00Z"}],"created_at":"2026-01-01T00:00:00Z","created_by":"Ada"},
{"id":"m2","reason":"Patching","all":true,"tags":[],"heartbeats":[],"from":"2026-01-02T03:00:00Z","to":null,"duration":7200,"cron":["0 2 * * 3"],"timezone":"UTC","in_progress":false,"windows":[{"from":"2026-01-07T02:00:00Z","to":"2026-01-07T04:00:00Z"}],"created_at":"2026-01-01T00:00:00Z","created_by":"Ada"},
{"id":"m3","reason":"Twice","all":true,"tags":[],"heartbeats":[],"windows":[]},{"id":"m4","reason":"Twice","all":true,"tags":[],"heartbeats":[],"windows":[]}],"next_cursor":null}`

func newMaintenanceAPI(t *testing.T) *[]string {
	t.Helper()
	return newFakeAPI(t, map[string]string{
		"GET /maintenance":            listedMaintenance,
		"POST /maintenance":           `{"id":"m9","reason":"x","tags":[],"heartbeats":[],"windows":[{"from":"2026-01-02T03:00:00Z","to":"2026-01-02T05:00:00Z"}]}`,
		"POST /maintenance/m1/end":    `{"id":"m1","tags":[],"heartbeats":[],"windows":[]}`,
		"POST /maintenance/m1/extend": `{"id":"m1","tags":[],"heartbeats":[],"windows":[]}`,
		"DELETE /maintenance/m2":      ``,
	})
}

func TestMaintenanceList_PrintsTheNextWindow(t *testing.T) {
	newMaintenanceAPI(t)
	got := runOverdue(backend{}, "maintenance", "list", "--zone", "UTC")
	for _, want := range []string{"in progress", "Upgrade", "2026-01-02 03:00:00 to 2026-01-02 05:00:00", "tag db, 2 heartbeats", "scheduled", "all heartbeats", "over"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q is missing in\n%s%s", want, got.out, got.err)
		}
	}
	got = runOverdue(backend{}, "maintenance", "show", "Patching", "--zone", "UTC")
	if !strings.Contains(got.out, "0 2 * * 3 UTC") || !strings.Contains(got.out, "2 h") {
		t.Errorf("show: %s%s", got.out, got.err)
	}
}

func TestMaintenance_SendsWhatTheCommandsSay(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // of the last request
	}{
		{[]string{"start", "2h", "--tag", "db", "--reason", "Upgrade"}, `POST /maintenance {"reason":"Upgrade","tags":["db"],"duration":"2h"}`},
		{[]string{"schedule", "--all", "--cron", "0 2 * * 3", "--timezone", "UTC", "--duration", "2h", "--reason", "Patching"}, `POST /maintenance {"reason":"Patching","all":true,"duration":"2h","cron":["0 2 * * 3"],"timezone":"UTC"}`},
		{[]string{"end", "Upgrade"}, "POST /maintenance/m1/end"},
		{[]string{"extend", "m1", "30m"}, `POST /maintenance/m1/extend {"for":"30m"}`},
		{[]string{"delete", "Patching", "--yes"}, "DELETE /maintenance/m2"},
	} {
		requests := newMaintenanceAPI(t)
		got := runOverdue(backend{}, append([]string{"maintenance"}, c.args...)...)
		if n := len(*requests); got.code != 0 || n == 0 || strings.TrimSpace((*requests)[n-1]) != c.want {
			t.Errorf("%v: %+v, requests %q; want %s", c.args, got, *requests, c.want)
		}
	}
}

func TestMaintenance_UsageErrorsSayWhatToSet(t *testing.T) {
	newMaintenanceAPI(t)
	for args, want := range map[string]string{
		"start 2h --reason x":                "set --tag, --heartbeat or --all",
		"start 2h --reason x --all --tag db": "exclude each other",
		"start 2 --reason x --all":           "has no unit",
		"schedule --reason x --all":          "set --duration or --to",
		"end nothing":                        "overdue maintenance list shows them",
		"end Twice":                          "write the id of one of them",
		"delete Patching":                    "--yes",
	} {
		if got := runOverdue(backend{}, append([]string{"maintenance"}, strings.Fields(args)...)...); got.code == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %+v; want %q", args, got, want)
		}
	}
}
