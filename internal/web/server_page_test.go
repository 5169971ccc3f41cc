package web

import (
	"context"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"overdue/internal/store"
	"overdue/internal/web/view/paths"
)

// publishNode stores what a node publishes. The last one is the node that serves the page.
func (w *fixture) publishNode(id, host string, seen time.Time) {
	w.Helper()
	w.db.SetNode(id)
	w.db.SetNodeInfo(host, "1.0.0", seen.Add(-time.Hour))
	w.update(func(tx *store.Tx) error {
		return tx.PublishWatermark(seen, store.Watermark{All: seen, Default: seen.Add(-40 * time.Millisecond)})
	})
}

func TestServer_ShowsEveryNodeToOwnersOnly(t *testing.T) {
	onEach(t, func(w *fixture) {
		const hostile = "<img src=x onerror=alert(1)>\u202e"
		w.publishNode("dead-node", "gone", w.db.Now().Add(-26*time.Second))
		w.publishNode("hostile-node", hostile, w.db.Now())
		w.publishNode("own-node-of-this-process", "ovd-1", w.db.Now())
		w.site.ServerStatus = func(context.Context) (ServerStatus, error) {
			return ServerStatus{
				Shared: w.db.IsShared(), Ready: true, Answer: "HTTP/1.1 200 OK\n\nready",
				Canary: CanaryStatus{Enabled: true, Interval: time.Minute, Bound: 10 * time.Second, Rounds: []CanaryRound{{At: w.now(), Took: 240 * time.Millisecond}}},
				Checks: []ReadinessCheck{{Name: "storing pings", Detail: "stored"}, {Name: "delivering alerts", Warning: true, Detail: "alerts are waiting"}},
				Targets: []PingTarget{
					{Address: "https://b.example", IsPair: true, Project: w.project.Key, Ref: "hbr_1", Name: "Overdue at b.example", Status: "up"},
					{Address: "https://c.example", IsPair: true, Project: w.otherProject.Key, Ref: "hbr_2", Name: "Overdue at c.example", Status: "up"},
				},
			}, nil
		}
		page := w.get("owner", paths.Server)
		w.expectHTML(page, 200, "This node is ready. 2 of 3 nodes work.", ">ovd-1<", "This node", "own-node", "Not seen for", ">26s<", "40\u00a0ms",
			"&lt;img src=x onerror=alert(1)&gt;", "The last 1 alert of the canary", "alerts are waiting", "https://b.example", `href="/heartbeats/hbr_1"`, "https://c.example",
			"GET "+testBaseURL+"/readyz", "/live/server?")
		if strings.Contains(page.body, "<img src=x") || strings.Contains(page.body, "hbr_2") || strings.Contains(page.body, "Overdue at c.example") {
			w.Error("the page has HTML of a host name, or a heartbeat of a project that the person does not belong to")
		}
		if needs := strings.Contains(page.body, "A second node requires PostgreSQL"); needs == w.db.IsShared() {
			w.Errorf("a second node requires PostgreSQL: %t on a database that is shared: %t", needs, w.db.IsShared())
		}
		for _, who := range []string{"admin", "member", "viewer"} {
			if a := w.get(who, paths.Server); a.code != 403 || strings.Contains(a.body, "ovd-1") {
				w.Errorf("%s got %d", who, a.code)
			}
		}
	})
}

func TestServer_TheSidebarLinksToItForOwnersOnly(t *testing.T) {
	onEach(t, func(w *fixture) {
		for who, want := range map[string]bool{"owner": true, "admin": false, "member": false, "viewer": false} {
			if a := w.get(who, "/heartbeats"); strings.Contains(a.body, `href="/server"`) != want {
				w.Errorf("%s sees the link: %t; want %t", who, !want, want)
			}
		}
	})
}

func TestStreamServer_UpdatesFiguresEverySecondAndEndsForOthers(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.publishNode("own", "ovd-1", w.db.Now())
		var problem atomic.Bool
		w.site.ServerStatus = func(context.Context) (ServerStatus, error) {
			return ServerStatus{Ready: !problem.Load(), Answer: "HTTP/1.1 200 OK"}, nil
		}
		page := w.get("owner", paths.Server)
		stream := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(page.body)
		if stream == nil {
			w.Fatal("the page has no stream")
		}
		began := time.Now()
		f := w.openStream("owner", stream[1])
		problem.Store(true)
		f.expectEvent("part", `id="live-server-summary"`, "This node is not ready.")
		problem.Store(false)
		f.expectEvent("part", `id="live-server-summary"`, "This node is ready.")
		if took := time.Since(began); took > 5*time.Second {
			w.Errorf("two changes took %s; want one second each", took)
		}
		if e := w.openStream("admin", stream[1]); e.code != 403 {
			w.Errorf("an admin got %d; want 403", e.code)
		}
	})
}

func TestServerNode_StatesOfANode(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	good := store.Node{ID: "n", Host: "h", Version: "1", Started: now.Add(-time.Hour), Seen: now, LastCommit: now, SkewKnown: true, Alive: true}
	for want, change := range map[string]func(*store.Node){
		"ready":       func(n *store.Node) { n.Skew = -time.Second },
		"clock-off":   func(n *store.Node) { n.Skew = -30 * time.Second },
		"not-storing": func(n *store.Node) { n.LastCommit = now.Add(-20 * time.Second) },
		"not-ready":   func(n *store.Node) { n.Own = true },
		"dead":        func(n *store.Node) { n.Alive = false },
	} {
		n := good
		change(&n)
		if got := serverNode(n, false, "1"); got.State != want || got.OtherVersion {
			t.Errorf("%+v; want %s", got, want)
		}
	}
	old := serverNode(store.Node{ID: "n", Seen: now, Alive: true}, true, "1")
	if old.State != "ready" || old.ClockOff || !old.OtherVersion {
		t.Errorf("a node of an earlier version: %+v", old)
	}
}
