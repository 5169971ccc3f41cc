package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/httpd"
	"overdue/internal/web/view"
)

// How a stream behaves.
const (
	shortestPause = 250 * time.Millisecond // between two readings: at most 4 a second
	lookEvery     = 2 * time.Second        // for what other nodes changed
	breathEvery   = 20 * time.Second       // a comment, so that no proxy takes the stream for dead
	admitEvery    = 4 * time.Second        // whether the viewer is still signed in, with the same role
	longestSend   = 10 * time.Second       // a page that does not read loses its stream
	retryAfter    = "2000"                 // milliseconds until a browser connects again
)

// part is one piece of a page that is swapped when its facts change.
type part struct {
	key          string // names it within the stream
	event        string // that it is sent as; empty for a row
	facts        any    // what it was drawn from
	draw         func(view.Clock) templ.Component
	name, status string // of the heartbeat; a new status is said aloud
	aloud        string // said when the part changes, but not all the time
}

// scene is what a stream shows at one moment.
type scene struct {
	parts []part
	title string // of the document, empty to leave it
}

// mark is a short digest of facts: the page that was drawn from the same facts
// has the same.
func mark(facts any) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%+v", facts)
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// stream is one page that is kept up to date.
type stream struct {
	*visit
	keys []int64
	// look tells cheaply whether anything changed on other nodes: then its answer
	// differs from the one before. read tells how things stand.
	look func(ctx context.Context) (string, error)
	read func(ctx context.Context, now time.Time) (scene, error)

	seen   map[string]string // mark of each part as the page has it
	status map[string]string
	title  string
	pulse  string
	id     int
	spoke  time.Time // when news were said aloud
	unsaid string    // what waits to be
}

// run sends events until the visitor leaves, may not look any more, or the
// server stops. seen are the marks of what the page shows already.
func (s *stream) run(seen map[string]string) error {
	e, err := s.site.Feed.listen(s.liveOwner(), s.keys)
	if err != nil {
		return s.refuse(err)
	}
	defer s.site.Feed.forget(e)
	if s.r.Header.Get("Last-Event-ID") != "" || s.r.URL.Query().Has("again") {
		seen = nil // after a gap nobody knows what the page shows
	}
	s.seen, s.status = seen, map[string]string{}
	if s.seen == nil {
		s.seen = map[string]string{}
	}
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	s.w.WriteHeader(http.StatusOK)
	// What goes wrong from here on cannot be answered any more: the stream ends,
	// and the browser comes again. What was deleted meanwhile is missed then.
	if err := s.follow(e); err != nil && s.ctx().Err() == nil && !gone(err) {
		s.site.Log.Warn("live page ended", "error", err, "path", s.r.URL.Path)
	}
	// The end of the body is written now. Past the deadline of the last event it
	// would be missing, and the browser would report a broken connection.
	s.bound(http.NewResponseController(s.w))
	return nil
}

// bound gives the next write to the browser its deadline. Not every server can
// bound a write; those of tests cannot.
func (s *stream) bound(c *http.ResponseController) {
	_ = c.SetWriteDeadline(time.Now().Add(longestSend))
}

// refuse answers a page that finds no place with one line, which the script
// shows.
func (s *stream) refuse(err error) error {
	p, theirs := httpd.ProblemOf(err, func(field string) string { return field })
	if !theirs {
		return err
	}
	maps.Copy(s.w.Header(), p.GetHeaders())
	http.Error(s.w, p.Detail, p.Status)
	return nil
}

// follow is the life of the stream.
func (s *stream) follow(e *ear) error {
	look, breath, admit := time.NewTicker(lookEvery), time.NewTicker(breathEvery), time.NewTicker(admitEvery)
	defer look.Stop()
	defer breath.Stop()
	defer admit.Stop()
	// The stream begins to answer when it knows what it compares with.
	if err := s.refresh(); err != nil {
		return err
	}
	if err := s.send("retry: " + retryAfter + "\n\n"); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-s.ctx().Done():
			return nil
		case <-e.end:
			return nil
		case <-e.poke:
			err = s.refresh()
			s.rest(e)
		case <-look.C:
			err = s.peek()
		case <-breath.C:
			err = s.send(": still here\n\n")
		case <-admit.C:
			var why string
			if why, err = s.ending(); err == nil && why != "" {
				return s.bye(why)
			}
		}
		if err != nil {
			return err
		}
	}
}

// rest keeps a heartbeat that pings all the time from being drawn all the time.
func (s *stream) rest(e *ear) {
	pause := time.NewTimer(shortestPause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-e.end:
	case <-s.ctx().Done():
	}
}

// Why a live page ends while its viewer looks. The script knows these words.
const (
	endSignedOut = "signed-out"
	endRole      = "role"
)

// ending returns why the viewer may not look any longer, empty if they may.
func (s *stream) ending() (string, error) {
	role, signedIn, err := s.site.People.RoleNow(s.ctx(), s.actor.Project.Key, time.Now().UTC())
	switch {
	case err != nil:
		return "", err
	case !signedIn:
		return endSignedOut, nil
	case role != s.actor.Role:
		return endRole, nil // the page itself looks different: it must be loaded again
	}
	return "", nil
}

// bye sends the last event of a stream. The browser must not connect again.
func (s *stream) bye(why string) error {
	var last bytes.Buffer
	s.event(&last, "ended", why)
	return s.send(last.String())
}

// peek reads only if something changed.
func (s *stream) peek() error {
	if err := s.catchUp(time.Now().UTC()); err != nil {
		return err
	}
	pulse, err := s.look(s.ctx())
	if err != nil {
		return err
	}
	counts, _, err := s.site.counts(s.ctx(), s.actor, time.Now().UTC())
	if err != nil {
		return err
	}
	if pulse += fmt.Sprint(counts.Standing); pulse == s.pulse {
		return nil
	}
	s.pulse = pulse
	return s.refresh()
}

// refresh sends what is different from what the page shows.
func (s *stream) refresh() error {
	now := time.Now().UTC()
	found, err := s.read(s.ctx(), now)
	if err != nil {
		return err
	}
	around, err := s.navigation(s.ctx(), now)
	if err != nil {
		return err
	}
	found.parts = append(found.parts, around...)
	clock := view.Clock{Now: now, Zone: s.clock.Zone}
	var events bytes.Buffer
	for _, p := range found.parts {
		if err := s.compare(&events, p, clock); err != nil {
			return err
		}
	}
	if found.title != "" && found.title != s.title {
		if s.title != "" || events.Len() > 0 {
			s.event(&events, "title", found.title)
		}
		s.title = found.title
	}
	if events.Len() == 0 {
		return nil
	}
	return s.send(events.String())
}

// compare writes the events of a part whose facts have changed.
func (s *stream) compare(events *bytes.Buffer, p part, clock view.Clock) error {
	m := mark(p.facts)
	before, known := s.status[p.key]
	s.status[p.key] = p.status
	if s.seen[p.key] == m {
		return nil
	}
	s.seen[p.key] = m
	var html bytes.Buffer
	if err := p.draw(clock).Render(s.ctx(), &html); err != nil {
		return fmt.Errorf("part of a live page: %w", err)
	}
	s.event(events, cmp.Or(p.event, "row"), html.String())
	if p.key == aside+"news" {
		s.speak(events, p.aloud, clock.Now)
	}
	if known && before != p.status && p.name != "" {
		s.event(events, "announce", view.Announcement(p.name, p.status))
	}
	return nil
}

// event writes one event, see the HTML standard, 9.2.6: each line of its data
// is a field of its own, and its id tells after a gap that there was a stream.
func (s *stream) event(to *bytes.Buffer, name, data string) {
	s.id++
	fmt.Fprintf(to, "id: %d\nevent: %s\n", s.id, name)
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\r", " "), "\n") {
		to.WriteString("data: " + line + "\n")
	}
	to.WriteByte('\n')
}

// send writes to the browser at once.
func (s *stream) send(text string) error {
	c := http.NewResponseController(s.w)
	s.bound(c)
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return c.Flush()
}
