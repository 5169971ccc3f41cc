package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/manage"

	"github.com/google/go-cmp/cmp"
)

const listedHeartbeats = `{"items":[
{"id":"` + anID + `","ref":"r1","name":"Nightly \u001b[31mbackup","slug":"backup","status":"up","running":true,"interval":86400,"grace":5400,"due_at":"2026-01-02T03:04:05Z","last_ping_at":"2026-01-01T03:04:05Z"},
{"id":null,"ref":"r2","name":"Sync","slug":"sync","status":"new","interval":null,"schedule":"at 03:00 every day, Asia/Tokyo","timezone":"Asia/Tokyo","due_at":"2026-01-02T18:00:00Z","grace":0},
{"ref":"r3","name":"Early","slug":"early","status":"up","interval":60,"grace":60,"due_at":"2026-01-01T00:00:00Z"},
{"ref":"r4","name":"Paused","slug":"paused","status":"paused","interval":60,"grace":60},
{"ref":"r5","name":"Late","slug":"late","status":"late","interval":60,"grace":60,"due_at":"2026-01-01T00:00:00Z"},
{"ref":"r6","name":"Broken","slug":"broken","status":"down","interval":60,"grace":60,"due_at":"2026-01-01T00:00:00Z"}],"next_cursor":null}`

// oneHeartbeat is the response to every request for one heartbeat.
const oneHeartbeat = `{"id":"` + anID + `","ref":"r1","name":"Backup","slug":"backup","status":"down","interval":86400,"grace":5400,"tags":["db","prod"],
"description":"Runs on db1.\nCall Ada.","incident_id":"i7","alert_after":1,"severity":"warning","methods":"any","due_at":"2026-01-02T03:04:05Z","decision":"Due since 2026-01-02 03:04:05 UTC.","ping_url":"https://o/api/v1/hb/x"}`

// newFakeAPI starts an API that returns the given lists, and oneHeartbeat to every
// other request. It returns the requests that it received.
func newFakeAPI(t *testing.T, lists map[string]string) *[]string {
	t.Helper()
	asked := &[]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a read error makes the body too short, which the test detects
		*asked = append(*asked, strings.TrimSpace(strings.Replace(r.Method+" "+r.RequestURI, "/api/v1", "", 1)+" "+string(body)))
		list, isList := lists[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v1")]
		switch {
		case r.Header.Get("Authorization") != "Bearer ovd_k":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/by-slug/nosuch"):
			w.WriteHeader(http.StatusNotFound)
		case isList:
			_, _ = io.WriteString(w, list) // the client may have left
		default:
			_, _ = io.WriteString(w, oneHeartbeat)
		}
	}))
	t.Cleanup(srv.Close)
	t.Setenv("OVERDUE_URL", srv.URL)
	t.Setenv("OVERDUE_API_KEY_FILE", writeFile(t, "key", "ovd_k\n"))
	t.Setenv("TZ", "UTC")
	return asked
}

// newHeartbeatAPI starts an API that has the heartbeats of listedHeartbeats.
func newHeartbeatAPI(t *testing.T) *[]string {
	t.Helper()
	return newFakeAPI(t, map[string]string{
		"GET /heartbeats":   listedHeartbeats,
		"GET /channels":     listedChannels,
		"GET /incidents/i7": oneIncident,

		"GET /heartbeats/r1/notifications": `{"rule":"default_policy","policy":"nights","notifications":[{"channel_name":"Ops","event":"incident.opened"},
			{"after":900,"channel_name":"Phone","event":"incident.opened"},{"after":900,"channel_name":"Ops","event":"incident.reminder"}]}`,
	})
}

func TestHeartbeatsList_SaysWhoseAlertsWait(t *testing.T) {
	newFakeAPI(t, map[string]string{"GET /heartbeats": `{"items":[
		{"ref":"r1","name":"Muted","slug":"muted","status":"down","interval":60,"muted":true},
		{"ref":"r2","name":"Both","slug":"both","status":"up","interval":60,"running":true,"muted":true,"flapping_since":"2026-01-01T00:00:00Z"},
		{"ref":"r3","name":"Plain","slug":"plain","status":"up","interval":60}],"next_cursor":null}`})
	got := runOverdue(backend{}, "heartbeats", "list")
	lines := strings.Split(got.out, "\n")
	if got.code != 0 || len(lines) < 4 || !strings.HasPrefix(lines[1], "down, muted ") || !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "up, running, muted, flapping ") }) ||
		!slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "up  ") }) {
		t.Errorf("%+v", got)
	}
}

func TestHeartbeatsList_PrintsATableWithAttentionFirst(t *testing.T) {
	newHeartbeatAPI(t)
	got := runOverdue(backend{}, "heartbeats", "list")
	want := strings.TrimPrefix(`
STATUS       NAME                 LAST PING (UTC)      DUE                  SLUG    SCHEDULE                                   ID
down         Broken               -                    2026-01-01 00:00:00  broken  every 1 min, grace 1 min                   r6
late         Late                 -                    2026-01-01 00:00:00  late    every 1 min, grace 1 min                   r5
new          Sync                 -                    2026-01-02 18:00:00  sync    at 03:00 every day, Asia/Tokyo, grace 0 s  r2
paused       Paused               -                    -                    paused  every 1 min, grace 1 min                   r4
up           Early                -                    2026-01-01 00:00:00  early   every 1 min, grace 1 min                   r3
up, running  Nightly �[31mbackup  2026-01-01 03:04:05  2026-01-02 03:04:05  backup  every 24 h, grace 1 h 30 min               `+anID+`
`, "\n")
	if diff := cmp.Diff(commandResult{0, want, ""}, got, cmp.AllowUnexported(commandResult{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHeartbeatTable_KeepsTheSlugIn80Columns(t *testing.T) {
	slug := "web1-pg-dump-of-the-orders-database"
	due := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	listed := heartbeatTable([]client.Heartbeat{{
		Name: "pg_dump of the orders database on web1", Slug: slug, Status: "up", Running: true, LastPingAt: &due, DueAt: &due,
		Schedule: "at 03:00 every day", Ref: "r1",
	}}, clock{time.UTC, "UTC"})
	var out strings.Builder
	if err := listed.Write(&out, 80); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "SLUG\n") || !strings.Contains(out.String(), slug+"\n") {
		t.Errorf("the slug is hidden or cut:\n%s", out.String())
	}
}

func TestHeartbeatsList_ZoneAppliesToEveryTime(t *testing.T) {
	newHeartbeatAPI(t)
	got := runOverdue(backend{}, "heartbeats", "list", "--zone", "Asia/Tokyo")
	for _, want := range []string{"LAST PING (Asia/Tokyo)", "2026-01-01 12:04:05", "2026-01-03 03:00:00"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("output lacks %q:\n%s", want, got.out)
		}
	}
	got = runOverdue(backend{}, "heartbeats", "list", "--zone", "Berlin")
	if got.code != 2 || !strings.HasPrefix(got.err, "overdue: --zone: “Berlin” is not") {
		t.Errorf("unknown zone: %+v", got)
	}
}

func TestHeartbeatsShow_PrintsSettingsAndWhy(t *testing.T) {
	asked := newHeartbeatAPI(t)
	got := runOverdue(backend{}, "heartbeats", "show", "backup")
	want := strings.TrimPrefix(`
Name             Backup
Status           down
Why              Due since 2026-01-02 03:04:05.
Slug             backup
Tags             db, prod
Description      Runs on db1.
                 Call Ada.
Schedule         every 24 h, grace 1 h 30 min
Last ping (UTC)  -
Due              2026-01-02 03:04:05
Deadline         -
Alert after      1 failed run
Severity         warning
Methods          any
Notifies         Ops, Phone after 15 min (default policy nights)
Open incident    7
Ping URL         https://o/api/v1/hb/x
Ref              r1
`, "\n")
	if diff := cmp.Diff(commandResult{0, want, ""}, got, cmp.AllowUnexported(commandResult{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET /heartbeats/by-slug/backup", "GET /heartbeats/r1/why", "GET /incidents/i7", "GET /heartbeats/r1/notifications"}, *asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestHeartbeatsShow_ExplainsInTheZoneOfTheOtherTimes(t *testing.T) {
	newHeartbeatAPI(t)
	got := runOverdue(backend{}, "heartbeats", "show", "backup", "--zone", "Asia/Tokyo")
	if !strings.Contains(got.out, "Due since 2026-01-02 12:04:05.") || strings.Contains(got.out, "03:04:05") {
		t.Errorf("the output has times of two zones: %+v", got)
	}
}

func TestAlertAfterText_HasASingularAndAPlural(t *testing.T) {
	for n, want := range map[int]string{1: "1 failed run", 3: "3 failed runs in a row"} {
		if got := alertAfterText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestHeartbeatsList_JSONHasEveryField(t *testing.T) {
	asked := newHeartbeatAPI(t)
	got := runOverdue(backend{}, "heartbeats", "list", "--json", "--status", "late", "--tag", "db", "--search", "x y")
	var all []client.Heartbeat
	if err := json.Unmarshal([]byte(got.out), &all); err != nil || len(all) != 6 || all[0].Slug != "broken" {
		t.Errorf("%+v: %v", got, err)
	}
	if diff := cmp.Diff([]string{"GET /heartbeats?q=x+y&status=late&tag=db"}, *asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestHeartbeats_EachCommandSendsOneRequest(t *testing.T) {
	for args, want := range map[string][]string{
		"create --name Backup --interval 1d": {`POST /heartbeats {"name":"Backup","interval":"1d"}`},
		"create --name Backup --slug b --interval 1d --grace 1h --tag x --tag y": {
			`POST /heartbeats {"name":"Backup","slug":"b","tags":["x","y"],"interval":"1d","grace":"1h"}`,
		},
		"create --name B --cron 0,30/3,*,*,* --cron @daily --timezone UTC --early 0 --min-run-time 1m --max-run-time 2h": {
			`POST /heartbeats {"name":"B","cron":["0,30/3,*,*,*","@daily"],"timezone":"UTC","early":"0","max_run_time":"2h","min_run_time":"1m"}`,
		},
		"create --name B --oncalendar daily --start-grace 5m --alert-after 3 --expect-first-by 2126-01-01T00:00:00Z": {
			`POST /heartbeats {"name":"B","oncalendar":["daily"],"start_grace":"5m","alert_after":3,"expect_first_by":"2126-01-01T00:00:00Z"}`,
		},
		"create --name B --interval 1d --description D --severity info --methods post --no-manual-resume --channel Team --channel c2": {
			"GET /channels", "GET /channels",
			`POST /heartbeats {"name":"B","description":"D","interval":"1d","severity":"info","methods":"post","manual_resume":false,"channels":["c1","c2"]}`,
		},
		"create --name Backup --slug b --interval 1d --update": {`PUT /heartbeats/by-slug/b {"name":"Backup","interval":"1d"}`},
		"edit backup --grace 2h --manual-resume --name N --slug s": {
			"GET /heartbeats/by-slug/backup", `PATCH /heartbeats/` + anID + ` {"name":"N","slug":"s","grace":"2h","manual_resume":true}`,
		},
		"edit backup --unset description,early,min-run-time --unset max-run-time --unset start-grace --unset expect-first-by --unset channel --unset tag": {
			"GET /heartbeats/by-slug/backup",
			`PATCH /heartbeats/` + anID + ` {"description":"","tags":[],"early":null,"max_run_time":null,"min_run_time":null,"start_grace":null,"channels":null,"expect_first_by":""}`,
		},
		"edit backup --unset timezone,grace,alert-after,severity,methods,manual-resume": {
			"GET /heartbeats/by-slug/backup",
			`PATCH /heartbeats/` + anID + ` {"timezone":"","grace":"5m","alert_after":1,"severity":"critical","methods":"any","manual_resume":false}`,
		},
		"edit backup --alert-after 0 --grace 0": {
			"GET /heartbeats/by-slug/backup", `PATCH /heartbeats/` + anID + ` {"grace":"0","alert_after":0}`,
		},
		"edit backup --description= --tag=": {
			"GET /heartbeats/by-slug/backup", `PATCH /heartbeats/` + anID + ` {"description":"","tags":[]}`,
		},
		"create --name B --interval 1d --alert-after 0": {`POST /heartbeats {"name":"B","interval":"1d","alert_after":0}`},
		"pause " + anID:        {"GET /heartbeats/" + anID, "POST /heartbeats/" + anID + "/pause"},
		"resume backup":        {"GET /heartbeats/by-slug/backup", "POST /heartbeats/" + anID + "/resume"},
		"delete --yes " + anID: {"GET /heartbeats/" + anID, "DELETE /heartbeats/" + anID},
	} {
		asked := newHeartbeatAPI(t)
		got := runOverdue(backend{}, append([]string{"heartbeats"}, strings.Fields(args)...)...)
		if got.code != 0 || got.err != "" {
			t.Errorf("%s: %+v", args, got)
		}
		if created := strings.HasPrefix(args, "create"); created != (got.out == "https://o/api/v1/hb/x\n") {
			t.Errorf("%s: prints %q; want the ping URL of what was created, alone", args, got.out)
		}
		if diff := cmp.Diff(want, *asked); diff != "" {
			t.Errorf("%s: asked (-want +got):\n%s", args, diff)
		}
	}
}

func TestHeartbeatsCreate_RequiresExactlyOneSchedule(t *testing.T) {
	for _, args := range []string{"", "--interval 1d --cron @daily", "--cron @daily --oncalendar daily"} {
		asked := newHeartbeatAPI(t)
		got := runOverdue(backend{}, strings.Fields("heartbeats create --name B "+args)...)
		if got.code != 2 || !strings.Contains(got.err, "--interval, --cron and --oncalendar") || len(*asked) != 0 {
			t.Errorf("%q: %+v, asked %v", args, got, *asked)
		}
	}
}

func TestHeartbeatsCreate_RejectsADurationWithoutUnit(t *testing.T) {
	for _, flag := range []string{"interval", "early", "grace", "min-run-time", "max-run-time", "start-grace"} {
		asked := newHeartbeatAPI(t)
		args := "heartbeats create --name B --" + flag + " 24"
		if flag != "interval" {
			args += " --interval 1d"
		}
		got := runOverdue(backend{}, strings.Fields(args)...)
		want := commandResult{2, "", "overdue: --" + flag + " 24: 24 has no unit: write 24h, 24m (minutes), 24s or 24d\n"}
		if got != want || len(*asked) != 0 {
			t.Errorf("%s: %+v, asked %v", flag, got, *asked)
		}
	}
}

func TestHeartbeatsDelete_RequiresConfirmation(t *testing.T) {
	asked := newHeartbeatAPI(t)
	got := runOverdue(backend{}, "heartbeats", "delete", "backup")
	if got.code != 2 || !strings.Contains(got.err, "--yes") || len(*asked) != 0 {
		t.Errorf("%+v, asked %v; want exit code 2 and a hint about --yes", got, *asked)
	}
}

func TestConfirm_AcceptsOnlyYes(t *testing.T) {
	for line, want := range map[string]bool{"y\n": true, "YES\n": true, " yes": true, "n\n": false, "\n": false, "": false, "yep\n": false} {
		var asked bytes.Buffer
		if got := confirm(Streams{In: strings.NewReader(line), Err: &asked}, "Delete?"); got != want || asked.String() != "Delete? [y/N] " {
			t.Errorf("%q: confirmed is %v after %q", line, got, asked.String())
		}
	}
}

func TestHeartbeats_ReportErrorsOfTheServer(t *testing.T) {
	newHeartbeatAPI(t)
	for args, want := range map[string]string{
		"pause nosuch":           "heartbeat nosuch: no heartbeat has this slug; overdue heartbeats list shows them",
		"list --api-key ovd_bad": "the server rejected the API key: set $OVERDUE_API_KEY to a key of this server",
	} {
		got := runOverdue(backend{}, append([]string{"heartbeats"}, strings.Fields(args)...)...)
		if got.code != 1 || !strings.Contains(got.err, want) || strings.Contains(got.err, "ovd_") {
			t.Errorf("%s: %+v; want exit code 1, %q and no key", args, got, want)
		}
	}
}

func TestHeartbeatsEdit_RejectsFlagsThatContradict(t *testing.T) {
	for args, want := range map[string]string{
		"":                              "nothing to change",
		"--unset interval":              "--unset interval: must be one of description, timezone, early, grace,",
		"--unset channel --channel c1":  "--channel and --unset channel exclude each other",
		"--interval 1d --cron @daily":   "exclude each other",
		"--grace 24":                    "--grace 24: 24 has no unit",
		"--channel nosuch":              "channel nosuch: there is no channel with this name or id",
		"--channel Twice":               "channel Twice: 2 channels have this name",
		"--methods put":                 `--methods must be one of "any","post" but got "put"`,
		"--alert-after many":            "--alert-after",
		"--manual-resume=perhaps":       "--manual-resume",
		"--grace 1h --no-such-flag yes": "unknown flag --no-such-flag",
	} {
		newHeartbeatAPI(t)
		got := runOverdue(backend{}, strings.Fields("heartbeats edit backup "+args)...)
		if got.code == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%q: %+v; want %q", args, got, want)
		}
	}
}

func TestHeartbeatsCreate_RejectsAnEmptyValue(t *testing.T) {
	for _, s := range settingsIn(&heartbeatFlags{}) {
		if s.flag == "description" || s.flag == "tag" || s.flag == "manual-resume" {
			continue // cleared by an empty value; not a text
		}
		for _, command := range []string{"create --name B", "edit backup"} {
			asked := newHeartbeatAPI(t)
			got := runOverdue(backend{}, strings.Fields("heartbeats "+command+" --"+s.flag+"=")...)
			if got.code != 2 || !strings.Contains(got.err, "--"+s.flag) || len(*asked) != 0 {
				t.Errorf("%s --%s=: %+v, asked %v; want a usage error", command, s.flag, got, *asked)
			}
		}
	}
	newHeartbeatAPI(t)
	got := runOverdue(backend{}, "heartbeats", "edit", "backup", "--grace", "")
	if want := "overdue: --grace must not be empty: write a duration, such as 15m, or reset it with --unset grace\n"; got != (commandResult{2, "", want}) {
		t.Errorf("%+v; want %q", got, want)
	}
}

func TestUnset_SetsTheDefaultOfTheServer(t *testing.T) {
	want := map[string]string{"grace": manage.DefaultGrace.String()}
	for _, f := range manage.HeartbeatFields {
		switch f.Type {
		case manage.FieldChoice:
			want[f.Name] = f.Values()[0]
		case manage.FieldNumber:
			want[f.Name] = strconv.Itoa(f.Min)
		case manage.FieldSwitch:
			want[f.Name] = "false"
		}
	}
	got := map[string]string{}
	for _, s := range settingsIn(&heartbeatFlags{}) {
		to := s.tag.Get(unsetTag)
		if d, err := time.ParseDuration(to); err == nil {
			to = d.String()
		}
		if to != "" && to != unsetToNull && to != unsetToEmpty {
			got[s.member] = to
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-server +flags):\n%s", diff)
	}
}

func TestHeartbeatFlags_CoverEverySettingOfTheAPI(t *testing.T) {
	flags := []string{"name", "slug"} // flags of create and edit
	for _, s := range settingsIn(&heartbeatFlags{}) {
		flags = append(flags, s.member)
	}
	var members []string
	for field := range reflect.TypeFor[client.HeartbeatSettings]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		members = append(members, name)
	}
	slices.Sort(flags)
	slices.Sort(members)
	if diff := cmp.Diff(members, flags); diff != "" {
		t.Errorf("members of the API and flags differ (-API +flags):\n%s", diff)
	}
}

func TestHeartbeatsCreate_ErrorsNameFlags(t *testing.T) {
	for body, want := range map[string]string{
		`{"title":"Unprocessable Entity","detail":"No.","errors":[{"location":"body.max_run_time","message":"Too long."}]}`:                                                   "overdue: heartbeat \"B\": --max-run-time: Too long.\n",
		`{"title":"Unprocessable Entity","detail":"No.","errors":[{"location":"body.cron[1]","message":"No."},{"location":"body.oncalendar[0]","message":"Two schedules."}]}`: "overdue: heartbeat \"B\":\n  --cron (number 2): No.\n  --oncalendar: Two schedules.\n",
		`{"title":"Unprocessable Entity","detail":"No.","errors":[{"location":"body.channels[0]","message":"Unknown."}]}`:                                                     "overdue: heartbeat \"B\": --channel: Unknown.\n",
		`{"title":"Unprocessable Entity","detail":"Too many.","errors":[{"location":"body.other","message":"Too many."}]}`:                                                    "overdue: heartbeat \"B\": the server answered 422 Unprocessable Entity: body.other: Too many.\n",
	} {
		newProblemAPI(t, http.StatusUnprocessableEntity, body)
		got := runOverdue(backend{}, "heartbeats", "create", "--name", "B", "--interval", "1d")
		if got != (commandResult{1, "", want}) {
			t.Errorf("%s:\n got %+v\nwant %q", body, got, want)
		}
	}
}

func TestHeartbeatsCreate_ConflictNamesUpdate(t *testing.T) {
	newProblemAPI(t, http.StatusConflict, `{"title":"Conflict","detail":"Taken.","errors":[{"location":"body.slug","message":"The slug “b” is in use."}]}`)
	got := runOverdue(backend{}, "heartbeats", "create", "--name", "B", "--slug", "b", "--interval", "1d")
	if want := "overdue: heartbeat \"B\": --slug: The slug “b” is in use. To change that heartbeat, add --update.\n"; got != (commandResult{1, "", want}) {
		t.Errorf("%+v; want %q", got, want)
	}
}

// newProblemAPI starts an API that rejects every request.
func newProblemAPI(t *testing.T, status int, problem string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, problem) // the client may have left
	}))
	t.Cleanup(srv.Close)
	t.Setenv("OVERDUE_URL", srv.URL)
	t.Setenv("OVERDUE_API_KEY", "ovd_k")
}

func TestDurationText_UsesTheWordsOfThePages(t *testing.T) {
	for seconds, want := range map[int64]string{0: "0 s", 59: "59 s", 60: "1 min", 86400: "24 h", 90000: "25 h", 180061: "2 d 2 h 1 min 1 s"} {
		if got := durationText(seconds); got != want {
			t.Errorf("%d is %q; want %q", seconds, got, want)
		}
	}
}
