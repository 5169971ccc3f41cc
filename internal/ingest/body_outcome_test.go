package ingest

import (
	"strings"
	"testing"

	"overdue/internal/monitor"
)

const (
	jsonType = "application/json; charset=utf-8"
	textType = "text/plain"
)

// bodyMeans returns what a complete body says below the plain ping URL.
func bodyMeans(t *testing.T, contentType, body string) (meaning, error) {
	t.Helper()
	f, err := parse(Prefix+someID, "")
	if err != nil {
		t.Fatal(err)
	}
	err = f.readBody(contentType, []byte(body), true)
	return f.means(), err
}

func TestReadBody_UnderstandsTheWordsOfOtherMonitors(t *testing.T) {
	watchdog := `"alerts":[{"status":"firing","labels":{"alertname":"Watchdog"}}]`
	for _, c := range []struct {
		contentType, body string
		want              meaning
	}{
		{jsonType, `{"status":"down","msg":"disk full"}`, meaning{monitor.Fail, noExit, ""}},
		{jsonType, ` {"status":"up"} `, meaning{monitor.Success, noExit, ""}},
		{"application/problem+json", `{"state":"fail","series":"8f14e45f"}`, meaning{monitor.Fail, noExit, "8f14e45f"}},
		{jsonType, `{"monitor_config":{"status":"error"},"status":"in_progress","check_in_id":"c1"}`, meaning{monitor.Start, noExit, "c1"}},
		{jsonType, `{"exit_code":3}`, meaning{monitor.Fail, 3, ""}},
		{jsonType, `{"success":false,"error":{"code":5}}`, meaning{monitor.Fail, noExit, ""}},
		{jsonType, `{"Status":"FAILED"}`, meaning{monitor.Fail, noExit, ""}},
		{formType, `status=down&msg=disk+full`, meaning{monitor.Fail, noExit, ""}},
		{formType, `{"status":"fail"}`, meaning{monitor.Fail, noExit, ""}}, // curl -d, Invoke-RestMethod
		{jsonType, `{"receiver":"x","status":"firing",` + watchdog + `}`, meaning{monitor.Success, noExit, ""}},
		{jsonType, `{"receiver":"x","status":"resolved",` + watchdog + `}`, meaning{monitor.Fail, noExit, ""}},
	} {
		if got, err := bodyMeans(t, c.contentType, c.body); err != nil || got != c.want {
			t.Errorf("%s %s is %+v, %v; want %+v", c.contentType, c.body, got, err, c.want)
		}
	}
}

// What a job prints is never taken for a word about its outcome.
func TestReadBody_OutputSaysNothing(t *testing.T) {
	for _, c := range []struct{ contentType, body string }{
		{textType, `{"status":"fail"}`},
		{"", `{"status":"fail"}`},
		{"application/octet-stream", `status=down`},
		{formType, "backup of / done\nstatus=fail"},
		{formType, "rsync status=fail"},
		{formType, "status=fail\n\nsecond=line"},
		{formType, "status=fail&" + strings.Repeat("x", maxForm) + "=1"},
		{formType, "no pairs"},
		{formType, "status"},
		{formType, "result=42"},
		{jsonType, `{"message_type":"summary"}` + "\n" + `{"status":"fail"}`},
		{jsonType, `{"status":"fail"}` + "\n" + `{"status":"fail"}`}, // JSON lines are a log
		{jsonType, `[{"status":"fail"}]`},
		{jsonType, `{"job":{"status":"fail"},"log":["status=fail"],"message":"fail"}`},
		{jsonType, `{"status":{"phase":"Failed"},"kind":"Job"}`},
		{jsonType, `{"status":null,"error":"x","result":"none"}`},
		{jsonType, `{"status":"fail"`},
		{jsonType, `"fail"`},
		{jsonType, `not JSON`},
	} {
		want := meaning{monitor.Success, noExit, ""}
		if got, err := bodyMeans(t, c.contentType, c.body); err != nil || got != want {
			t.Errorf("%q %.60q is %+v, %v; want a success", c.contentType, c.body, got, err)
		}
	}
}

func TestReadBody_IsNeverTakenForTheOpposite(t *testing.T) {
	for body, names := range map[string]string{
		`{"status":"degraded"}`:            "status must be",
		`{"status":500}`:                   "status must be",
		`{"status":"ok","exit_code":1}`:    "contradiction",
		`{"status":"ok","status":"fail"}`:  "contradiction",
		`{"status":"firing"}`:              "status must be",
		`{"state":"alerting","title":"x"}`: "state must be",
		`{"status":"resolved","alerts":[{"labels":{"alertname":"DiskFull"}}]}`:                                     "DiskFull",
		`{"status":"firing","alerts":[{"labels":{"alertname":"Watchdog"}},{"labels":{"alertname":"Disk\u0000"}}]}`: "Watchdog",
	} {
		got, err := bodyMeans(t, jsonType, body)
		if err == nil || !strings.Contains(err.Error(), names) || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%s is %+v, %v; want one line with %q", body, got, err, names)
		}
	}
}

func TestReadBody_ALongJSONBodySaysWhatItsBeginningSays(t *testing.T) {
	f := form{claims: newClaims()}
	if err := f.readBody(jsonType, []byte(`{"status":"fail","log":"xxx`), false); err != nil || f.kind != monitor.Fail {
		t.Errorf("cut off after the status: %+v, %v; want a failure", f.means(), err)
	}
}

func FuzzReadBody(f *testing.F) {
	f.Add(jsonType, []byte(`{"status":"down"}`), true)
	f.Add(formType, []byte(`status=down&x=%`), true)
	f.Fuzz(func(t *testing.T, contentType string, body []byte, complete bool) {
		s := newClaims()
		if err := s.readBody(contentType, body, complete); err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%q: error of several lines: %q", body, err)
		}
	})
}
