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
	minRefreshInterval   = 250 * time.Millisecond // between two readings: at most 4 a second
	pollInterval         = 2 * time.Second        // for what other nodes changed
	keepAliveInterval    = 20 * time.Second       // a comment, so that no proxy takes the stream for dead
	sessionCheckInterval = 4 * time.Second        // whether the viewer is still signed in, with the same role
	writeTimeout         = 10 * time.Second       // a page that does not read loses its stream
	reconnectDelay       = "2000"                 // milliseconds until a browser connects again
)

// Fragment is one piece of a page that is swapped when its facts change.
type Fragment struct {
	Key          string // names it within the stream
	Event        string // that it is sent as; empty for a row
	State        any    // what it was drawn from
	Render       func(view.Clock) templ.Component
	Name, Status string // of the heartbeat; a new status is said aloud
	Announcement string // said when the part changes, but not all the time
}

// Snapshot is what a stream shows at one moment.
type Snapshot struct {
	Fragments []Fragment
	Title     string // of the document, empty to leave it
}

// Digest is a short digest of facts: the page that was drawn from the same facts
// has the same.
func Digest(facts any) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%+v", facts)
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// Stream is one page that is kept up to date.
type Stream struct {
	*request
	Keys []int64
	// Poll tells cheaply whether anything changed on other nodes: then its answer
	// differs from the one before. read tells how things stand.
	Poll     func(ctx context.Context) (string, error)
	Snapshot func(ctx context.Context, now time.Time) (Snapshot, error)

	digests             map[string]string // mark of each part as the page has it
	statuses            map[string]string
	title               string
	lastPoll            string
	lastEventID         int
	announcedAt         time.Time // when news were said aloud
	pendingAnnouncement string    // what waits to be
}

// Serve sends events until the visitor leaves, may not look any more, or the
// server stops. seen are the marks of what the page shows already.
func (s *Stream) Serve(seen map[string]string) error {
	e, err := s.site.Feed.subscribe(s.subscriber(), s.Keys)
	if err != nil {
		return s.reject(err)
	}
	defer s.site.Feed.unsubscribe(e)
	if s.r.Header.Get("Last-Event-ID") != "" || s.r.URL.Query().Has("again") {
		seen = nil // after a gap nobody knows what the page shows
	}
	s.digests, s.statuses = seen, map[string]string{}
	if s.digests == nil {
		s.digests = map[string]string{}
	}
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	s.w.WriteHeader(http.StatusOK)
	// What goes wrong from here on cannot be answered any more: the stream ends,
	// and the browser comes again. What was deleted meanwhile is missed then.
	if err := s.loop(e); err != nil && s.ctx().Err() == nil && !isMissing(err) {
		s.site.Logger.Warn("live page ended", "error", err, "path", s.r.URL.Path)
	}
	// The end of the body is written now. Past the deadline of the last event it
	// would be missing, and the browser would report a broken connection.
	s.setWriteDeadline(http.NewResponseController(s.w))
	return nil
}

// setWriteDeadline gives the next write to the browser its deadline. Not every server can
// bound a write; those of tests cannot.
func (s *Stream) setWriteDeadline(c *http.ResponseController) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
}

// reject answers a page that finds no place with one line, which the script
// shows.
func (s *Stream) reject(err error) error {
	p, theirs := httpd.ProblemOf(err, func(field string) string { return field })
	if !theirs {
		return err
	}
	maps.Copy(s.w.Header(), p.GetHeaders())
	http.Error(s.w, p.Detail, p.Status)
	return nil
}

// loop is the life of the stream.
func (s *Stream) loop(e *subscription) error {
	look, breath, admit := time.NewTicker(pollInterval), time.NewTicker(keepAliveInterval), time.NewTicker(sessionCheckInterval)
	defer look.Stop()
	defer breath.Stop()
	defer admit.Stop()
	// The stream begins to answer when it knows what it compares with.
	if err := s.refresh(); err != nil {
		return err
	}
	if err := s.send("retry: " + reconnectDelay + "\n\n"); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-s.ctx().Done():
			return nil
		case <-e.done:
			return nil
		case <-e.wake:
			err = s.refresh()
			s.pause(e)
		case <-look.C:
			err = s.poll()
		case <-breath.C:
			err = s.send(": still here\n\n")
		case <-admit.C:
			var why string
			if why, err = s.endReason(); err == nil && why != "" {
				return s.sendEnd(why)
			}
		}
		if err != nil {
			return err
		}
	}
}

// pause keeps a heartbeat that pings all the time from being drawn all the time.
func (s *Stream) pause(e *subscription) {
	pause := time.NewTimer(minRefreshInterval)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-e.done:
	case <-s.ctx().Done():
	}
}

// Why a live page ends while its viewer looks. The script knows these words.
const (
	endSignedOut = "signed-out"
	endRole      = "role"
)

// endReason returns why the viewer may not look any longer, empty if they may.
func (s *Stream) endReason() (string, error) {
	role, signedIn, err := s.site.People.CurrentRole(s.ctx(), s.actor.Project.Key, time.Now().UTC())
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

// sendEnd sends the last event of a stream. The browser must not connect again.
func (s *Stream) sendEnd(why string) error {
	var last bytes.Buffer
	s.appendEvent(&last, "ended", why)
	return s.send(last.String())
}

// poll reads only if something changed.
func (s *Stream) poll() error {
	if err := s.sendPendingAnnouncement(time.Now().UTC()); err != nil {
		return err
	}
	pulse, err := s.Poll(s.ctx())
	if err != nil {
		return err
	}
	counts, _, err := s.site.counts(s.ctx(), s.actor, time.Now().UTC())
	if err != nil {
		return err
	}
	if pulse += fmt.Sprint(counts.NavCounts); pulse == s.lastPoll {
		return nil
	}
	s.lastPoll = pulse
	return s.refresh()
}

// refresh sends what is different from what the page shows.
func (s *Stream) refresh() error {
	now := time.Now().UTC()
	found, err := s.Snapshot(s.ctx(), now)
	if err != nil {
		return err
	}
	around, err := s.navFragments(s.ctx(), now)
	if err != nil {
		return err
	}
	found.Fragments = append(found.Fragments, around...)
	clock := view.Clock{Now: now, Zone: s.clock.Zone}
	var events bytes.Buffer
	for _, p := range found.Fragments {
		if err := s.appendChanges(&events, p, clock); err != nil {
			return err
		}
	}
	if found.Title != "" && found.Title != s.title {
		if s.title != "" || events.Len() > 0 {
			s.appendEvent(&events, "title", found.Title)
		}
		s.title = found.Title
	}
	if events.Len() == 0 {
		return nil
	}
	return s.send(events.String())
}

// appendChanges writes the events of a part whose facts have changed.
func (s *Stream) appendChanges(events *bytes.Buffer, p Fragment, clock view.Clock) error {
	m := Digest(p.State)
	before, known := s.statuses[p.Key]
	s.statuses[p.Key] = p.Status
	if s.digests[p.Key] == m {
		return nil
	}
	s.digests[p.Key] = m
	var html bytes.Buffer
	if err := p.Render(clock).Render(s.ctx(), &html); err != nil {
		return fmt.Errorf("part of a live page: %w", err)
	}
	s.appendEvent(events, cmp.Or(p.Event, "row"), html.String())
	if p.Key == StaticPrefix+"news" {
		s.announce(events, p.Announcement, clock.Now)
	}
	if known && before != p.Status && p.Name != "" {
		s.appendEvent(events, "announce", view.Announcement(p.Name, p.Status))
	}
	return nil
}

// appendEvent writes one event, see the HTML standard, 9.2.6: each line of its data
// is a field of its own, and its id tells after a gap that there was a stream.
func (s *Stream) appendEvent(to *bytes.Buffer, name, data string) {
	s.lastEventID++
	fmt.Fprintf(to, "id: %d\nevent: %s\n", s.lastEventID, name)
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\r", " "), "\n") {
		to.WriteString("data: " + line + "\n")
	}
	to.WriteByte('\n')
}

// send writes to the browser at once.
func (s *Stream) send(text string) error {
	c := http.NewResponseController(s.w)
	s.setWriteDeadline(c)
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return c.Flush()
}
