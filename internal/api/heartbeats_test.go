package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"overdue/client"
	"overdue/internal/monitor"
)

func TestCreateHeartbeat_SetsDefaultsAndReturnsThePingURL(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		got, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: new("  Nächtliches Backup! "), Interval: "24h"})
		if err != nil {
			t.Fatal(err)
		}
		want := client.Heartbeat{
			ID: got.ID, Ref: got.Ref, PingURL: new(testBaseURL + "/api/v1/hb/" + *got.ID), Name: "Nächtliches Backup!", Slug: "nachtliches-backup",
			Tags: []string{}, Interval: new(int64(86400)), Grace: 300, Methods: "any", Status: "new",
			Schedule: "every 24 h", AlertAfter: 1, Instances: "any", Hosts: []client.Host{}, Severity: "critical", FlappingAlerts: "hold",
			CreatedAt: got.CreatedAt, UpdatedAt: got.CreatedAt,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		again, err := c.Heartbeat(t.Context(), got.Ref)
		if diff := cmp.Diff(want, again); err != nil || diff != "" {
			t.Error(err, diff)
		}
		r := w.request("read-write", "POST", "/api/v1/heartbeats", `{"name": "x", "interval": 60}`)
		if at := r.header.Get("Location"); r.status != 201 || !strings.HasPrefix(at, testBaseURL+"/api/v1/heartbeats/") {
			t.Errorf("%d, Location %q", r.status, at)
		}
	})
}

func TestCreateHeartbeat_AcceptsEveryDurationFormat(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for given, want := range map[string]int64{
			`60`: 60, `"60"`: 60, `"24h"`: 86400, `"10m"`: 600, `"1d"`: 86400, `"PT5M"`: 300, `3e2`: 300, `1`: 1, `31622400`: 31622400,
		} {
			r := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/d", `{"interval": `+given+`}`)
			if want := fmt.Sprintf(`"interval":%d,`, want); r.status > 201 || !strings.Contains(r.body, want) {
				t.Errorf("%s: %d %s", given, r.status, r.body)
			}
		}
		if r := w.request("read-write", "PATCH", "/api/v1/heartbeats/"+w.ids[0], `{"max_run_time": ""}`); r.status != 422 {
			t.Errorf("an empty text is taken for none: %d %s", r.status, r.body)
		}
		for _, given := range []string{`0`, `-1`, `1.5`, `31622401`, `"367d"`, `""`, `"5"x`, `"5 fortnights"`, `[]`, `true`, `null`, `1e400`, `1e18`, `"1 month"`} {
			r := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/d", `{"interval": `+given+`}`)
			if r.status != 422 && !(given == `"5"x` && r.status == 400) {
				t.Errorf("%s: %d %s", given, r.status, r.body)
			}
		}
	})
}

func TestCreateHeartbeat_NamesEveryFaultAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		r := w.request("read-write", "POST", "/api/v1/heartbeats", `{"name": " ", "intervall": 60, "grace": "5 foo", "max_run_time": 0, "methods": "get",
			"manual_resume": "yes", "tags": "db", "slug": "A B", "channels": ["nope"], "description": null, "cron": ["* * * *"],
			"alert_after": 0, "early": "soon", "start_grace": 0, "expect_first_by": "tomorrow", "oncalendar": 7}`)
		got := problem(t, r)
		var at []string
		for _, e := range got.Errors {
			at = append(at, e.Location)
			if e.Message == "" || !strings.HasSuffix(e.Message, ".") {
				t.Errorf("%s: %q is no sentence", e.Location, e.Message)
			}
		}
		want := []string{
			"body.name", "body.slug", "body.description", "body.tags", "body.manual_resume", "body.cron[0]", "body.intervall",
			"body.alert_after", "body.early", "body.start_grace", "body.expect_first_by", "body.oncalendar", "body.grace", "body.max_run_time", "body.methods", "body.channels",
		}
		if diff := cmp.Diff(want, at, cmpopts.SortSlices(strings.Compare)); diff != "" || r.status != 422 {
			t.Error(r.status, diff)
		}
		if got.Detail == "" || got.RequestID != r.header.Get("X-Request-Id") {
			t.Errorf("%+v", got)
		}
	})
}

func TestDecodeObject_RejectsBodiesThatAreNotAJSONObject(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for body, want := range map[string]int{
			`{`: 400, `[]`: 400, `null`: 400, `"x"`: 400, `{} {}`: 400, `{"name": "x", "interval": 60}x`: 400,
			`{"name": "` + strings.Repeat("x", 256<<10) + `"}`:              413,
			`{"name": "x", "interval": 60, "description": "\ud800 \u0000"}`: 422,
		} {
			if r := w.request("read-write", "POST", "/api/v1/heartbeats", body); r.status != want {
				t.Errorf("%.20s: %d, want %d\n%s", body, r.status, want, r.body)
			}
		}
		if r := w.request("read-write", "POST", "/api/v1/heartbeats", ""); r.status != 400 {
			t.Errorf("no body: %d", r.status)
		}
		for kind, want := range map[string]int{"text/plain": 415, "application/x-www-form-urlencoded": 415, "application/json; charset=utf-8": 422, "": 422} {
			if r := w.request("read-write", "POST", "/api/v1/heartbeats", "{}", "Content-Type", kind); r.status != want {
				t.Errorf("content type %q: %d, want %d", kind, r.status, want)
			}
		}
		full := `{"name": "x", "interval": 60, "description": "` + strings.Repeat(" ", 256<<10)
		full = full[:256<<10-2] + `"}`
		if r := w.request("read-write", "POST", "/api/v1/heartbeats", full); r.status != 201 {
			t.Errorf("a body of exactly 256 kB: %d %.200s", r.status, r.body)
		}
	})
}

func TestCreateHeartbeat_ATakenSlugIsRejected(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for _, want := range []string{"backup", "backup-2", "backup-3"} {
			if h := w.heartbeat("Backup"); h.Slug != want {
				t.Errorf("slug %q, want %q", h.Slug, want)
			}
		}
		if h := w.heartbeat("定期 任务"); h.Slug != "heartbeat" {
			t.Errorf("slug %q", h.Slug)
		}
		r := w.request("read-write", "POST", "/api/v1/heartbeats", `{"name": "x", "interval": 60, "slug": "backup-2"}`)
		if p := problem(t, r); r.status != 409 || p.Errors[0].Location != "body.slug" {
			t.Errorf("%d %s", r.status, r.body)
		}
		first, err := w.client("read-write").Heartbeat(t.Context(), w.ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if r := w.request("read-write", "PATCH", "/api/v1/heartbeats/"+first.Ref, `{"slug": "backup-3"}`); r.status != 409 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if err := w.client("read-write").DeleteHeartbeat(t.Context(), *first.ID); err != nil {
			t.Fatal(err)
		}
		if h := w.heartbeat("Backup"); h.Slug != "backup" {
			t.Errorf("slug %q; want that of the deleted one", h.Slug)
		}
	})
}

func TestPutHeartbeat_CreatesOnceAndThenChanges(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		settings := client.HeartbeatSettings{Name: new("Sync"), Interval: 60, Grace: 0, Tags: &[]string{"a", " a ", "", "b  c"}}
		first, created, err := c.PutHeartbeat(t.Context(), "sync", settings)
		if err != nil || !created {
			t.Fatal(err, created)
		}
		if diff := cmp.Diff([]string{"a", "b c"}, first.Tags); diff != "" || first.Grace != 0 {
			t.Error(diff, first.Grace)
		}
		second, created, err := c.PutHeartbeat(t.Context(), "sync", settings)
		if diff := cmp.Diff(first, second); err != nil || created || diff != "" {
			t.Error(err, created, diff)
		}
		third, _, err := c.PutHeartbeat(t.Context(), "sync", client.HeartbeatSettings{Interval: 120})
		if err != nil || *third.Interval != 120 || third.Name != "Sync" || !third.UpdatedAt.After(first.UpdatedAt) || *third.ID != *first.ID {
			t.Error(err, third)
		}
		if r := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/nameless", `{"interval": 60}`); r.status != 201 || !strings.Contains(r.body, `"name":"nameless"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
		for path, body := range map[string]string{"by-slug/A%20B": `{"interval": 60}`, "by-slug/a%00b": `{"interval": 60}`, "by-slug/sync": `{"slug": "other"}`} {
			if p := problem(t, w.request("read-write", "PUT", "/api/v1/heartbeats/"+path, body)); p.Status != 422 || p.Errors[0].Location != "path.slug" {
				t.Errorf("%s: %+v", path, p)
			}
		}
		want := []string{"command line: key.create test", "command line: key.create test", "API key test: heartbeat.create Sync (sync)", "API key test: heartbeat.change Sync (sync)", "API key test: heartbeat.create nameless (nameless)"}
		if diff := cmp.Diff(want, w.auditActions()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPutHeartbeat_OfTwoConcurrentRequestsOneCreates(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		creations, refs := 0, map[string]bool{}
		for range 8 {
			wg.Go(func() {
				h, created, err := w.client("read-write").PutHeartbeat(t.Context(), "race", client.HeartbeatSettings{Name: new("Race"), Interval: 60})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if created {
					creations++
				}
				refs[h.Ref] = true
			})
		}
		wg.Wait()
		if creations != 1 || len(refs) != 1 {
			t.Errorf("%d creations of %d heartbeats", creations, len(refs))
		}
	})
}

func TestChangeHeartbeat_ChangesOnlyWhatItNames(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h, ch := w.heartbeat("Backup"), w.channel("ops")
		got, err := c.ChangeHeartbeat(t.Context(), h.Ref, client.HeartbeatSettings{
			Description: new("two\nlines"), MaxRunTime: "10m", Methods: new("post"), ManualResume: new(true), Channels: &[]string{ch.ID, ch.ID},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := h
		want.Description, want.MaxRunTime, want.Methods, want.ManualResume, want.Channels = "two\nlines", new(int64(600)), "post", true, []string{ch.ID}
		want.UpdatedAt = got.UpdatedAt
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		r := w.request("read-write", "PATCH", "/api/v1/heartbeats/"+*h.ID, `{"max_run_time": null, "channels": null}`)
		if !strings.Contains(r.body, `"max_run_time":null`) || !strings.Contains(r.body, `"channels":null`) {
			t.Errorf("%d %s", r.status, r.body)
		}
		r = w.request("read-write", "PATCH", "/api/v1/heartbeats/"+*h.ID, `{"channels": []}`)
		if !strings.Contains(r.body, `"channels":[]`) {
			t.Errorf("%d %s", r.status, r.body)
		}
		before := len(w.auditActions())
		if r := w.request("read-write", "PATCH", "/api/v1/heartbeats/"+*h.ID, `{"channels": [], "interval": "60 min"}`); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if after := len(w.auditActions()); after != before {
			t.Errorf("a change that changes nothing was written down")
		}
	})
}

func TestChangeHeartbeat_TheAuditLogNamesChannelsAndAGraceOfZero(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h, ops := w.heartbeat("Backup"), w.channel("Operators")
		c := w.client("read-write")
		for _, change := range []struct {
			settings client.HeartbeatSettings
			want     string
		}{
			{client.HeartbeatSettings{Grace: 0}, "grace: 10\u00a0min → 0\u00a0s"},
			{client.HeartbeatSettings{Channels: &[]string{ops.ID}}, "channels: all → Operators"},
		} {
			if _, err := c.ChangeHeartbeat(t.Context(), *h.ID, change.settings); err != nil {
				t.Fatal(err)
			}
			if entry := w.lastAuditEntry(); entry.Detail != change.want {
				t.Errorf("audit log: %q; want %q", entry.Detail, change.want)
			}
		}
		if err := c.DeleteChannel(t.Context(), ops.ID); err != nil {
			t.Fatal(err)
		}
		wanted := func(e monitor.AuditEntry) bool { return e.Detail == "channels: Operators → all" }
		if entries := w.auditEntries(); !slices.ContainsFunc(entries, wanted) {
			t.Errorf("after the channel was deleted: %+v", entries)
		}
	})
}

func TestChangeHeartbeat_ANewRuleIsEvaluatedAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		w.channel("ops")
		h := w.heartbeat("Backup")
		w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST", At: time.Now().UTC().Add(-65 * time.Minute)})
		h, err := c.ChangeHeartbeat(t.Context(), *h.ID, client.HeartbeatSettings{Grace: "1 min"})
		if err != nil || h.Status != "down" || h.IncidentID == nil || w.pendingSignals != 1 {
			t.Fatalf("%v %+v, %d signals", err, h, w.pendingSignals)
		}
		i, err := c.Incident(t.Context(), *h.IncidentID)
		if err != nil || i.Cause != "missed" || i.State != "open" || !i.OpenedAt.Equal(*h.DeadlineAt) {
			t.Errorf("%v %+v", err, i)
		}
		h, err = c.ChangeHeartbeat(t.Context(), *h.ID, client.HeartbeatSettings{Grace: "1h"})
		if err != nil || h.Status != "late" || h.IncidentID != nil || w.pendingSignals != 2 || !w.dueSignals[len(w.dueSignals)-1].Equal(*h.DeadlineAt) {
			t.Errorf("%v %+v, %d signals, next %v", err, h, w.pendingSignals, w.dueSignals)
		}
		i, err = c.Incident(t.Context(), i.ID)
		if err != nil || i.State != "resolved" || *i.Resolution != "edited" {
			t.Errorf("%v %+v", err, i)
		}
	})
}

func TestPauseHeartbeat_ResolvesAndResumeCountsFromNow(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h := w.heartbeat("Backup")
		w.ping(h, monitor.Ping{Kind: monitor.PingFail, Method: "POST", ExitCode: 3})
		down, err := c.Heartbeat(t.Context(), h.Ref)
		if err != nil || down.Status != "down" || down.IncidentID == nil {
			t.Fatal(err, down)
		}
		for range 2 { // the second request changes nothing
			paused, err := c.PauseHeartbeat(t.Context(), h.Ref)
			if err != nil || paused.Status != "paused" || paused.IncidentID != nil || paused.DueAt != nil {
				t.Fatal(err, paused)
			}
		}
		i, err := c.Incident(t.Context(), *down.IncidentID)
		if err != nil || i.State != "resolved" || *i.Resolution != "paused" {
			t.Error(err, i)
		}
		for range 2 {
			up, err := c.ResumeHeartbeat(t.Context(), *h.ID)
			if err != nil || up.Status != "up" || time.Until(*up.DueAt) < 59*time.Minute {
				t.Fatal(err, up)
			}
		}
		if actions := w.auditActions(); len(actions) != 5 { // two keys, creation, pause, resumption
			t.Errorf("%q", actions)
		}
	})
}

func TestDeleteHeartbeat_KeepsItsIncident(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h := w.heartbeat("Backup")
		w.ping(h, monitor.Ping{Kind: monitor.PingFail, Method: "POST"})
		page, err := c.Incidents(t.Context(), client.IncidentQuery{Heartbeat: h.Ref})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(err, page)
		}
		if err := c.DeleteHeartbeat(t.Context(), h.Ref); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{*h.ID, h.Ref, h.Ref + "/pings", h.Ref + "/why", h.Ref + "/pings/1/body"} {
			if r := w.request("read-write", "GET", "/api/v1/heartbeats/"+path, ""); r.status != 404 {
				t.Errorf("%s: %d", path, r.status)
			}
		}
		var refused *client.Problem
		if err := c.DeleteHeartbeat(t.Context(), h.Ref); !errors.As(err, &refused) || refused.Status != 404 {
			t.Error(err)
		}
		if actions := w.auditActions(); actions[len(actions)-1] != "API key test: heartbeat.delete Backup (backup)" {
			t.Errorf("%q", actions)
		}
		i, err := c.Incident(t.Context(), page.Items[0].ID)
		if err != nil || *i.Resolution != "deleted" || i.HeartbeatName != "Backup" {
			t.Error(err, i)
		}
	})
}

func TestListHeartbeats_FiltersSortsAndPaginates(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		for i := range 7 {
			name := fmt.Sprintf("Job %d", 6-i)
			h, err := c.CreateHeartbeat(t.Context(), client.HeartbeatSettings{Name: &name, Interval: 3600, Tags: &[]string{fmt.Sprintf("t%d", i%2), "all"}})
			if err != nil {
				t.Fatal(err)
			}
			if i < 3 {
				w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "GET", At: time.Now().UTC().Add(time.Duration(-i) * time.Minute)})
			}
		}
		for _, filter := range []struct {
			query client.HeartbeatQuery
			want  string
		}{
			{client.HeartbeatQuery{}, "0123456"},
			{client.HeartbeatQuery{Sort: "created"}, "6543210"},
			{client.HeartbeatQuery{Sort: "due"}, "4563210"},
			{client.HeartbeatQuery{Status: "up"}, "456"},
			{client.HeartbeatQuery{Tags: []string{"t1"}}, "135"},
			{client.HeartbeatQuery{Tags: []string{"t1", "all"}}, "135"},
			{client.HeartbeatQuery{Tags: []string{"t1", "t0"}}, ""},
			{client.HeartbeatQuery{Tags: []string{"t"}}, ""},
			{client.HeartbeatQuery{Tags: []string{""}}, "0123456"},
			{client.HeartbeatQuery{Q: "job 3"}, "3"},
			{client.HeartbeatQuery{Q: "%"}, ""},
			{client.HeartbeatQuery{Status: "new", Sort: "name"}, "0123"},
		} {
			query := filter.query
			for _, limit := range []int{0, 1, 2, 3, 7} {
				query.Limit = limit
				got := ""
				for h, err := range c.AllHeartbeats(t.Context(), query) {
					if err != nil {
						t.Fatal(err)
					}
					got += strings.TrimPrefix(h.Name, "Job ")
				}
				if got != filter.want {
					t.Errorf("%+v: %q, want %q", query, got, filter.want)
				}
			}
		}
		full, err := c.Heartbeats(t.Context(), client.HeartbeatQuery{PageQuery: client.PageQuery{Limit: 7}})
		if err != nil || full.NextCursor != nil {
			t.Errorf("the last page, though full, has a cursor: %v", err)
		}
	})
}

func TestListHeartbeats_UnknownQueryParametersAreNamed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		w.heartbeat("a")
		w.heartbeat("b")
		cursor := func(sort string) string {
			page, err := w.client("read-only").Heartbeats(t.Context(), client.HeartbeatQuery{Sort: sort, PageQuery: client.PageQuery{Limit: 1}})
			if err != nil {
				t.Fatal(err)
			}
			return *page.NextCursor
		}
		for query, location := range map[string]string{
			"heartbeats?limit=0":                           "query.limit",
			"heartbeats?limit=201":                         "query.limit",
			"heartbeats?limit=x":                           "query.limit",
			"heartbeats?status=dwon":                       "query.status",
			"heartbeats?sort=size":                         "query.sort",
			"heartbeats?stauts=down":                       "query.stauts",
			"heartbeats?q=%00":                             "query.q",
			"heartbeats?tag=%ff":                           "query.tag",
			"heartbeats?cursor=x":                          "query.cursor",
			"heartbeats?cursor=e30":                        "query.cursor",
			"heartbeats?sort=name&cursor=" + cursor("due"): "query.cursor",
			"incidents?cursor=" + cursor("name"):           "query.cursor",
			"incidents?state=closed":                       "query.state",
			"incidents?heartbeat=nope":                     "query.heartbeat",
			"incidents?heartbeat=%00":                      "query.heartbeat",
			"channels?cursor=" + cursor("name"):            "query.cursor",
			"channels?sort=name":                           "query.sort",
			"heartbeats/x/why?a=b":                         "query.a",
			"heartbeats/x/pings/0/body":                    "path.n",
			"heartbeats/x/pings/x/body":                    "path.n",
		} {
			r := w.request("read-only", "GET", "/api/v1/"+query, "")
			if p := problem(t, r); p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != location || !strings.HasSuffix(p.Detail, ".") {
				t.Errorf("%s: %s", query, r.body)
			}
		}
	})
}

func TestExplainHeartbeat_ShowsTheArithmetic(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h := w.heartbeat("Backup")
		at := time.Now().UTC().Truncate(time.Second)
		w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, Method: "POST", At: at})
		why, err := w.client("read-only").ExplainHeartbeat(t.Context(), h.Ref)
		want := client.Explanation{
			Status: "up", LastPingAt: &at, From: &at, Slot: new(at.Add(time.Hour)), Interval: new(int64(3600)), Grace: 600,
			Schedule: "every 1 h", AlertAfter: 1,
			DueAt: new(at.Add(time.Hour)), DeadlineAt: new(at.Add(70 * time.Minute)), At: why.At, Decision: why.Decision,
		}
		if diff := cmp.Diff(want, why); err != nil || diff != "" || !strings.HasPrefix(why.Decision, "Up: last ping") {
			t.Error(err, diff, why.Decision)
		}
	})
}

func TestListPings_IsNewestFirstWithBodies(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h := w.heartbeat("Backup")
		bodies := []string{"", "plain text ü", "\x00\xff\x01", "<script>alert(1)</script>"}
		for _, body := range bodies {
			w.ping(h, monitor.Ping{Kind: monitor.PingLog, Method: "POST", Source: "192.0.2.1", UserAgent: "curl", Body: []byte(body)})
		}
		w.ping(h, monitor.Ping{Kind: monitor.PingFail, Method: "GET", ExitCode: 7, RunID: "r"})
		for _, key := range []string{"read-only", "read-write"} {
			c := w.client(key)
			var ns []int64
			for p, err := range c.AllPings(t.Context(), h.Ref, client.PageQuery{Limit: 2}) {
				if err != nil {
					t.Fatal(err)
				}
				ns = append(ns, p.N)
				at := h.Ref
				if key == "read-write" {
					at = *h.ID
				}
				if want := fmt.Sprintf("%s/api/v1/heartbeats/%s/pings/%d/body", testBaseURL, at, p.N); p.BodySize > 0 && *p.BodyURL != want {
					t.Errorf("%s: %s, want %s", key, *p.BodyURL, want)
				}
				if p.N == 5 && (*p.ExitCode != 7 || *p.RunID != "r" || p.BodyURL != nil) {
					t.Errorf("%+v", p)
				}
			}
			if diff := cmp.Diff([]int64{5, 4, 3, 2, 1}, ns); diff != "" {
				t.Error(diff)
			}
			for i, want := range bodies {
				got, err := c.PingBody(t.Context(), h.Ref, int64(i+1))
				if err != nil || string(got) != want {
					t.Errorf("%q: %q, %v", want, got, err)
				}
			}
		}
		for n, want := range map[int]string{1: "text/plain; charset=utf-8", 3: "application/octet-stream", 4: "text/plain; charset=utf-8"} {
			r := w.request("read-only", "GET", fmt.Sprintf("/api/v1/heartbeats/%s/pings/%d/body", h.Ref, n), "")
			if got := r.header.Get("Content-Type"); got != want || !strings.Contains(r.header.Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("%d: %s", n, got)
			}
		}
		if r := w.request("read-only", "GET", "/api/v1/heartbeats/"+h.Ref+"/pings/6/body", ""); r.status != 404 {
			t.Error(r.status)
		}
	})
}

// problem decodes a problem.
func problem(t *testing.T, r apiResponse) (p problemJSON) {
	t.Helper()
	if kind := r.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Fatalf("%d, type %q: %s", r.status, kind, r.body)
	}
	p.read(t, r)
	if p.Status != r.status || p.Title != http.StatusText(r.status) {
		t.Errorf("status %d has the body status %d and the title %s", r.status, p.Status, p.Title)
	}
	return p
}
