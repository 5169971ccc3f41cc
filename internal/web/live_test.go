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

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/view"
)

// following is an open stream, as a browser has it.
type following struct {
	w      *world
	events chan string // "row: <li…", one a piece
	stop   context.CancelFunc
	code   int
}

// follow opens a stream as somebody.
func (w *world) follow(as, path string, headers ...string) *following {
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
	f := &following{w: w, events: make(chan string, 100), stop: cancel, code: resp.StatusCode}
	go f.read(resp)
	return f
}

// read takes the stream apart until it ends.
func (f *following) read(resp *http.Response) {
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

// next waits for an event of the kind that has all the texts.
func (f *following) next(kind string, texts ...string) string {
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
		case <-f.w.soon(10 * time.Second):
			f.w.Fatalf("no %s with %q came", kind, texts)
		}
	}
}

// soon ends after a time.
func (w *world) soon(d time.Duration) <-chan time.Time { return time.NewTimer(d).C }

// ended waits for the end of the stream.
func (f *following) ended() {
	f.w.Helper()
	for {
		select {
		case _, open := <-f.events:
			if !open {
				return
			}
		case <-f.w.soon(10 * time.Second):
			f.w.Fatal("the stream did not end")
		}
	}
}

// live is the address of a page's stream.
func (w *world) live(a answer) string {
	w.Helper()
	_, rest, found := strings.Cut(a.body, `data-live="`)
	path, _, _ := strings.Cut(rest, `"`)
	if !found || path == "" {
		w.Fatal("the page has no stream")
	}
	return path
}

func TestAPingTurnsTheOpenPagesUp(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		list := w.follow("viewer", w.live(w.get("viewer", "/heartbeats")))
		page := w.follow("member", w.live(w.get("member", "/heartbeats/"+h.ID)))
		w.hear(h, 0, monitor.Ping{})
		w.site.Feed.Changed([]int64{h.Key})
		row := list.next("row", `id="hb-`+h.Ref+`"`, `data-status="up"`, "Next ping expected in")
		if strings.Contains(row, h.ID) {
			w.Error("the stream tells a viewer what could ping")
		}
		list.next("announce", "backup is Up")
		page.next("row", `id="hb-`+h.ID+`-hero"`, `data-status="up"`)
		page.next("title", "backup · Up · Overdue")
		w.hear(h, 0, monitor.Ping{Kind: monitor.Fail})
		// Nobody pokes: another node took this one.
		list.next("row", `data-status="down"`)
		list.next("announce", "backup is Down")
		list.next("title", "(1 down) Heartbeats")
	})
}

func TestAStreamSendsWhatHappenedSinceThePageWasDrawnAndNoMore(t *testing.T) {
	onEach(t, func(w *world) {
		still, moved := w.heartbeat("still"), w.heartbeat("moved")
		path := w.live(w.get("viewer", "/heartbeats"))
		w.hear(moved, 0, monitor.Ping{})
		f := w.follow("viewer", path)
		if e := f.next("row"); !strings.Contains(e, moved.Ref) {
			w.Errorf("first came %s", e)
		}
		w.hear(moved, 0, monitor.Ping{Kind: monitor.Fail})
		if e := f.next("row"); strings.Contains(e, still.Ref) {
			w.Error("a row was sent that did not change")
		}
		// After a gap nobody knows what the page shows.
		again := w.follow("viewer", path, "Last-Event-ID", "7")
		again.next("row", still.Ref)
		again.next("row", moved.Ref)
	})
}

func TestIncidentPagesFollowWhatBecomesOfThem(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		h, i := w.failed("backup", time.Minute)
		list := w.follow("viewer", w.live(w.get("viewer", "/incidents")))
		page := w.follow("viewer", w.live(w.get("viewer", "/incidents/"+i.ID)))
		w.deliver(c, "sent", 200, "ok")
		list.next("row", "1 of 1 delivered")
		w.hear(h, 0, monitor.Ping{})
		w.site.Feed.Changed([]int64{h.Key})
		page.next("row", `id="inc-`+i.ID+`-hero"`, "Was Down for")
		list.next("row", "Resolved")
	})
}

func TestAStreamAsksWhoLooks(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		path := w.live(w.get("viewer", "/heartbeats"))
		if f := w.follow("", path); f.code != http.StatusUnauthorized {
			w.Errorf("nobody: %d", f.code)
		}
		if f := w.follow("stranger", "/live/heartbeats/"+h.Ref); f.code != http.StatusNotFound {
			w.Errorf("a stranger: %d", f.code)
		}
		// The list of a stranger's own project finds no such rows.
		f := w.follow("stranger", path, "Last-Event-ID", "1")
		w.hear(h, 0, monitor.Ping{})
		w.site.Feed.Changed([]int64{h.Key})
		w.site.Feed.Close()
		for e := range f.events {
			if strings.HasPrefix(e, "row") {
				w.Errorf("a stranger was sent %s", e)
			}
		}
	})
}

func TestAPageLeftOpenKeepsNoSessionAlive(t *testing.T) {
	onEach(t, func(w *world) {
		w.heartbeat("backup")
		path := w.live(w.get("viewer", "/heartbeats"))
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
		s.Seen, s.Ends = lately, lately.Add(monitor.SessionIdle)
		w.update(func(tx *store.Tx) error { return tx.SessionSeen(s) })
		f := w.follow("viewer", path)
		f.next("part")
		if after := session(); !after.Seen.Equal(lately) || !after.Ends.Equal(s.Ends) {
			w.Errorf("a stream was noted as a visit at %s, and the session ends at %s", after.Seen, after.Ends)
		}
		w.get("viewer", "/heartbeats")
		if after := session(); after.Ends.Before(w.now().Add(11 * time.Hour)) {
			w.Errorf("a visit was not noted: the session ends at %s", after.Ends)
		}
	})
}

func TestAServerThatStopsEndsItsStreams(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		f := w.follow("viewer", "/live/heartbeats/"+h.Ref)
		f.next("row", h.Ref)
		w.site.Feed.Close()
		f.ended()
		if late := w.follow("viewer", "/live/heartbeats/"+h.Ref); late.code != http.StatusServiceUnavailable {
			w.Errorf("a stopping server began a stream: %d", late.code)
		}
	})
}

func TestTheFeedNeverWaits(t *testing.T) {
	f := &Feed{}
	var ears []*ear
	for n := range maxLivePages {
		e, err := f.listen(owner{person: fmt.Sprint(n)}, []int64{1, 2})
		if err != nil {
			t.Fatal(err)
		}
		ears = append(ears, e)
	}
	if _, err := f.listen(owner{person: "one more"}, nil); err == nil {
		t.Error("a stream too many found a place")
	}
	for range 100 {
		f.Changed([]int64{2, 1, 3}) // nobody listens
	}
	for _, e := range ears {
		select {
		case <-e.poke:
		default:
			t.Fatal("a stream was not poked")
		}
		select {
		case <-e.poke:
			t.Fatal("a stream was poked twice")
		default:
		}
		f.forget(e)
	}
	if len(f.ears) != 0 || len(f.ears[allKeys]) != 0 {
		t.Errorf("the feed remembers %d streams under %d keys", len(f.ears[allKeys]), len(f.ears))
	}
	f.Changed([]int64{1})
	f.Close()
	f.Close()
}

// heartbeats adds as many, none of which has been heard of.
func (w *world) heartbeats(n int) (all []monitor.Heartbeat) {
	w.Helper()
	for i := range n {
		all = append(all, w.heartbeat(fmt.Sprint("job ", i)))
	}
	return all
}

func TestANewPingComesOnTopOfTheLogOfAnOpenPage(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, time.Minute, monitor.Ping{})
		page := w.get("viewer", "/heartbeats/"+h.Ref)
		failures := w.follow("viewer", w.live(w.get("viewer", "/heartbeats/"+h.Ref+"?kind=fail")))
		past := w.follow("viewer", w.live(w.get("viewer", "/heartbeats/"+h.Ref+"?before=1")))
		f := w.follow("viewer", w.live(page))
		w.hear(h, 0, monitor.Ping{Kind: monitor.Fail, ExitCode: 3, Body: []byte("no space left")})
		w.site.Feed.Changed([]int64{h.Key})
		log := f.next("part", `id="live-log"`)
		if newer, older := strings.Index(log, `id="ping-2"`), strings.Index(log, `id="ping-1"`); newer < 0 || older < newer {
			w.Errorf("the newer ping is at %d of the log, the older at %d", newer, older)
		}
		if strings.Contains(log, "<details open") {
			w.Error("a body opens by itself under somebody who reads")
		}
		f.next("part", `id="live-incidents"`, "Reported failure")
		f.next("part", `id="live-why"`, "Why it is Down")
		only := failures.next("part", `id="live-log"`, `id="ping-2"`)
		if strings.Contains(only, `id="ping-1"`) {
			w.Error("the log of the failures was sent a success")
		}
		for e := past.next("part"); !strings.Contains(e, `id="live-month"`); e = past.next("part") {
			if strings.Contains(e, `id="live-log"`) {
				w.Error("a page of older events was sent newer ones")
			}
		}
	})
}

func TestWhatAPageShowsAlreadyIsNotSentAgain(t *testing.T) {
	onEach(t, func(w *world) {
		h, i := w.failed("backup", time.Minute)
		w.heartbeats(fewHeartbeats)
		for _, path := range []string{"/heartbeats", "/heartbeats/" + h.Ref, "/incidents/" + i.ID} {
			f := w.follow("viewer", w.live(w.get("viewer", path)))
			w.site.Feed.Close()
			for e := range f.events {
				if strings.HasPrefix(e, "row") || strings.HasPrefix(e, "part") && !strings.Contains(e, `class="count"`) && !strings.Contains(e, "live-broken") && !strings.Contains(e, "live-month") {
					w.Errorf("%s was sent %s", path, e)
				}
			}
			w.site.Feed = &Feed{}
		}
	})
}

func TestTheNumbersAroundAnOpenPageFollow(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		all := w.heartbeats(fewHeartbeats)
		list := w.follow("viewer", w.live(w.get("viewer", "/heartbeats?status=new")))
		_, i := w.failed("other", time.Minute)
		page := w.follow("viewer", w.live(w.get("viewer", "/incidents/"+i.ID)))
		list.next("part", `id="live-tally"`, `data-status="down"`, "<b>1</b>", "/heartbeats?status=down", `aria-current="true"`)
		list.next("part", `id="live-unresolved"`, "1<span")
		w.update(func(tx *store.Tx) error {
			return tx.RecordDelivery(c.ID, []monitor.DeliveryResult{{Final: true}}, true, 1, w.now())
		})
		page.next("part", `id="live-broken"`, " failing")
		w.hear(all[0], 10*time.Minute, monitor.Ping{})
		list.next("part", `id="live-ahead"`, "1 ping is due")
	})
}

func TestAnIncidentPageTellsTheTimelineAndDeliveriesAsTheyCome(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		h, i := w.failed("backup", time.Minute)
		page := w.follow("viewer", w.live(w.get("viewer", "/incidents/"+i.ID)))
		w.deliver(c, "sent", 200, "ok")
		page.next("part", `id="live-timeline"`, "Alert delivered to ops")
		page.next("part", `id="live-deliveries"`, "Delivered", "200 ok")
		if a := w.post("member", "/incidents/"+i.ID+"/notes", url.Values{"note": {"The disk is full."}}); a.code != http.StatusSeeOther {
			w.Fatalf("note: %d", a.code)
		}
		page.next("part", `id="live-timeline"`, "The disk is full.")
		w.hear(h, 0, monitor.Ping{})
		page.next("part", `id="live-facts"`, "Resolved")
		// Those who were told of the opening are still to be told of the end.
		w.live(w.get("viewer", "/incidents/"+i.ID))
	})
}

func TestWhatMerelyTicksIsNoChange(t *testing.T) {
	now := time.Now().UTC()
	v := &visit{context: t.Context(), now: now, clock: view.Clock{Now: now, Zone: time.UTC}}
	page := view.HeartbeatPage{
		Heartbeat: view.Heartbeat{Key: "k", Status: "down", LastPing: now.Add(-time.Hour)},
		Incidents: []view.IncidentLine{{ID: "i", State: "open", Cause: "missed", Opened: now.Add(-time.Minute)}},
	}
	before, err := v.marked(page.Living())
	if err != nil {
		t.Fatal(err)
	}
	after, err := v.at(now.Add(90 * time.Second)).marked(page.Living())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after, cmp.AllowUnexported(shown{})); diff != "" {
		t.Errorf("90 seconds later (-before +after):\n%s", diff)
	}
}
