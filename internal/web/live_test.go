package web

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/live"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/incidentview"
	"overdue/internal/web/view/ui"
)

// eventStream is an open stream.
type eventStream struct {
	w      *fixture
	events chan string // "row: <li…", one a piece
	stop   context.CancelFunc
	code   int
}

// openStream opens a stream as a person.
func (w *fixture) openStream(as, path string, headers ...string) *eventStream {
	w.Helper()
	srv := httptest.NewServer(w.site)
	w.Cleanup(srv.Close)
	ctx, cancel := context.WithCancel(w.Context())
	w.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+strings.ReplaceAll(path, "&amp;", "&"), nil)
	if err != nil {
		w.Fatal(err)
	}
	if as != "" {
		r.AddCookie(w.cookie(as))
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		w.Fatal(err)
	}
	f := &eventStream{w: w, events: make(chan string, 100), stop: cancel, code: resp.StatusCode}
	go f.read(resp)
	return f
}

// read parses the events until the stream ends.
func (f *eventStream) read(resp *http.Response) {
	defer close(f.events)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	name, data := "", ""
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "" && name != "":
			f.events <- name + ": " + data
			name, data = "", ""
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data += line[len("data: "):] + "\n"
		}
	}
}

// expectEvent waits for an event of this kind that contains all texts.
func (f *eventStream) expectEvent(kind string, texts ...string) string {
	f.w.Helper()
	for {
		select {
		case e, open := <-f.events:
			if !open {
				f.w.Fatalf("the stream ended; want %s with %q", kind, texts)
			}
			if !strings.HasPrefix(e, kind+": ") {
				continue
			}
			missing := false
			for _, text := range texts {
				missing = missing || !strings.Contains(e, text)
			}
			if !missing {
				return e
			}
		case <-f.w.timerAfter(10 * time.Second):
			f.w.Fatalf("no event %s with %q", kind, texts)
		}
	}
}

// timerAfter returns a channel that receives after d.
func (w *fixture) timerAfter(d time.Duration) <-chan time.Time { return time.NewTimer(d).C }

// expectEnd waits for the end of the stream.
func (f *eventStream) expectEnd() {
	f.w.Helper()
	for {
		select {
		case _, open := <-f.events:
			if !open {
				return
			}
		case <-f.w.timerAfter(10 * time.Second):
			f.w.Fatal("the stream did not end")
		}
	}
}

// streamURL returns the address of the stream of a page.
func (w *fixture) streamURL(a response) string {
	w.Helper()
	_, rest, found := strings.Cut(a.body, `data-live="`)
	path, _, _ := strings.Cut(rest, `"`)
	if !found || path == "" {
		w.Fatal("the page has no stream")
	}
	return path
}

func TestStreamHeartbeat_APingTurnsThePageUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		list := w.openStream("viewer", w.streamURL(w.get("viewer", "/heartbeats")))
		page := w.openStream("member", w.streamURL(w.get("member", "/heartbeats/"+h.ID)))
		w.ping(h, 0, monitor.Ping{})
		w.site.Feed.Changed([]int64{h.Key})
		row := list.expectEvent("row", `id="hb-`+h.Ref+`"`, `data-status="up"`, "Next ping expected in")
		if strings.Contains(row, h.ID) {
			w.Error("the stream contains a ping URL for a viewer")
		}
		list.expectEvent("announce", "backup is Up")
		page.expectEvent("row", `id="hb-`+h.ID+`-hero"`, `data-status="up"`)
		page.expectEvent("title", "backup · Up · Overdue")
		w.ping(h, 0, monitor.Ping{Kind: monitor.PingFail})
		// No signal: another node received this ping.
		list.expectEvent("row", `data-status="down"`)
		list.expectEvent("announce", "backup is Down")
		list.expectEvent("title", "(1 down) Heartbeats")
	})
}

func TestStreamHeartbeats_SendsOnlyChangesSinceThePage(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		still, moved := w.createHeartbeat("still"), w.createHeartbeat("moved")
		path := w.streamURL(w.get("viewer", "/heartbeats"))
		w.ping(moved, 0, monitor.Ping{})
		f := w.openStream("viewer", path)
		if e := f.expectEvent("row"); !strings.Contains(e, moved.Ref) {
			w.Errorf("the first event was %s", e)
		}
		w.ping(moved, 0, monitor.Ping{Kind: monitor.PingFail})
		if e := f.expectEvent("row"); strings.Contains(e, still.Ref) {
			w.Error("an unchanged row was sent")
		}
		// After a gap it is unknown what the page shows.
		again := w.openStream("viewer", path, "Last-Event-ID", "7")
		again.expectEvent("row", still.Ref)
		again.expectEvent("row", moved.Ref)
	})
}

func TestStreamIncident_ShowsStateChanges(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		h, i := w.failHeartbeat("backup", time.Minute)
		list := w.openStream("viewer", w.streamURL(w.get("viewer", "/incidents")))
		page := w.openStream("viewer", w.streamURL(w.get("viewer", "/incidents/"+i.ID)))
		w.recordDelivery(c, "sent", 200, "ok")
		list.expectEvent("row", "1 of 1 delivered")
		w.ping(h, 0, monitor.Ping{})
		w.site.Feed.Changed([]int64{h.Key})
		page.expectEvent("row", `id="inc-`+i.ID+`-hero"`, "Was Down for")
		list.expectEvent("row", "Resolved")
	})
}

func TestStream_RequiresAuthorization(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		path := w.streamURL(w.get("viewer", "/heartbeats"))
		if f := w.openStream("", path); f.code != http.StatusUnauthorized {
			w.Errorf("without a session: %d", f.code)
		}
		if f := w.openStream("stranger", "/live/heartbeats/"+h.Ref); f.code != http.StatusNotFound {
			w.Errorf("a stranger: %d", f.code)
		}
		// The stranger's list does not contain these rows.
		f := w.openStream("stranger", path, "Last-Event-ID", "1")
		w.ping(h, 0, monitor.Ping{})
		w.site.Feed.Changed([]int64{h.Key})
		w.site.Feed.Close()
		for e := range f.events {
			if strings.HasPrefix(e, "row") {
				w.Errorf("a stranger received %s", e)
			}
		}
	})
}

// TestStream_SharesOnlyWhatItsViewersSee: people with the same page share its updates. They
// must have the same project and role, and no form may name another person.
func TestStream_SharesOnlyWhatItsViewersSee(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		w.member("second", auth.Member)
		h := w.createHeartbeat("backup")
		other, err := w.service.CreateHeartbeat(w.Context(), w.actor("stranger"), manage.HeartbeatEdit{Name: new("secret"), Interval: new("1h"), Grace: new("10m")})
		if err != nil {
			w.Fatal(err)
		}
		lists := "/live/heartbeats?of=" + h.Ref + ".1~" + other.Ref + ".1" // of both projects
		people := []string{"viewer", "member", "second", "stranger"}
		open, pages := map[string]*eventStream{}, map[string]*eventStream{}
		for _, as := range people {
			open[as] = w.openStream(as, lists, "Last-Event-ID", "1")
			if as != "stranger" {
				pages[as] = w.openStream(as, "/live/heartbeats/"+h.Ref)
			}
		}
		for _, as := range people {
			own, foreign := h, other
			if as == "stranger" {
				own, foreign = other, h
			}
			row := open[as].expectEvent("row", own.Name)
			if strings.Contains(row, foreign.Name) {
				w.Errorf("%s got a row of another project: %s", as, row)
			}
			if canSelect := strings.Contains(row, "checkbox"); canSelect != (as != "viewer") {
				w.Errorf("%s got the row of another role: %s", as, row)
			}
		}
		for as, project := range map[string]string{"owner": "main", "stranger": "elsewhere"} { // both are owners
			if title := w.openStream(as, "/live/heartbeats?of=-down.1").expectEvent("title"); !strings.Contains(title, project) {
				w.Errorf("%s got %s of another project", as, title)
			}
		}
		w.ping(h, 0, monitor.Ping{Kind: monitor.PingFail})
		w.site.Feed.Changed([]int64{h.Key})
		for as, page := range pages {
			hero := page.expectEvent("row", `data-status="down"`)
			if sees := strings.Contains(hero, h.ID); sees != (as != "viewer") {
				w.Errorf("%s sees the ping URL: %t", as, sees)
			}
			if as == "viewer" {
				continue
			}
			part := page.expectEvent("part", `id="live-actions"`)
			for _, name := range people {
				if named := strings.Contains(part, w.person(name).ID); named != (name == as) {
					w.Errorf("the forms of %s name %s: %t", as, name, named)
				}
			}
		}
		for as, list := range open {
			if as == "stranger" {
				continue
			}
			if row := list.expectEvent("row", `data-status="down"`); strings.Contains(row, other.Name) {
				w.Errorf("%s got a row of another project: %s", as, row)
			}
		}
	})
}

func TestStream_DoesNotExtendTheSession(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		w.createHeartbeat("backup")
		path := w.streamURL(w.get("viewer", "/heartbeats"))
		lately := w.now().Add(-11 * time.Hour)
		viewer := w.person("viewer").ID
		session := func() (s monitor.Session) {
			w.update(func(tx *store.Tx) error {
				all, err := tx.Sessions(viewer, w.now())
				if err == nil {
					s = all[0]
				}
				return err
			})
			return s
		}
		s := session()
		s.LastSeen, s.ExpiresAt = lately, lately.Add(monitor.SessionIdleTimeout)
		w.update(func(tx *store.Tx) error { return tx.RecordSessionUse(s) })
		f := w.openStream("viewer", path)
		f.expectEvent("part")
		if after := session(); !after.LastSeen.Equal(lately) || !after.ExpiresAt.Equal(s.ExpiresAt) {
			w.Errorf("a stream counted as activity at %s; the session ends at %s", after.LastSeen, after.ExpiresAt)
		}
		w.get("viewer", "/heartbeats")
		if after := session(); after.ExpiresAt.Before(w.now().Add(11 * time.Hour)) {
			w.Errorf("a page view did not count as activity: the session ends at %s", after.ExpiresAt)
		}
	})
}

func TestFeed_CloseEndsAllStreams(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		f := w.openStream("viewer", "/live/heartbeats/"+h.Ref)
		f.expectEvent("row", h.Ref)
		w.site.Feed.Close()
		f.expectEnd()
		if late := w.openStream("viewer", "/live/heartbeats/"+h.Ref); late.code != http.StatusServiceUnavailable {
			w.Errorf("a stopping server started a stream: %d", late.code)
		}
	})
}

// createHeartbeats creates n heartbeats without pings.
func (w *fixture) createHeartbeats(n int) (all []monitor.Heartbeat) {
	w.Helper()
	for i := range n {
		all = append(all, w.createHeartbeat(fmt.Sprint("job ", i)))
	}
	return all
}

func TestStreamHeartbeat_ANewPingLeadsTheLog(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, time.Minute, monitor.Ping{})
		page := w.get("viewer", "/heartbeats/"+h.Ref)
		failures := w.openStream("viewer", w.streamURL(w.get("viewer", "/heartbeats/"+h.Ref+"?kind=fail")))
		past := w.openStream("viewer", w.streamURL(w.get("viewer", "/heartbeats/"+h.Ref+"?before=1")))
		f := w.openStream("viewer", w.streamURL(page))
		w.ping(h, 0, monitor.Ping{Kind: monitor.PingFail, ExitCode: 3, Body: []byte("no space left")})
		w.site.Feed.Changed([]int64{h.Key})
		f.expectEvent("part", `id="live-why"`, "Why it is Down")
		log := f.expectEvent("part", `id="live-log"`)
		if newer, older := strings.Index(log, `id="run-2"`), strings.Index(log, `id="run-1"`); newer < 0 || older < newer {
			w.Errorf("the newer ping is at %d of the log, the older at %d", newer, older)
		}
		if strings.Contains(log, "<details open") {
			w.Error("a body opens without a click")
		}
		f.expectEvent("part", `id="live-incidents"`, "Reported failure")
		only := failures.expectEvent("part", `id="live-log"`, `id="run-2"`)
		if strings.Contains(only, `id="run-1"`) {
			w.Error("the log of failures received a success")
		}
		for e := past.expectEvent("part"); !strings.Contains(e, `id="live-incidents"`); e = past.expectEvent("part") {
			if strings.Contains(e, `id="live-log"`) {
				w.Error("a page of older events received newer ones")
			}
		}
	})
}

func TestStream_DoesNotRepeatWhatThePageShows(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		h, i := w.failHeartbeat("backup", time.Minute)
		w.createHeartbeats(summaryMinHeartbeats)
		for _, path := range []string{"/heartbeats", "/heartbeats/" + h.Ref, "/incidents/" + i.ID} {
			f := w.openStream("viewer", w.streamURL(w.get("viewer", path)))
			w.site.Feed.Close()
			for e := range f.events {
				if strings.HasPrefix(e, "row") || strings.HasPrefix(e, "part") && !strings.Contains(e, `class="count"`) && !strings.Contains(e, "live-failing-channels") && !strings.Contains(e, "live-month") {
					w.Errorf("%s was sent %s", path, e)
				}
			}
			w.site.Feed = &live.Feed{}
		}
	})
}

func TestStream_UpdatesTheNavigationCounts(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		all := w.createHeartbeats(summaryMinHeartbeats)
		list := w.openStream("viewer", w.streamURL(w.get("viewer", "/heartbeats?status=new")))
		_, i := w.failHeartbeat("other", time.Minute)
		page := w.openStream("viewer", w.streamURL(w.get("viewer", "/incidents/"+i.ID)))
		list.expectEvent("part", `id="live-tally"`, `data-status="down"`, "<b>1</b>", "/heartbeats?status=down", `aria-current="true"`)
		list.expectEvent("part", `id="live-unresolved"`, "1<span")
		w.update(func(tx *store.Tx) error {
			return tx.RecordDelivery(c.ID, []monitor.DeliveryResult{{Permanent: true}}, true, 1, w.now())
		})
		page.expectEvent("part", `id="live-failing-channels"`, " failing")
		w.ping(all[0], 10*time.Minute, monitor.Ping{})
		list.expectEvent("part", `id="live-ahead"`, "1 ping is due")
	})
}

func TestStreamIncident_UpdatesTimelineAndDeliveries(t *testing.T) {
	t.Parallel()
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		h, i := w.failHeartbeat("backup", time.Minute)
		page := w.openStream("viewer", w.streamURL(w.get("viewer", "/incidents/"+i.ID)))
		w.recordDelivery(c, "sent", 200, "ok")
		page.expectEvent("part", `id="live-timeline"`, "Alert delivered to ops")
		page.expectEvent("part", `id="live-deliveries"`, "Delivered", "200 ok")
		if a := w.post("member", "/incidents/"+i.ID+"/notes", url.Values{"note": {"The disk is full."}}); a.code != http.StatusSeeOther {
			w.Fatalf("note: %d", a.code)
		}
		page.expectEvent("part", `id="live-timeline"`, "The disk is full.")
		w.ping(h, 0, monitor.Ping{})
		page.expectEvent("part", `id="live-facts"`, "Resolved")
		// The alert of the resolution is still pending.
		w.streamURL(w.get("viewer", "/incidents/"+i.ID))
	})
}

func TestStream_AClockTickIsNoChange(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	req := &request{context: t.Context(), now: now, clock: ui.Clock{Now: now, Zone: time.UTC}}
	page := heartbeatview.DetailPage{
		Heartbeat: heartbeatview.Heartbeat{Key: "k", Status: "down", LastPing: now.Add(-time.Hour)},
		Incidents: []incidentview.Row{{ID: "i", State: "open", Cause: "missed", Opened: now.Add(-time.Minute)}},
	}
	before, err := req.fragmentRefs(page.Fragments())
	if err != nil {
		t.Fatal(err)
	}
	after, err := req.atTime(now.Add(90 * time.Second)).fragmentRefs(page.Fragments())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("90 seconds later (-before +after):\n%s", diff)
	}
}
