package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newMachineImage is a machine of a few files, and the flags that name it.
func newMachineImage(t *testing.T) (root string, flags []string) {
	t.Helper()
	root = t.TempDir()
	for path, text := range map[string]string{
		"etc/timezone": "Europe/Berlin\n", "etc/cron.d/app": "0 3 * * * root tar cz /srv -P s3cret | ssh b\n@reboot root x\n5 * * * * root y; curl https://o/api/v1/hb/" + anID + "\n",
		"etc/crontab": "*/5 * * * * www-data /opt/\x1b[31mtick\n", "etc/systemd/system/db.timer": "[Timer]\nOnBootSec=1min\nOnUnitActiveSec=2h\n",
		"etc/systemd/system/db.service": "[Service]\nExecStart=/opt/db\n", "etc/systemd/system/timers.target.wants/db.timer": "",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, []string{"discover", "--root", root, "--host", "web1", "--program", "/usr/bin/overdue", "--cron-daemon", "cron", "--backup-dir", t.TempDir() + "/copies"}
}

// newSlugAPI is an API with one heartbeat, web1-db, that takes any other. It writes down
// what is put.
func newSlugAPI(t *testing.T) *[]string {
	t.Helper()
	put := &[]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a read error makes the body too short, which the test detects
		slug := strings.TrimPrefix(r.URL.Path, "/api/v1/heartbeats/by-slug/")
		switch {
		case r.Method == "GET":
			_, _ = io.WriteString(w, `{"items":[{"slug":"web1-db"}],"next_cursor":null}`)
		case r.Method == "PUT":
			*put = append(*put, slug+" "+string(body))
			if slug != "web1-db" {
				w.WriteHeader(http.StatusCreated)
			}
			fmt.Fprintf(w, `{"slug":%q,"ping_url":"https://o.example.org/api/v1/hb/%s"}`, slug, anID)
		}
	}))
	t.Cleanup(srv.Close)
	t.Setenv("OVERDUE_URL", srv.URL)
	t.Setenv("OVERDUE_API_KEY", "ovd_k")
	return put
}

func TestDiscover_ListsJobsWithoutAServer(t *testing.T) {
	_, flags := newMachineImage(t)
	got := runOverdue(backend{}, flags...)
	want := `SOURCE            USER      SCHEDULE              ZONE           COMMAND                            HEARTBEAT
/etc/crontab:1    www-data  every 5 min           Europe/Berlin  /opt/` + "\ufffd" + `[31mtick                     web1-www-data-job
/etc/cron.d/app:1  root      at 03:00 every day    Europe/Berlin  tar cz /srv -P s3cret | ssh b      web1-tar
/etc/cron.d/app:2  root      @reboot               Europe/Berlin  x                                  none: runs at startup, not on a schedule
/etc/cron.d/app:3  root      5 min past every hour  Europe/Berlin  y; curl https://o/api/v1/hb/0c1d8f0e-7d…  already pings
db.timer          root      every 2 h             -              /opt/db                            web1-db
`
	squeeze := func(s string) []string {
		var all []string
		for line := range strings.Lines(s) {
			all = append(all, strings.Join(strings.Fields(line), " "))
		}
		return all
	}
	if diff := cmp.Diff(squeeze(want), squeeze(got.out)); diff != "" || got.code != 0 || got.err != "overdue: cron daemon: cron (as given)\n" {
		t.Errorf("%d %q (-want +got):\n%s", got.code, got.err, diff)
	}
}

func TestDiscover_ShowsOnlyTheNamedJobs(t *testing.T) {
	_, flags := newMachineImage(t)
	newSlugAPI(t)
	got := runOverdue(backend{}, append(flags, "web1-tar", "web1-x")...)
	if got.code != 0 || strings.Count(got.out, "\n") != 3 || !strings.Contains(got.out, "web1-tar\n") || !strings.Contains(got.out, "none: runs at startup") {
		t.Errorf("%+v; want the titles and two jobs", got)
	}
	for _, args := range [][]string{{"--json"}, {"--json", "--create"}} {
		got := runOverdue(backend{}, append(append(flags, "web1-tar"), args...)...)
		var jobs []jobJSON
		if err := json.Unmarshal([]byte(got.out), &jobs); err != nil || len(jobs) != 1 || jobs[0].Slug != "web1-tar" {
			t.Errorf("%v: %+v, %v; want one job", args, got, err)
		}
	}
	if got := runOverdue(backend{}, append(flags, "nosuch")...); got.code != 2 || got.out != "" {
		t.Errorf("unknown slug: %+v; want a usage error", got)
	}
}

func TestDiscover_CreatesHeartbeatsAndPrintsTheLines(t *testing.T) {
	_, flags := newMachineImage(t)
	put := newSlugAPI(t)
	got := runOverdue(backend{}, append(flags, "--create", "--tag", "prod")...)
	wantPut := []string{
		`web1-www-data-job {"name":"job of www-data on web1","description":"Found by overdue discover in /etc/crontab, line 1","tags":["web1","prod"],"cron":["*/5 * * * *"],"timezone":"Europe/Berlin","grace":300}`,
		`web1-tar {"name":"tar on web1","description":"Found by overdue discover in /etc/cron.d/app, line 1","tags":["web1","prod"],"cron":["0 3 * * *"],"timezone":"Europe/Berlin","grace":3600}`,
		`web1-db {"interval":7200}`,
	}
	if diff := cmp.Diff(sortedPuts(t, wantPut), sortedPuts(t, withoutFirstBy(t, *put))); diff != "" || got.code != 0 {
		t.Errorf("%+v, put (-want +got):\n%s", got, diff)
	}
	url := "https://o.example.org/api/v1/hb/" + anID
	for _, want := range []string{
		"# /etc/cron.d/app, line 1: heartbeat web1-tar, created\n0 3 * * * root /usr/bin/overdue run " + url + ` -- "${SHELL:-/bin/sh}" -c 'tar cz /srv -P s3cret | ssh b'` + "\n",
		"# /etc/systemd/system/db.service.d/overdue.conf: heartbeat web1-db, updated\n# Reports",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s", want, got.out)
		}
	}
	if strings.Contains(strings.Join(*put, ""), "s3cret") {
		t.Error("a command has left the machine")
	}
}

// withoutFirstBy takes out expect_first_by, which must be set where a heartbeat is created
// and lie ahead: otherwise a job that never pings would stay new and send no alert.
func withoutFirstBy(t *testing.T, puts []string) []string {
	t.Helper()
	member := regexp.MustCompile(`,"expect_first_by":"([^"]*)"`)
	var all []string
	for _, put := range puts {
		found := member.FindStringSubmatch(put)
		if created := strings.Contains(put, `"name"`); created != (found != nil) {
			t.Errorf("%s; want expect_first_by only where a heartbeat is created", put)
		} else if created {
			if by, err := time.Parse(time.RFC3339, found[1]); err != nil || !by.After(time.Now()) {
				t.Errorf("the first ping is expected by %s, %v; want a moment ahead", found[1], err)
			}
		}
		all = append(all, member.ReplaceAllString(put, ""))
	}
	return all
}

// sortedPuts sorts the members of each body.
func sortedPuts(t *testing.T, puts []string) []string {
	t.Helper()
	var all []string
	for _, put := range puts {
		slug, body, _ := strings.Cut(put, " ")
		members := map[string]any{}
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(members) // it has just been read
		all = append(all, slug+" "+string(text))
	}
	return all
}

func TestDiscover_EditsOnceAndOnlyTheNamedJobs(t *testing.T) {
	root, flags := newMachineImage(t)
	put := newSlugAPI(t)
	edit := append(flags, "--edit", "--yes", "--with", "curl", "--grace", "7m", "web1-tar", "web1-db")
	got := runOverdue(backend{}, edit...)
	if got.code != 0 || !strings.Contains(got.out, "@@ -1 +1 @@\n-0 3 * * * root tar") || !strings.Contains(got.out, "/etc/cron.d/app: written, a copy is "+flags[len(flags)-1]) || !strings.Contains(got.out, "daemon-reload") {
		t.Errorf("%+v", got)
	}
	if len(*put) != 2 || !strings.Contains((*put)[1], `"grace":"7m"`) {
		t.Errorf("put %v; want two, both with the grace that was given", *put)
	}
	text, _ := os.ReadFile(root + "/etc/cron.d/app")
	if !strings.Contains(string(text), `ssh b'; s=$?; curl`) {
		t.Errorf("the file is %s", text)
	}
	again := runOverdue(backend{}, edit...)
	if again.code != 0 || again.out != "Nothing to write.\n" || len(*put) != 2 {
		t.Errorf("%+v, put %d; want nothing done twice", again, len(*put))
	}
	tick, _ := os.ReadFile(root + "/etc/crontab")
	if strings.Contains(string(tick), "curl") {
		t.Error("a job that was not named was changed")
	}
}

func TestDiscover_RejectsBadFlagsBeforeItCallsTheServer(t *testing.T) {
	_, flags := newMachineImage(t)
	put := newSlugAPI(t)
	for args, want := range map[string]string{
		"--edit":                  "set --yes",
		"nosuch web1-tar":         "nosuch: no job has this slug; overdue discover shows them in its last column",
		"--create nosuch":         "nosuch: no job has this slug; overdue discover shows them in its last column",
		"--create web1-x":         "web1-x: runs at startup",
		"--timezone CEST":         "Europe/Berlin",
		"--edit --json":           "exclude each other",
		"--create --program over": "program \"over\"",
		"--create --with wget":    "must be one of",
	} {
		got := runOverdue(backend{}, append(flags, strings.Fields(args)...)...)
		if got.code == 0 || !strings.Contains(got.err, want) || len(*put) != 0 {
			t.Errorf("%s: %+v, put %v; want %q and nothing created", args, got, *put, want)
		}
	}
	got := runOverdue(backend{}, "discover", "--root", flags[2], "--create") // the program of a test is in the temporary directory
	if got.code != 2 || !strings.Contains(got.err, "a temporary directory") {
		t.Errorf("%+v", got)
	}
}

func TestDiscover_JSONHasEveryField(t *testing.T) {
	_, flags := newMachineImage(t)
	newSlugAPI(t)
	got := runOverdue(backend{}, append(flags, "--json", "--create")...)
	var jobs []jobJSON
	if err := json.Unmarshal([]byte(got.out), &jobs); err != nil || len(jobs) != 5 {
		t.Fatalf("%+v: %v", got, err)
	}
	tar, pinging, db := jobs[1], jobs[3], jobs[4]
	if *tar.Line != 1 || tar.Cron[0] != "0 3 * * *" || tar.Grace != 3600 || !strings.HasSuffix(*tar.Write, "ssh b'") || tar.Problem != nil {
		t.Errorf("%+v", tar)
	}
	if !pinging.Pings || pinging.Write != nil || *jobs[2].Problem == "" {
		t.Errorf("%+v", pinging)
	}
	if db.Line != nil || *db.Interval != 7200 || db.Timezone != "" || !strings.HasSuffix(*db.Place, "overdue.conf") {
		t.Errorf("%+v", db)
	}
}

func TestPrintJSON_DoesNotEscapeShellOperators(t *testing.T) {
	var out strings.Builder
	if err := printJSON(Streams{Out: &out}, map[string]string{"command": "a && b <c >d"}); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"command\": \"a && b <c >d\"\n}\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
