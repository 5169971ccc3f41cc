package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// reportFailure stores a failure of a heartbeat.
func (w *fixture) reportFailure(h monitor.Heartbeat) {
	w.Helper()
	w.ping(h, 0, monitor.Ping{Kind: monitor.PingFail, ExitCode: 1})
}

func TestStreamHeartbeats_ReportsMatchesOutsideThePage(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		var all []monitor.Heartbeat
		for n := range defaultPageSize + 3 {
			all = append(all, w.createHeartbeat(fmt.Sprintf("job %02d", n)))
		}
		page := w.get("member", "/heartbeats?sort=name")
		w.expectNone(page, `class="news"`)
		list := w.openStream("member", w.streamURL(page))
		w.reportFailure(all[defaultPageSize+1])
		list.expectEvent("part", `id="live-news"`, `href="/heartbeats?sort=name"`, "1 more is Down: show")
		list.expectEvent("announce", "more")
		w.reportFailure(all[defaultPageSize+2])
		list.expectEvent("part", "2 more are Down: show")
		w.createHeartbeat("zz late comer")
		list.expectEvent("part", "2 more are Down, 1 new: show")
		w.reportFailure(all[0])
		list.expectEvent("row", "job 00", `data-status="down"`)
		if err := w.service.DeleteHeartbeat(w.Context(), w.actor("member"), all[1].ID); err != nil {
			w.Fatal(err)
		}
		list.expectEvent("part", "2 more are Down, 1 new, 1 deleted: show")
		w.expectNone(w.get("member", "/heartbeats?sort=name"), `class="news"`)
	})
}

func TestStreamHeartbeats_NewsRespectTheFilter(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		w.createHeartbeat("backup one")
		other := w.createHeartbeat("sync one")
		list := w.openStream("member", w.streamURL(w.get("member", "/heartbeats?q=backup")))
		down := w.openStream("member", w.streamURL(w.get("member", "/heartbeats?status=down")))
		up := w.openStream("member", w.streamURL(w.get("member", "/heartbeats?status=up")))
		w.reportFailure(other)
		down.expectEvent("part", "live-news", "1 more is Down: show", `href="/heartbeats?status=down"`)
		w.createHeartbeat("backup two")
		news := list.expectEvent("part", "live-news", "show")
		if !strings.Contains(news, ">1 new: show<") || !strings.Contains(news, `href="/heartbeats?q=backup"`) {
			w.Errorf("the search field has %s", news)
		}
		w.ping(other, 0, monitor.Ping{})
		up.expectEvent("part", "live-news", "1 more matches: show")
	})
}

func TestStreamHeartbeats_AnEmptyListShowsTheFirstHeartbeat(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		for _, who := range []string{"member", "viewer"} {
			page := w.get(who, "/heartbeats")
			w.expectHTML(page, 200, "No heartbeats yet", `class="live"`)
			list := w.openStream(who, w.streamURL(page))
			h := w.createHeartbeat("first")
			list.expectEvent("part", "live-news", "1 new: show")
			if err := w.service.DeleteHeartbeat(w.Context(), w.actor("member"), h.ID); err != nil {
				w.Fatal(err)
			}
		}
	})
}

func TestStreamIncidents_ShowsANewIncident(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		empty := w.openStream("viewer", w.streamURL(w.get("viewer", "/incidents")))
		first, _ := w.failHeartbeat("backup", 0)
		empty.expectEvent("part", "live-news", `href="/incidents"`, "1 new: show")
		empty.expectEvent("announce", "1 new")
		list := w.openStream("viewer", w.streamURL(w.get("viewer", "/incidents?state=open&q=sync")))
		done := w.openStream("viewer", w.streamURL(w.get("viewer", "/incidents?state=resolved")))
		w.failHeartbeat("sync", 0)
		list.expectEvent("part", "live-news", "1 new: show", "state=open")
		w.ping(first, 0, monitor.Ping{})
		done.expectEvent("part", "live-news", "1 more matches: show")
	})
}

func TestStreamIncidents_UpdatesTheCountsOfOpenIncidents(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		first, _ := w.failHeartbeat("backup", 0)
		page := w.get("member", "/incidents?state=open")
		w.expectHTML(page, 200, `id="live-states"`, "Open 1")
		list := w.openStream("member", w.streamURL(page))
		_, i := w.failHeartbeat("sync", 0)
		list.expectEvent("part", `id="live-stats"`, "<dd>2</dd>", "Opened in 30 days")
		list.expectEvent("part", `id="live-states"`, "Open 2", `href="/incidents?state=open"`, `aria-current="true"`)
		if _, err := w.service.AcknowledgeIncident(w.Context(), w.actor("member"), i.ID); err != nil {
			w.Fatal(err)
		}
		list.expectEvent("part", `id="live-states"`, "Open 1", "Acknowledged 1")
		w.ping(first, 0, monitor.Ping{})
		list.expectEvent("part", `id="live-states"`, "Open", "Acknowledged 1")
	})
}

func TestStream_EveryLivePageHasOneWithNews(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		th := w.createResources(1)
		for _, rt := range w.site.routes() {
			if !strings.HasPrefix(rt.pattern, "GET ") || rt.isStream {
				continue
			}
			body := w.get("owner", th.path(rt.pattern)).body
			says, streams := strings.Contains(body, `class="live"`), strings.Contains(body, `data-live="/live/`)
			if says != streams {
				w.Errorf("%s: shows Live: %t, has a stream: %t", rt.pattern, says, streams)
			}
		}
	})
}

func TestAuthenticate_AnAutomaticRefreshDoesNotExtendTheSession(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.cookie("member")
		before := w.sessionSeen("member")
		w.update(func(tx *store.Tx) error {
			before.LastSeen = before.LastSeen.Add(-time.Hour)
			return tx.RecordSessionUse(before)
		})
		r := httptest.NewRequest(http.MethodGet, "/heartbeats", nil)
		r.Header.Set(refreshHeader, "1")
		w.expectHTML(w.send("member", r), 200, "Heartbeats")
		if after := w.sessionSeen("member"); !after.LastSeen.Equal(before.LastSeen) {
			w.Error("it counted as activity")
		}
		w.get("member", "/heartbeats")
		if after := w.sessionSeen("member"); after.LastSeen.Equal(before.LastSeen) {
			w.Error("a page view did not count as activity; the test proves nothing")
		}
	})
}

// sessionSeen returns the only session of a person.
func (w *fixture) sessionSeen(as string) (s monitor.Session) {
	w.Helper()
	id := w.person(as).ID
	w.update(func(tx *store.Tx) error {
		all, err := tx.Sessions(id, w.now())
		if err == nil && len(all) == 1 {
			s = all[0]
		}
		return err
	})
	return s
}
