package ingest

import (
	"net/http/httptest"
	"strings"
	"testing"

	"overdue/internal/monitor"
	"overdue/internal/pingurl"
)

const (
	jsonType = "application/json; charset=utf-8"
	textType = "text/plain"
)

// bodyMeans returns what a complete body says below the plain ping URL.
func bodyMeans(t *testing.T, contentType, body string) (meaning, error) {
	t.Helper()
	f, err := parsePingURL(pingurl.For("", "")+someID, "")
	if err != nil {
		t.Fatal(err)
	}
	err = f.readBody(contentType, []byte(body), true)
	return f.meaning(), err
}

func TestReadBody_ReadsTheWordsOfOtherMonitors(t *testing.T) {
	watchdog := `"alerts":[{"status":"firing","labels":{"alertname":"Watchdog"}}]`
	for _, c := range []struct {
		contentType, body string
		want              meaning
	}{
		{jsonType, `{"status":"down","msg":"disk full"}`, meaning{monitor.PingFail, noExitCode, ""}},
		{jsonType, ` {"status":"up"} `, meaning{monitor.PingSuccess, noExitCode, ""}},
		{"application/problem+json", `{"state":"fail","series":"8f14e45f"}`, meaning{monitor.PingFail, noExitCode, "8f14e45f"}},
		{jsonType, `{"monitor_config":{"status":"error"},"status":"in_progress","check_in_id":"c1"}`, meaning{monitor.PingStart, noExitCode, "c1"}},
		{jsonType, `{"exit-code":3}`, meaning{monitor.PingFail, 3, ""}},
		{jsonType, `{"exitCode":3}`, meaning{monitor.PingFail, 3, ""}},
		{jsonType, `{"exit_code":3}`, meaning{monitor.PingFail, 3, ""}},
		{jsonType, `{"success":false,"error":{"code":5}}`, meaning{monitor.PingFail, noExitCode, ""}},
		{jsonType, `{"Status":"FAILED"}`, meaning{monitor.PingFail, noExitCode, ""}},
		{formType, `status=down&msg=disk+full`, meaning{monitor.PingFail, noExitCode, ""}},
		{formType, `{"status":"fail"}`, meaning{monitor.PingFail, noExitCode, ""}}, // curl -d, Invoke-RestMethod
		{formType, `{"status":"fail","log":"` + strings.Repeat("x", 50_000) + `"}`, meaning{monitor.PingFail, noExitCode, ""}},
		{formType, "exit_code=3&msg=disk is full: 100 %", meaning{monitor.PingFail, 3, ""}}, // curl -d escapes nothing
		{formType, "rid=7&exit_code=3&msg=first line\nsecond line & größer", meaning{monitor.PingFail, 3, "7"}},
		{formType, "msg=disk is full&status=down", meaning{monitor.PingFail, noExitCode, ""}},
		{formType, "status=down&msg=" + strings.Repeat("x", 50_000), meaning{monitor.PingFail, noExitCode, ""}},
		{jsonType, "\ufeff" + `{"status":"down"}`, meaning{monitor.PingFail, noExitCode, ""}}, // Windows programs
		{"text/json", `{"status":"down"}`, meaning{monitor.PingFail, noExitCode, ""}},
		{jsonType, `{"status":"down","msg":"first line` + "\n" + `second line"}`, meaning{monitor.PingFail, noExitCode, ""}},
		{jsonType, `{"status":"down",}`, meaning{monitor.PingFail, noExitCode, ""}},
		{jsonType, `{"status":"down"`, meaning{monitor.PingFail, noExitCode, ""}},
		{jsonType, `{"receiver":"x","status":"firing",` + watchdog + `}`, meaning{monitor.PingSuccess, noExitCode, ""}},
		{jsonType, `{"receiver":"x","status":"resolved",` + watchdog + `}`, meaning{monitor.PingFail, noExitCode, ""}},
	} {
		if got, err := bodyMeans(t, c.contentType, c.body); err != nil || got != c.want {
			t.Errorf("%s %s is %+v, %v; want %+v", c.contentType, c.body, got, err, c.want)
		}
	}
}

// The output of a job never sets the outcome of the run.
func TestReadBody_OutputHasNoOutcome(t *testing.T) {
	for _, c := range []struct{ contentType, body string }{
		{textType, `{"status":"fail"}`},
		{"", `{"status":"fail"}`},
		{"application/octet-stream", `status=down`},
		{formType, "backup of / done\nstatus=fail"},
		{formType, "rsync status=fail"},
		{formType, "status=fail\n\nsecond=line"},
		{formType, "status=failed because of a&b"},
		{formType, "time=2026-11-29 url=/x?a=b&status=fail&c=d e"},
		{formType, "no pairs"},
		{formType, "status"},
		{formType, "result=42"},
		{jsonType, `{"message_type":"summary"}` + "\n" + `{"status":"fail"}`},
		{jsonType, `{"status":"fail"}` + "\n" + `{"status":"fail"}`}, // JSON lines are a log
		{jsonType, `[{"status":"fail"}]`},
		{jsonType, `{"job":{"status":"fail"},"log":["status=fail"],"message":"fail"}`},
		{jsonType, `{"status":{"phase":"Failed"},"kind":"Job"}`},
		{jsonType, `{"status":null,"error":"x","result":"none"}`},
		{jsonType, `"fail"`},
		{formType, "{ echo status; }"},
		{jsonType, `not JSON`},
	} {
		want := meaning{monitor.PingSuccess, noExitCode, ""}
		if got, err := bodyMeans(t, c.contentType, c.body); err != nil || got != want {
			t.Errorf("%q %.60q is %+v, %v; want a success", c.contentType, c.body, got, err)
		}
	}
}

func TestReadBody_NeverReturnsTheOppositeOutcome(t *testing.T) {
	for body, names := range map[string]string{
		`{"status":"degraded"}`:                                                "status must be",
		`{"msg":"a "quoted" word","status":"down"}`:                            "malformed JSON",
		`{"status":"completed","msg":"a "quoted" word","exit_code":1}`:         "malformed JSON",
		`{"status":500}`:                                                       "status must be",
		`{"status":"ok","exit_code":1}`:                                        "contradiction",
		`{"status":"ok","status":"fail"}`:                                      "contradiction",
		`{"status":"firing"}`:                                                  "status must be",
		`{"state":"alerting","title":"x"}`:                                     "state must be",
		`{"status":"resolved","alerts":[{"labels":{"alertname":"DiskFull"}}]}`: "DiskFull",
		`{"status":"firing","alerts":[{"labels":{"alertname":"Watchdog"}},{"labels":{"alertname":"Disk\u0000"}}]}`: "Watchdog",
	} {
		got, err := bodyMeans(t, jsonType, body)
		if err == nil || !strings.Contains(err.Error(), names) || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%s is %+v, %v; want one line with %q", body, got, err, names)
		}
	}
}

func TestReadBody_ALongJSONBodyHasTheOutcomeOfItsBeginning(t *testing.T) {
	f := pingRequest{runClaims: newRunClaims()}
	if err := f.readBody(jsonType, []byte(`{"status":"fail","log":"xxx`), false); err != nil || f.kind != monitor.PingFail {
		t.Errorf("cut off after the status: %+v, %v; want a failure", f.meaning(), err)
	}
}

// Output may be cut when memory is short, but not what says the outcome.
func TestServeHTTP_WithoutMemoryForTheOutcomeThePingMustBeSentAgain(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		d.handler.BodyBudget = NewBodyBudget(10)
		for contentType, want := range map[string]int{jsonType: 503, formType: 503, textType: 200} {
			r := httptest.NewRequest("POST", pingurl.For("", "")+d.h.ID, strings.NewReader(`{"log":"a long text","status":"down"}`))
			r.Header.Set("Content-Type", contentType)
			answer := httptest.NewRecorder()
			d.handler.ServeHTTP(answer, r)
			if again := answer.Header().Get("Retry-After") != ""; answer.Code != want || again != (want == 503) {
				d.t.Errorf("%s: answered %d %s, Retry-After: %t; want %d", contentType, answer.Code, answer.Body, again, want)
			}
		}
	})
}

func TestServeHTTP_ACompressedBodyThatMaySayTheOutcomeIsRejected(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		for _, c := range []struct {
			form, contentType string
			want              int
		}{{"", jsonType, 415}, {"", formType, 415}, {"", textType, 200}, {"/0", jsonType, 200}} {
			r := httptest.NewRequest("POST", pingurl.For("", "")+d.h.ID+c.form, strings.NewReader("\x1f\x8b"))
			r.Header.Set("Content-Type", c.contentType)
			r.Header.Set("Content-Encoding", "gzip")
			answer := httptest.NewRecorder()
			d.handler.ServeHTTP(answer, r)
			if answer.Code != c.want {
				d.t.Errorf("%q with %s: answered %d %s; want %d", c.form, c.contentType, answer.Code, answer.Body, c.want)
			}
		}
	})
}

func FuzzReadBody(f *testing.F) {
	f.Add(jsonType, []byte(`{"status":"down"}`), true)
	f.Add(formType, []byte(`status=down&x=%`), true)
	f.Fuzz(func(t *testing.T, contentType string, body []byte, complete bool) {
		s := newRunClaims()
		if err := s.readBody(contentType, body, complete); err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%q: error of several lines: %q", body, err)
		}
	})
}
