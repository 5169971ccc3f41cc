package api

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// access contains, for every operation of the document, the expected status
// for a read-only key, a read-write key, and a key of another project.
// Without a key it is always 401. An endpoint without a row fails the test.
var access = map[string]struct {
	path, body                 string
	readOnly, readWrite, other int
}{
	"list-heartbeats":       {"/heartbeats", "", 200, 200, 200},
	"create-heartbeat":      {"/heartbeats", `{"name": "x", "interval": 60}`, 403, 201, 201},
	"put-heartbeat":         {"/heartbeats/by-slug/put-by-test", `{"interval": 60}`, 403, 201, 201},
	"get-heartbeat-by-slug": {"/heartbeats/by-slug/backup", "", 200, 200, 404},
	"get-heartbeat":         {"/heartbeats/{heartbeat}", "", 200, 200, 404},
	"change-heartbeat":      {"/heartbeats/{heartbeat}", `{"description": "x"}`, 403, 200, 404},
	"delete-heartbeat":      {"/heartbeats/{spare heartbeat}", "", 403, 204, 404},
	"pause-heartbeat":       {"/heartbeats/{heartbeat}/pause", "", 403, 200, 404},
	"resume-heartbeat":      {"/heartbeats/{heartbeat}/resume", "", 403, 200, 404},
	"mute-heartbeat":        {"/heartbeats/{heartbeat}/mute", `{"for": "1h"}`, 403, 200, 404},
	"unmute-heartbeat":      {"/heartbeats/{heartbeat}/unmute", "", 403, 200, 404},
	"forget-host":           {"/heartbeats/{heartbeat}/forget-host", `{"host": "unknown"}`, 403, 404, 404},
	"explain-heartbeat":     {"/heartbeats/{heartbeat}/why", "", 200, 200, 404},
	"preview-schedule":      {"/schedules/preview", `{"cron": "0 3 * * *"}`, 200, 200, 200},
	"list-pings":            {"/heartbeats/{heartbeat}/pings", "", 200, 200, 404},
	"list-runs":             {"/heartbeats/{heartbeat}/runs", "", 200, 200, 404},
	"get-ping-body":         {"/heartbeats/{heartbeat}/pings/1/body", "", 200, 200, 404},
	"list-incidents":        {"/incidents", "", 200, 200, 200},
	"get-incident":          {"/incidents/{incident}", "", 200, 200, 404},
	"acknowledge-incident":  {"/incidents/{incident}/acknowledge", "", 403, 200, 404},
	"snooze-incident":       {"/incidents/{open incident}/snooze", `{"for": "1h"}`, 403, 200, 404},
	"unsnooze-incident":     {"/incidents/{incident}/unsnooze", "", 403, 200, 404},
	"list-groups":           {"/incident-groups", "", 200, 200, 200},
	"get-group":             {"/incident-groups/{group}", "", 200, 200, 404},
	"list-group-incidents":  {"/incident-groups/{group}/incidents", "", 200, 200, 404},
	"acknowledge-group":     {"/incident-groups/{group}/acknowledge", "", 403, 200, 404},
	"snooze-group":          {"/incident-groups/{open group}/snooze", `{"for": "1h"}`, 403, 200, 404},
	"add-note":              {"/incidents/{incident}/notes", `{"text": "x"}`, 403, 200, 404},
	"list-blackouts":        {"/blackouts", "", 200, 200, 200},
	"get-blackout":          {"/blackouts/1", "", 200, 200, 200},
	"list-channels":         {"/channels", "", 200, 200, 200},
	"create-channel":        {"/channels", `{"kind": "email", "name": "x", "settings": {"to": ["a@example.com"]}}`, 403, 201, 201},
	"get-channel":           {"/channels/{channel}", "", 200, 200, 404},
	"change-channel":        {"/channels/{channel}", `{"notify_on_late": true}`, 403, 200, 404},
	"delete-channel":        {"/channels/{spare channel}", "", 403, 204, 404},
	"list-policies":         {"/policies", "", 200, 200, 200},
	"create-policy":         {"/policies", `{"name": "{new policy}", "steps": [{"after": 0, "channels": ["{channel}"]}]}`, 403, 201, 422},
	"get-policy":            {"/policies/nights", "", 200, 200, 404},
	"change-policy":         {"/policies/nights", `{"default": true}`, 403, 200, 404},
	"delete-policy":         {"/policies/{spare policy}", "", 403, 204, 404},
	"list-notifications":    {"/heartbeats/{heartbeat}/notifications", "", 200, 200, 404},
	"list-maintenance":      {"/maintenance", "", 200, 200, 200},
	"create-maintenance":    {"/maintenance", `{"reason": "Upgrade", "tags": ["db"], "duration": "2h"}`, 403, 201, 201},
	"get-maintenance":       {"/maintenance/{maintenance}", "", 200, 200, 404},
	"change-maintenance":    {"/maintenance/{maintenance}", `{"reason": "Repair"}`, 403, 200, 404},
	"end-maintenance":       {"/maintenance/{ended maintenance}/end", "", 403, 200, 404},
	"extend-maintenance":    {"/maintenance/{maintenance}/extend", `{"for": "10m"}`, 403, 200, 404},
	"delete-maintenance":    {"/maintenance/{spare maintenance}", "", 403, 204, 404},
	"list-nodes":            {"/nodes", "", 403, 200, 200},
	"test-channel":          {"/channels/{channel}/test", "", 403, 200, 404},
	"retry-channel":         {"/channels/{channel}/retry", "", 403, 200, 404},
}

func TestAPI_EveryEndpointRequiresAKey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		ch, spareChannel := w.channel("Ops"), w.channel("spare")
		w.policy("Nights", ch)
		h := w.heartbeat("Backup")
		_, i := w.fail("Sync")
		_, open := w.fail("Report")
		w.ping(h, monitor.Ping{Kind: monitor.PingLog, Method: "POST", Body: []byte("log")})
		group, openGroup := w.group("a"), w.group("b")
		spare := w.heartbeat("spare")
		w.AddBlackout(time.Now().Add(-time.Minute), time.Now().Add(-30*time.Second), nil)
		// The key accepts id and ref: a caller who has the id already knows it.
		for _, names := range []*strings.Replacer{
			strings.NewReplacer("{heartbeat}", *h.ID, "{spare heartbeat}", *spare.ID, "{incident}", i.ID, "{open incident}", open.ID, "{group}", group, "{open group}", openGroup, "{channel}", ch.ID, "{spare channel}", spareChannel.ID,
				"{new policy}", "first", "{spare policy}", w.policy("spare", ch).ID,
				"{maintenance}", w.maintenance("a").ID, "{ended maintenance}", w.maintenance("b").ID, "{spare maintenance}", w.maintenance("c").ID),
			strings.NewReplacer("{heartbeat}", h.Ref, "{spare heartbeat}", w.heartbeat("another").Ref, "{incident}", i.ID, "{open incident}", open.ID, "{group}", group, "{open group}", openGroup, "{channel}", ch.ID, "{spare channel}", w.channel("another").ID, "put-by-test", "put-again",
				"{new policy}", "second", "{spare policy}", w.policy("another", ch).Slug,
				"{maintenance}", w.maintenance("d").ID, "{ended maintenance}", w.maintenance("e").ID, "{spare maintenance}", w.maintenance("f").ID),
		} {
			for _, op := range operations(t) {
				row, known := access[op.OperationID]
				if !known {
					t.Errorf("%s: no row in the table says who may", op.OperationID)
					continue
				}
				for _, c := range []struct {
					key  string
					want int
				}{{"none", 401}, {"wrong", 401}, {"other", row.other}, {"read-only", row.readOnly}, {"read-write", row.readWrite}} {
					if r := w.request(c.key, op.Method, Prefix+names.Replace(row.path), names.Replace(row.body)); r.status != c.want {
						t.Errorf("%s with key %s: %d, want %d\n%s", op.OperationID, c.key, r.status, c.want, r.body)
					}
				}
			}
		}
		requireNoIDs(t, w)
		requireAuditNamesKey(t, w)
	})
}

// requireAuditNamesKey fails the test when a change by a key is in the audit
// log without the key's id or the address that it came from.
func requireAuditNamesKey(t *testing.T, w *fixture) {
	t.Helper()
	byKeys := 0
	err := w.DB.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.RecentAuditEntries(w.owner.Project.Key, 1000)
		for _, e := range entries {
			if strings.HasPrefix(e.Actor, "API key ") {
				byKeys++
				if e.Kind != monitor.ActorAPIKey || e.ActorID == "" || e.Source != "192.0.2.1" {
					t.Errorf("an entry does not identify its key: %+v", e)
				}
			}
		}
		return err
	})
	if err != nil || byKeys == 0 {
		t.Errorf("%d entries by keys, %v", byKeys, err)
	}
}

// operations lists the operations of the document that require a key.
func operations(t *testing.T) []operation {
	t.Helper()
	var all []operation
	for path, item := range build(Options{BaseURL: testBaseURL}).huma.OpenAPI().Paths {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if o := operationOf(item, method); o != nil && !strings.HasPrefix(path, "/hb/") {
				all = append(all, operation{o.OperationID, method})
			}
		}
	}
	// Deletions come last; the others have a fixed order.
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(b.Method+b.OperationID, a.Method+a.OperationID) })
	if len(all) < len(access) {
		t.Errorf("%d operations for %d rows", len(all), len(access))
	}
	return all
}

type operation struct{ OperationID, Method string }

// requireNoIDs checks that the other project sees only its own objects.
func requireNoIDs(t *testing.T, w *fixture) {
	t.Helper()
	for _, h := range w.all("other") {
		if h.Name != "x" && h.Name != "put-by-test" && h.Name != "put-again" {
			t.Errorf("the other project sees %s", h.Name)
		}
	}
	if page, err := w.client("other").Incidents(t.Context(), client.IncidentQuery{}); err != nil || len(page.Items) != 0 {
		t.Error(err, page)
	}
	page, err := w.client("other").Channels(t.Context(), client.PageQuery{})
	if err != nil || len(page.Items) != 2 {
		t.Error(err, page)
	}
}

// all lists every heartbeat that a key sees.
func (w *fixture) all(key string) []client.Heartbeat {
	w.Helper()
	var all []client.Heartbeat
	for h, err := range w.client(key).AllHeartbeats(w.Context(), client.HeartbeatQuery{}) {
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

func TestAPI_AReadOnlyKeySeesNoPingURL(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h, i := w.fail("Backup")
		c := w.client("read-only")
		// The transport searches every response for the id.
		for _, path := range []string{"", "/" + h.Ref, "/" + *h.ID, "/" + *h.ID + "/why", "/" + *h.ID + "/pings"} {
			if r := w.request("read-only", "GET", "/api/v1/heartbeats"+path, ""); r.status != 200 {
				t.Errorf("%s: %d", path, r.status)
			}
		}
		got, err := c.Heartbeat(t.Context(), *h.ID)
		if err != nil || got.ID != nil || got.PingURL != nil || got.Ref != h.Ref || got.IncidentID == nil {
			t.Error(err, got)
		}
		detail, err := c.Incident(t.Context(), i.ID)
		if err != nil || detail.HeartbeatID != nil || detail.HeartbeatRef != h.Ref {
			t.Error(err, detail)
		}
	})
}

func TestAuthenticate_ARejectionSaysHowToGetAKey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for _, headers := range [][]string{{}, {"Authorization", "Basic b3ZkOm92ZA=="}, {"Authorization", "Bearer"}, {"Authorization", "Bearer ovd_x"}, {"Authorization", w.keys["read-write"]}} {
			r := w.request("none", "GET", "/api/v1/heartbeats", "", headers...)
			if p := problem(t, r); p.Status != 401 || !strings.Contains(p.Detail, "overdue api-key create") || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%q: %+v", headers, p)
			}
		}
		if r := w.request("none", "GET", "/api/v1/heartbeats", "", "Authorization", "bearer  "+w.keys["read-only"]); r.status != 200 {
			t.Errorf("the scheme's case matters: %d", r.status)
		}
		if p := problem(t, w.request("read-only", "POST", "/api/v1/heartbeats", "{}")); !strings.Contains(p.Detail, "read-write") {
			t.Errorf("%+v", p)
		}
	})
}

func TestServeHTTP_UnknownPathsAndMethodsAreProblems(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		for _, c := range []struct {
			method, path string
			status       int
			allow        string
		}{
			{"GET", "/api/v1/", 404, ""},
			{"GET", "/api/v1/heartbeat", 404, ""},
			{"GET", "/api/v1/heartbeats/", 404, ""},
			{"GET", "/api/v1/incidents/%00", 401, ""},
			{"DELETE", "/api/v1/heartbeats", 405, "GET, HEAD, POST"},
			{"OPTIONS", "/api/v1/heartbeats", 405, "GET, HEAD, POST"},
			{"POST", "/api/v1/heartbeats/x", 405, "DELETE, GET, HEAD, PATCH"},
			{"GET", "/api/v1/channels/x/test", 405, "POST"},
		} {
			r := w.request("none", c.method, c.path, "")
			if p := problem(t, r); p.Status != c.status || r.header.Get("Allow") != c.allow || r.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: %d, Allow %q", c.method, c.path, p.Status, r.header.Get("Allow"))
			}
		}
		for _, path := range []string{"heartbeats/%00", "heartbeats/%ff", "incidents/%00", "channels/%00", "heartbeats/" + strings.Repeat("x", 5000)} {
			if r := w.request("read-write", "GET", "/api/v1/"+path, ""); r.status != 404 {
				t.Errorf("%s: %s", path, strconv.Itoa(r.status))
			}
		}
	})
}

func TestProblem_InternalErrorsAreLoggedAndNotRevealed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		if err := w.DB.Close(); err != nil {
			t.Fatal(err)
		}
		r := w.request("read-write", "GET", "/api/v1/heartbeats", "", "X-Request-Id", "mine-1")
		p := problem(t, r)
		if p.Status < 500 || p.RequestID != "mine-1" || strings.Contains(r.body, "sql") || strings.Contains(r.body, "closed") {
			t.Errorf("%s", r.body)
		}
		if said := w.log.String(); !strings.Contains(said, "request_id=mine-1") || !strings.Contains(said, "closed") {
			t.Errorf("logged: %s", said)
		}
	})
}

func TestRegister_AKeyRevokedDuringItsRequestChangesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h := w.heartbeat("Backup")
		body, feed := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, w.url+Prefix+"/heartbeats/"+h.Ref, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.keys["read-write"])
		req.Header.Set("Content-Type", "application/json")
		go func() {
			_, _ = feed.Write([]byte(`{"grace": `))
			var keys []monitor.APIKey
			_ = w.DB.Update(t.Context(), func(tx *store.Tx) (err error) {
				if keys, err = tx.APIKeys(w.owner.Project.Key); err == nil {
					for _, k := range keys {
						_, err = tx.RevokeAPIKey(w.owner.Project.Key, k.ID, time.Now().UTC())
					}
				}
				return err
			})
			timer := time.NewTimer(keyRecheckAfter + keyRecheckAfter/2)
			<-timer.C
			_, _ = feed.Write([]byte(`"30m"}`))
			_ = feed.Close()
		}()
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("answered %d; want 401", answer.StatusCode)
		}
	})
}
