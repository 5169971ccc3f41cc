package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"overdue/client"

	"github.com/google/go-cmp/cmp"
)

const listedHeartbeats = `{"items":[
{"id":"` + anID + `","ref":"r1","name":"Nightly \u001b[31mbackup","slug":"backup","status":"late","running":true,"interval":86400,"grace":5400,"due_at":"2026-01-02T03:04:05Z"},
{"id":null,"ref":"r2","name":"Sync","slug":"sync","status":"new","interval":null,"schedule":"at 03:00 every day, Asia/Tokyo","timezone":"Asia/Tokyo","due_at":"2026-01-02T18:00:00Z","grace":0}],"next_cursor":null}`

// newFakeAPI is an API that knows the heartbeats of listed and writes down what is
// asked of it.
func newFakeAPI(t *testing.T) *[]string {
	t.Helper()
	asked := &[]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // an unreadable body shows as a short one
		*asked = append(*asked, strings.TrimSpace(strings.Replace(r.Method+" "+r.RequestURI, "/api/v1/heartbeats", "", 1)+" "+string(body)))
		switch {
		case r.Header.Get("Authorization") != "Bearer ovd_k":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == "GET" && r.URL.Path == "/api/v1/heartbeats" && r.URL.Query().Get("q") == "":
			_, _ = io.WriteString(w, listedHeartbeats)
		case r.Method == "GET" && r.URL.Path == "/api/v1/heartbeats":
			_, _ = io.WriteString(w, `{"items":[],"next_cursor":null}`)
		default:
			fmt.Fprintf(w, `{"id":%q,"name":"Backup","ping_url":"https://o/api/v1/hb/x"}`, anID)
		}
	}))
	t.Cleanup(srv.Close)
	t.Setenv("OVERDUE_URL", srv.URL)
	t.Setenv("OVERDUE_API_KEY_FILE", writeFile(t, "key", "ovd_k\n"))
	t.Setenv("TZ", "UTC")
	return asked
}

func TestHeartbeatsList_PrintsATable(t *testing.T) {
	newFakeAPI(t)
	got := runOverdue(backend{}, "heartbeats", "list")
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	if got.code != 0 || len(lines) != 3 || !strings.HasPrefix(lines[0], "STATUS") {
		t.Fatalf("%+v", got)
	}
	for i, want := range []string{"late, running|every 24 h, grace 1 h 30 min|" + anID, "new|at 03:00 every day, Asia/Tokyo, grace 0 s|2026-01-03 03:00:00 +09:00|r2"} {
		for _, cell := range strings.Split(want, "|") {
			if !strings.Contains(lines[i+1], cell) {
				t.Errorf("line %q lacks %q", lines[i+1], cell)
			}
		}
	}
	if strings.Contains(got.out, "\x1b") {
		t.Error("a name reaches the terminal as a command")
	}
}

func TestHeartbeatsList_JSONHasEveryField(t *testing.T) {
	asked := newFakeAPI(t)
	got := runOverdue(backend{}, "heartbeats", "list", "--json", "--status", "late", "--tag", "db")
	var all []client.Heartbeat
	if err := json.Unmarshal([]byte(got.out), &all); err != nil || len(all) != 2 || all[0].Slug != "backup" {
		t.Errorf("%+v: %v", got, err)
	}
	if diff := cmp.Diff([]string{"GET ?status=late&tag=db"}, *asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestHeartbeats_EachCommandSendsOneRequest(t *testing.T) {
	for args, want := range map[string][]string{
		"create --name Backup --interval 1d": {`POST  {"name":"Backup","interval":"1d"}`},
		"create --name Backup --slug b --interval 1d --grace 1h --tag x --tag y": {
			`POST  {"name":"Backup","slug":"b","tags":["x","y"],"interval":"1d","grace":"1h"}`,
		},
		"create --name B --cron 0,30/3,*,*,* --cron @daily --timezone UTC --early 0 --min-run-time 1m --max-run-time 2h": {
			`POST  {"name":"B","cron":["0,30/3,*,*,*","@daily"],"timezone":"UTC","early":"0","max_run_time":"2h","min_run_time":"1m"}`,
		},
		"create --name B --oncalendar daily --start-grace 5m --alert-after 3 --expect-first-by 2126-01-01T00:00:00Z": {
			`POST  {"name":"B","oncalendar":["daily"],"start_grace":"5m","alert_after":3,"expect_first_by":"2126-01-01T00:00:00Z"}`,
		},
		"create --name Backup --slug b --interval 1d --update": {`PUT /by-slug/b {"name":"Backup","interval":"1d"}`},
		"pause " + anID:        {"GET /" + anID, "POST /" + anID + "/pause"},
		"resume backup":        {"GET ?q=backup", "GET", "POST /" + anID + "/resume"},
		"delete --yes " + anID: {"GET /" + anID, "DELETE /" + anID},
	} {
		asked := newFakeAPI(t)
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
		asked := newFakeAPI(t)
		got := runOverdue(backend{}, strings.Fields("heartbeats create --name B "+args)...)
		if got.code != 2 || !strings.Contains(got.err, "one of --interval, --cron and --oncalendar") || len(*asked) != 0 {
			t.Errorf("%q: %+v, asked %v", args, got, *asked)
		}
	}
}

func TestHeartbeatsCreate_RejectsADurationWithoutUnit(t *testing.T) {
	for _, flag := range []string{"interval", "early", "grace", "min-run-time", "max-run-time", "start-grace"} {
		asked := newFakeAPI(t)
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
	asked := newFakeAPI(t)
	got := runOverdue(backend{}, "heartbeats", "delete", "backup")
	if got.code != 2 || !strings.Contains(got.err, "--yes") || len(*asked) != 0 {
		t.Errorf("%+v, asked %v; want exit code 2 and a word about --yes", got, *asked)
	}
}

func TestConfirm_AcceptsOnlyYes(t *testing.T) {
	for line, want := range map[string]bool{"y\n": true, "YES\n": true, " yes": true, "n\n": false, "\n": false, "": false, "yep\n": false} {
		var asked bytes.Buffer
		if got := confirm(Streams{In: strings.NewReader(line), Err: &asked}, "Delete?"); got != want || asked.String() != "Delete? [y/N] " {
			t.Errorf("%q taken for %v after %q", line, got, asked.String())
		}
	}
}

func TestHeartbeats_ReportErrorsOfTheServer(t *testing.T) {
	newFakeAPI(t)
	for args, want := range map[string]string{
		"pause nosuch":           "heartbeat nosuch: there is none with this slug",
		"list --api-key ovd_bad": "401 Unauthorized",
	} {
		got := runOverdue(backend{}, append([]string{"heartbeats"}, strings.Fields(args)...)...)
		if got.code != 1 || !strings.Contains(got.err, want) || strings.Contains(got.err, "ovd_") {
			t.Errorf("%s: %+v; want exit code 1, %q and no key", args, got, want)
		}
	}
}

func TestDurationText_UsesTheWordsOfThePages(t *testing.T) {
	for seconds, want := range map[int64]string{0: "0 s", 59: "59 s", 60: "1 min", 86400: "24 h", 90000: "25 h", 180061: "2 d 2 h 1 min 1 s"} {
		if got := durationText(seconds); got != want {
			t.Errorf("%d is %q; want %q", seconds, got, want)
		}
	}
}
