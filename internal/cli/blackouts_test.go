package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const listedBlackouts = `{"items":[
{"number":15,"from":"2026-01-02T03:00:00Z","to":"2026-01-02T03:00:00Z","seconds":0,"cause":"clock","detail":null,"unknown":0,"moved":0},
{"number":14,"from":"2026-01-01T03:00:00Z","to":"2026-01-01T03:42:00Z","seconds":2520,"cause":"stop","detail":"Stopped and started again.","unknown":2,"moved":1}],"next_cursor":null}`

const oneBlackout = `{"number":14,"from":"2026-01-01T03:00:00Z","to":"2026-01-01T03:42:00Z","seconds":2520,"cause":"stop","detail":"Stopped and started again.","unknown":2,"moved":1,
"heartbeats":[{"heartbeat_ref":"r1","heartbeat_name":"Back\u001b[31mup","effect":"unknown","due_at":"2026-01-01T03:30:00Z","next_at":"2026-01-01T04:42:00Z"},
{"heartbeat_ref":"r2","heartbeat_name":"Sync","effect":"moved","due_at":null,"next_at":"2026-01-01T04:00:00Z"}]}`

func newBlackoutAPI(t *testing.T) *[]string {
	t.Helper()
	return newFakeAPI(t, map[string]string{"GET /blackouts": listedBlackouts, "GET /blackouts/14": oneBlackout})
}

func TestBlackoutsList_PrintsATable(t *testing.T) {
	newBlackoutAPI(t)
	got := runOverdue(backend{}, "blackouts", "list")
	want := strings.TrimPrefix(`
NUMBER  FROM (UTC)           TO                   LENGTH  CAUSE  UNKNOWN  MOVED
15      2026-01-02 03:00:00  2026-01-02 03:00:00  -       clock  0        0
14      2026-01-01 03:00:00  2026-01-01 03:42:00  42 min  stop   2        1
`, "\n")
	if diff := cmp.Diff(commandResult{0, want, ""}, got, cmp.AllowUnexported(commandResult{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := runOverdue(backend{}, "blackouts", "list", "--limit", "1", "--json"); strings.Contains(got.out, `"number": 14`) || !strings.Contains(got.out, `"number": 15`) {
		t.Errorf("with a limit: %+v", got)
	}
}

func TestBlackoutsShow_PrintsTheAffectedHeartbeats(t *testing.T) {
	newBlackoutAPI(t)
	got := runOverdue(backend{}, "blackouts", "show", "14")
	want := strings.TrimPrefix(`
Blackout    14
From (UTC)  2026-01-01 03:00:00
To          2026-01-01 03:42:00
Length      42 min
Cause       stop: Stopped and started again.
Unknown     2 heartbeats
Moved       1 deadline

Heartbeats
  unknown  due 2026-01-01 03:30:00, evaluated again 2026-01-01 04:42:00  Back�[31mup
  moved    due -, evaluated again 2026-01-01 04:00:00  Sync
  and 1 more heartbeat
`, "\n")
	if diff := cmp.Diff(commandResult{0, want, ""}, got, cmp.AllowUnexported(commandResult{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := runOverdue(backend{}, "blackouts", "show", "x"); got.code != exitUsage {
		t.Errorf("without a number: %+v", got)
	}
}
