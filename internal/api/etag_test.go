package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// createForETag returns the path of a new heartbeat.
func (w *fixture) createForETag(t *testing.T) string {
	t.Helper()
	r := w.request("read-write", "POST", "/api/v1/heartbeats", `{"name": "backup", "interval": 3600}`)
	if r.status != http.StatusCreated {
		t.Fatal(r.status, r.body)
	}
	return r.header.Get("Location")[len(testBaseURL):]
}

func TestIfMatch_AStaleHeartbeatChangeIsRejected(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		path := w.createForETag(t)
		first := w.request("read-write", "GET", path, "")
		tag := first.header.Get("ETag")
		_, ref, _ := strings.Cut(first.body, `"ref":"`)
		ref, _, _ = strings.Cut(ref, `"`)
		if again := w.request("read-only", "GET", "/api/v1/heartbeats/"+ref, "").header.Get("ETag"); tag == "" || tag != again {
			t.Fatalf("the tags are %q and %q", tag, again)
		}
		if r := w.request("read-write", "PATCH", path, `{"grace": "20m"}`, "If-Match", tag); r.status != 200 || r.header.Get("ETag") == tag {
			t.Errorf("%d, ETag %q", r.status, r.header.Get("ETag"))
		}
		for _, stale := range []string{tag, `W/` + tag, `"x", ` + tag, "x"} {
			if r := w.request("read-write", "PATCH", path, `{"grace": "30m"}`, "If-Match", stale); r.status != http.StatusPreconditionFailed {
				t.Errorf("If-Match %s: %d %s", stale, r.status, r.body)
			}
		}
		now := w.request("read-write", "GET", path, "").header.Get("ETag")
		for _, good := range []string{"NOW", `"x", NOW`, "*", ""} {
			good = strings.ReplaceAll(good, "NOW", now)
			if r := w.request("read-write", "PATCH", path, `{"grace": "40m"}`, "If-Match", good); r.status != 200 {
				t.Errorf("If-Match %s: %d %s", good, r.status, r.body)
			}
			now = w.request("read-write", "GET", path, "").header.Get("ETag")
		}
		if r := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/fresh", `{"interval": 60}`); r.status != 201 || r.header.Get("ETag") == "" {
			t.Errorf("%d, ETag %q", r.status, r.header.Get("ETag"))
		}
		if r := w.request("read-write", "PUT", "/api/v1/heartbeats/by-slug/fresh", `{"interval": 90}`, "If-Match", tag); r.status != http.StatusPreconditionFailed {
			t.Errorf("PUT: %d %s", r.status, r.body)
		}
	})
}

func TestGetHeartbeatBySlug_ReturnsTheSameHeartbeatAsTheID(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		path := w.createForETag(t)
		for _, key := range []string{"read-write", "read-only"} {
			bySlug := w.request(key, "GET", "/api/v1/heartbeats/by-slug/backup", "")
			if bySlug.status != 200 || !strings.Contains(bySlug.body, `"slug":"backup"`) || strings.Contains(bySlug.body, `"ping_url":null`) != (key == "read-only") {
				t.Errorf("%s: %d %s", key, bySlug.status, bySlug.body)
			}
			if tag := w.request("read-write", "GET", path, "").header.Get("ETag"); tag == "" || bySlug.header.Get("ETag") != tag {
				t.Errorf("%s: ETag %q; want that of the id, %q", key, bySlug.header.Get("ETag"), tag)
			}
		}
		h, err := w.client("read-write").HeartbeatBySlug(t.Context(), "backup")
		if err != nil || h.Slug != "backup" {
			t.Errorf("client: %+v, %v", h, err)
		}
		// The name of a path below an id is a valid slug, too.
		for slug, status := range map[string]int{"unknown": 404, "pings": 404, "why": 404, "%00": 404} {
			if r := w.request("read-write", "GET", "/api/v1/heartbeats/by-slug/"+slug, ""); r.status != status {
				t.Errorf("%s: %d %s; want %d", slug, r.status, r.body, status)
			}
		}
		if r := w.request("read-write", "DELETE", "/api/v1/heartbeats/by-slug/backup", ""); r.status != 405 || !strings.Contains(r.header.Get("Allow"), "GET") || !strings.Contains(r.header.Get("Allow"), "PUT") {
			t.Errorf("DELETE: %d, Allow %q", r.status, r.header.Get("Allow"))
		}
	})
}

func TestIfMatch_AStaleChannelChangeIsRejected(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		made := w.request("read-write", "POST", "/api/v1/channels", `{"kind": "webhook", "name": "ops", "settings": {"url": "https://example.com/x"}}`)
		path, tag := made.header.Get("Location")[len(testBaseURL):], made.header.Get("ETag")
		if r := w.request("read-write", "PATCH", path, `{"settings": {"secret": null}}`, "If-Match", tag); r.status != 200 || r.header.Get("ETag") == tag {
			t.Errorf("%d %s, ETag %q", r.status, r.body, r.header.Get("ETag"))
		}
		if r := w.request("read-write", "PATCH", path, `{"name": "late"}`, "If-Match", tag); r.status != http.StatusPreconditionFailed {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

func TestIfMatch_OfConcurrentChangesOneSucceeds(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		path := w.createForETag(t)
		tag := w.request("read-write", "GET", path, "").header.Get("ETag")
		var statuses [8]int
		var all sync.WaitGroup
		for n := range statuses {
			all.Go(func() {
				statuses[n] = w.request("read-write", "PATCH", path, fmt.Sprintf(`{"description": "by %d"}`, n), "If-Match", tag).status
			})
		}
		all.Wait()
		count := map[int]int{}
		for _, status := range statuses {
			count[status]++
		}
		if count[200] != 1 || count[412] != len(statuses)-1 {
			t.Errorf("the answers are %v; want one 200, the rest 412", statuses)
		}
	})
}
