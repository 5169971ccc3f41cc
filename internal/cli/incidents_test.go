package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"overdue/client"

	"github.com/google/go-cmp/cmp"
)

const listedIncidents = `{"items":[
{"id":"i7","number":7,"heartbeat_name":"Sync","severity":"critical","state":"acknowledged","cause":"not_started","opened_at":"2026-01-02T03:00:00Z","resolved_at":"2026-01-02T05:00:00Z","acknowledged_by":"Ada"},
{"id":"i5","number":5,"heartbeat_name":"Backup","severity":"info","state":"open","cause":"missed","opened_at":"2026-01-01T03:00:00Z","resolved_at":"2026-01-01T03:05:00Z"}],"next_cursor":null}`

const oneIncident = `{"id":"i7","number":7,"heartbeat_name":"Sync","severity":"warning","state":"resolved","cause":"missed","opened_at":"2026-01-02T03:00:00Z",
"acknowledged_at":"2026-01-02T03:10:00Z","acknowledged_by":"Ada","resolved_at":"2026-01-02T05:00:00Z","resolution":"recovered",
"timeline":[{"at":"2026-01-02T03:00:00Z","kind":"opened","text":"last ping 2026-01-02 02:00:00 UTC; no ping arrived."}],
"deliveries":[{"channel_id":"c1","event":"incident.opened","state":"failed","attempts":[{"at":"2026-01-02T03:00:01Z","outcome":"refused","detail":"410 Gone"}]}]}`

// newIncidentAPI starts an API that has the incidents of listedIncidents.
func newIncidentAPI(t *testing.T) *[]string {
	t.Helper()
	return newFakeAPI(t, map[string]string{
		"GET /channels":                  listedChannels,
		"GET /incidents":                 listedIncidents,
		"GET /incidents/i7":              oneIncident,
		"POST /incidents/i7/acknowledge": oneIncident,
		"POST /incidents/i7/notes":       oneIncident,
	})
}

func TestIncidentsList_PrintsATable(t *testing.T) {
	newIncidentAPI(t)
	got := runOverdue(backend{}, "incidents", "list", "--state", "all")
	want := strings.TrimPrefix(`
NUMBER  STATE         SEVERITY  HEARTBEAT  CAUSE        OPENED (UTC)         DURATION  ACKNOWLEDGED BY
7       acknowledged  critical  Sync       not started  2026-01-02 03:00:00  2 h       Ada
5       open          info      Backup     missed       2026-01-01 03:00:00  5 min     -
`, "\n")
	if diff := cmp.Diff(commandResult{0, want, ""}, got, cmp.AllowUnexported(commandResult{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIncidentsList_FiltersAndLimits(t *testing.T) {
	for args, want := range map[string]struct {
		requests []string
		items    int
	}{
		"":                                {[]string{"GET /incidents?state=open", "GET /incidents?state=acknowledged"}, 4},
		"--state resolved":                {[]string{"GET /incidents?state=resolved"}, 2},
		"--state all --limit 1":           {[]string{"GET /incidents"}, 1},
		"--state open --heartbeat backup": {[]string{"GET /heartbeats/by-slug/backup", "GET /incidents?heartbeat=r1&state=open"}, 2},
	} {
		asked := newIncidentAPI(t)
		got := runOverdue(backend{}, strings.Fields("incidents list --json "+args)...)
		var all []client.Incident
		if err := json.Unmarshal([]byte(got.out), &all); err != nil || len(all) != want.items {
			t.Errorf("%s: %+v, %v; want %d incidents", args, got, err, want.items)
		}
		if diff := cmp.Diff(want.requests, *asked); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", args, diff)
		}
	}
}

func TestIncidentsShow_PrintsTimelineAndDeliveries(t *testing.T) {
	newIncidentAPI(t)
	got := runOverdue(backend{}, "incidents", "show", "7")
	want := strings.TrimPrefix(`
Incident      7
Heartbeat     Sync
Severity      warning
State         resolved
Cause         missed
Opened (UTC)  2026-01-02 03:00:00
Acknowledged  2026-01-02 03:10:00 by Ada
Resolved      2026-01-02 05:00:00, recovered
Duration      2 h
Id            i7

Timeline
  2026-01-02 03:00:00  last ping 2026-01-02 02:00:00; no ping arrived.

Deliveries
  failed   incident.opened to Team, attempts: 1: 410 Gone
`, "\n")
	if diff := cmp.Diff(commandResult{0, want, ""}, got, cmp.AllowUnexported(commandResult{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIncidents_AcceptANumberOrAnID(t *testing.T) {
	for args, want := range map[string][]string{
		"ack 7":                      {"GET /incidents", "POST /incidents/i7/acknowledge"},
		"ack #7":                     {"GET /incidents", "POST /incidents/i7/acknowledge"},
		"ack i7":                     {"POST /incidents/i7/acknowledge"},
		"note i7 moving old backups": {`POST /incidents/i7/notes {"text":"moving old backups"}`},
	} {
		asked := newIncidentAPI(t)
		if got := runOverdue(backend{}, append([]string{"incidents"}, strings.Fields(args)...)...); got != (commandResult{}) {
			t.Errorf("%s: %+v", args, got)
		}
		if diff := cmp.Diff(want, *asked); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", args, diff)
		}
	}
	for _, number := range []string{"6", "1", "99"} {
		newIncidentAPI(t)
		got := runOverdue(backend{}, "incidents", "ack", number)
		if want := "overdue: incident " + number + ": there is no incident with this number\n"; got != (commandResult{1, "", want}) {
			t.Errorf("%s: %+v, want %q", number, got, want)
		}
	}
}
