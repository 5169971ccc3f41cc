package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// fail makes a heartbeat report a failure.
func (w *world) fail(h monitor.Heartbeat) {
	w.Helper()
	w.hear(h, 0, monitor.Ping{Kind: monitor.Fail, ExitCode: 1})
}

func TestFollowList_SaysWhatIsNotOnThePage(t *testing.T) {
	onEach(t, func(w *world) {
		var all []monitor.Heartbeat
		for n := range usualPage + 3 {
			all = append(all, w.heartbeat(fmt.Sprintf("job %02d", n)))
		}
		page := w.get("member", "/heartbeats?sort=name")
		w.lacks(page, `class="news"`)
		list := w.follow("member", w.live(page))
		w.fail(all[usualPage+1])
		w.fail(all[usualPage+2])
		list.next("part", `id="live-news"`, `href="/heartbeats?sort=name"`, "2 more are Down: show")
		list.next("announce", "more")
		w.heartbeat("zz late comer")
		list.next("part", "2 more are Down, 1 new: show")
		w.fail(all[0])
		list.next("row", "job 00", `data-status="down"`)
		if err := w.desk.DeleteHeartbeat(w.Context(), w.actor("member"), all[1].ID); err != nil {
			w.Fatal(err)
		}
		list.next("part", "2 more are Down, 1 new, 1 deleted: show")
		w.lacks(w.get("member", "/heartbeats?sort=name"), `class="news"`)
	})
}

func TestFollowList_NewsRespectTheFilter(t *testing.T) {
	onEach(t, func(w *world) {
		w.heartbeat("backup one")
		other := w.heartbeat("sync one")
		list := w.follow("member", w.live(w.get("member", "/heartbeats?q=backup")))
		down := w.follow("member", w.live(w.get("member", "/heartbeats?status=down")))
		up := w.follow("member", w.live(w.get("member", "/heartbeats?status=up")))
		w.fail(other)
		down.next("part", "live-news", "1 more is Down: show", `href="/heartbeats?status=down"`)
		w.heartbeat("backup two")
		news := list.next("part", "live-news", "show")
		if !strings.Contains(news, ">1 new: show<") || !strings.Contains(news, `href="/heartbeats?q=backup"`) {
			w.Errorf("the bar of the search says %s", news)
		}
		w.hear(other, 0, monitor.Ping{})
		up.next("part", "live-news", "1 more matches: show")
	})
}

func TestFollowList_AnEmptyListShowsTheFirstHeartbeat(t *testing.T) {
	onEach(t, func(w *world) {
		for _, who := range []string{"member", "viewer"} {
			page := w.get(who, "/heartbeats")
			w.shows(page, 200, "No heartbeats yet", `class="live"`)
			list := w.follow(who, w.live(page))
			h := w.heartbeat("first")
			list.next("part", "live-news", "1 new: show")
			if err := w.desk.DeleteHeartbeat(w.Context(), w.actor("member"), h.ID); err != nil {
				w.Fatal(err)
			}
		}
	})
}

func TestFollowIncidents_ShowsANewIncident(t *testing.T) {
	onEach(t, func(w *world) {
		empty := w.follow("viewer", w.live(w.get("viewer", "/incidents")))
		first, _ := w.failed("backup", 0)
		empty.next("part", "live-news", `href="/incidents"`, "1 new: show")
		empty.next("announce", "1 new")
		list := w.follow("viewer", w.live(w.get("viewer", "/incidents?state=open&q=sync")))
		done := w.follow("viewer", w.live(w.get("viewer", "/incidents?state=resolved")))
		w.failed("sync", 0)
		list.next("part", "live-news", "1 new: show", "state=open")
		w.hear(first, 0, monitor.Ping{})
		done.next("part", "live-news", "1 more matches: show")
	})
}

func TestSpeak_NewsAreSaidOnceInAWhileAndTheLastOfThemAlways(t *testing.T) {
	s := &stream{}
	var said strings.Builder
	at := time.Unix(1e9, 0)
	for n := range 20 {
		var events bytes.Buffer
		s.speak(&events, fmt.Sprint(n+1, " new"), at.Add(time.Duration(n)*time.Second))
		said.WriteString(events.String())
	}
	if got := strings.Count(said.String(), "announce"); got != 2 {
		t.Errorf("said %d times in 20 s:\n%s", got, said.String())
	}
	if s.unsaid != "20 new" {
		t.Errorf("%q waits to be said", s.unsaid)
	}
}

func TestEveryPageThatSaysLiveHasAStreamWithItsNews(t *testing.T) {
	onEach(t, func(w *world) {
		th := w.things(1)
		for _, rt := range w.site.routes() {
			if !strings.HasPrefix(rt.pattern, "GET ") || rt.stream {
				continue
			}
			body := w.get("owner", th.path(rt.pattern)).body
			says, streams := strings.Contains(body, `class="live"`), strings.Contains(body, `data-live="/live/`)
			if says != streams {
				w.Errorf("%s: says Live %t, has a stream %t", rt.pattern, says, streams)
			}
		}
	})
}

func TestEnter_AListThatRefreshesItselfIsNoVisit(t *testing.T) {
	onEach(t, func(w *world) {
		w.cookie("member")
		before := w.sessionSeen("member")
		w.update(func(tx *store.Tx) error {
			before.Seen = before.Seen.Add(-time.Hour)
			return tx.SessionSeen(before)
		})
		r := httptest.NewRequest(http.MethodGet, "/heartbeats", nil)
		r.Header.Set(refreshHeader, "1")
		w.shows(w.send("member", r), 200, "Heartbeats")
		if after := w.sessionSeen("member"); !after.Seen.Equal(before.Seen) {
			w.Error("it counted as a visit")
		}
		w.get("member", "/heartbeats")
		if after := w.sessionSeen("member"); after.Seen.Equal(before.Seen) {
			w.Error("a visit did not count, so this proves nothing")
		}
	})
}

// sessionSeen returns a person's only session.
func (w *world) sessionSeen(as string) (s monitor.Session) {
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
