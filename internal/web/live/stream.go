package live

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"overdue/internal/httpd"
	"overdue/internal/monitor"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/ui"
)

// Timing of a stream.
const (
	keepAliveInterval    = 20 * time.Second // shorter than the idle timeout of common proxies
	sessionCheckInterval = 4 * time.Second
	writeTimeout         = 10 * time.Second // a browser that does not read loses its stream
	reconnectDelay       = "2000"           // milliseconds, for the browser
)

// The reasons of the event "ended". The script of the page knows them.
const (
	EndSignedOut   = "signed-out"
	EndRoleChanged = "role"
)

// Stream keeps one open page up to date. Set the exported fields, then call Serve.
type Stream struct {
	Feed       *Feed
	View       View
	Subscriber Subscriber
	Logger     *slog.Logger
	// EndReason returns why the person may no longer watch the page, or "".
	EndReason func(context.Context) (string, error)

	w   http.ResponseWriter
	ctx context.Context // of the request that Serve answers

	digests             map[string]string // of each fragment as the page shows it
	statuses            map[string]string
	title               string
	lastEventID         int
	announcedAt         time.Time
	pendingAnnouncement string
}

// Serve sends events until the browser disconnects, the person may no longer watch,
// or the feed is closed. digests are those of the fragments that the page shows.
// ctx is the context of the request r. Above a limit, Serve answers with one line of
// text, which the script of the page shows.
func (s *Stream) Serve(ctx context.Context, w http.ResponseWriter, r *http.Request, digests map[string]string) error {
	s.ctx, s.w = ctx, w
	if s.View.Now == nil {
		s.View.Now = time.Now
	}
	sub, err := s.Feed.subscribe(s.Subscriber, &s.View)
	if err != nil {
		return s.reject(err)
	}
	defer s.Feed.unsubscribe(sub)
	s.digests, s.statuses = maps.Clone(digests), map[string]string{}
	if s.digests == nil || r.Header.Get("Last-Event-ID") != "" || r.URL.Query().Has("again") {
		s.digests = map[string]string{} // after a gap, it is unknown what the page shows
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would buffer events
	w.WriteHeader(http.StatusOK)
	// The response has started, so an error can only end the stream. The browser
	// connects again, and gets an error page if the heartbeat was deleted.
	if err := s.loop(sub); err != nil && ctx.Err() == nil && !isMissing(err) {
		s.Logger.Warn("live page ended", "component", "web", "error", err, "path", r.URL.Path)
	}
	// The server writes the end of the body now. After the deadline of the last event
	// that would fail, and the browser would report a broken connection.
	s.setWriteDeadline()
	return nil
}

// isMissing reports whether what the page shows was deleted.
func isMissing(err error) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == monitor.NotFound
}

// setWriteDeadline gives the next write its deadline. Servers of tests do not
// support it.
func (s *Stream) setWriteDeadline() {
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// reject answers a page above a limit.
func (s *Stream) reject(err error) error {
	p, ok := httpd.ProblemOf(err, func(field string) string { return field })
	if !ok {
		return err
	}
	maps.Copy(s.w.Header(), p.GetHeaders())
	http.Error(s.w, p.Detail, p.Status)
	return nil
}

// loop sends events until the stream ends.
func (s *Stream) loop(sub *subscription) error {
	keepAlive, session, announce := time.NewTicker(keepAliveInterval), time.NewTicker(sessionCheckInterval), time.NewTicker(announceInterval)
	defer keepAlive.Stop()
	defer session.Stop()
	defer announce.Stop()
	if err := s.send([]byte("retry: " + reconnectDelay + "\n\n")); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-s.ctx.Done():
			return nil
		case <-sub.done:
			return nil
		case u := <-sub.updates:
			begun := time.Now()
			err = s.show(u)
			s.Feed.writeTime.Add(int64(min(time.Since(begun), maxWriteTime)))
		case <-announce.C:
			err = s.sendPendingAnnouncement(s.View.Now().UTC())
		case <-keepAlive.C:
			err = s.send([]byte(": still here\n\n"))
		case <-session.C:
			var reason string
			if reason, err = s.EndReason(s.ctx); err == nil && reason != "" {
				return s.sendEnd(reason)
			}
		}
		if err != nil {
			return err
		}
	}
}

// sendEnd sends the last event. The browser does not connect again after it.
func (s *Stream) sendEnd(reason string) error {
	var last bytes.Buffer
	s.appendEvent(&last, "ended", reason)
	return s.send(last.Bytes())
}

// buffers are the buffers of writes in progress.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// show sends the fragments that differ from what the page shows.
func (s *Stream) show(u update) error {
	if u.err != nil {
		return u.err
	}
	events := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(events)
	events.Reset()
	for _, f := range u.fragments {
		if err := s.appendChanges(events, f, u.clock); err != nil {
			return err
		}
	}
	if u.title != "" && u.title != s.title {
		if s.title != "" || events.Len() > 0 {
			s.appendEvent(events, "title", u.title)
		}
		s.title = u.title
	}
	if events.Len() == 0 {
		return nil
	}
	return s.send(events.Bytes())
}

// appendChanges appends the events of a fragment whose state has changed.
func (s *Stream) appendChanges(events *bytes.Buffer, f *sharedFragment, clock ui.Clock) error {
	before, known := s.statuses[f.Key]
	s.statuses[f.Key] = f.Status
	if s.digests[f.Key] == f.digest {
		return nil
	}
	s.digests[f.Key] = f.digest
	data, err := f.renderFor(s.ctx, clock)
	if err != nil {
		return err
	}
	s.appendHead(events, cmp.Or(f.Event, "row"))
	events.Write(data)
	if f.Key == NewsKey {
		s.announce(events, f.Announcement, clock.Now)
	}
	if known && before != f.Status && f.Name != "" {
		s.appendEvent(events, "announce", heartbeatview.Announcement(f.Name, f.Status))
	}
	return nil
}

// appendEvent appends one event.
func (s *Stream) appendEvent(to *bytes.Buffer, name, data string) {
	s.appendHead(to, name)
	appendData(to, data)
}

// appendHead appends what precedes the data of an event. The ids let a browser show that it
// reconnects after a gap.
func (s *Stream) appendHead(to *bytes.Buffer, name string) {
	s.lastEventID++
	to.WriteString("id: ")
	to.Write(strconv.AppendInt(to.AvailableBuffer(), int64(s.lastEventID), 10))
	to.WriteString("\nevent: ")
	to.WriteString(name)
	to.WriteByte('\n')
}

// send writes to the browser without buffering.
func (s *Stream) send(text []byte) error {
	s.setWriteDeadline()
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

// announceInterval is the minimum time between two announcements of the news to
// screen readers. During an outage the news change all the time.
const announceInterval = 10 * time.Second

// announce announces the news now, or keeps them until the interval has passed.
func (s *Stream) announce(events *bytes.Buffer, text string, now time.Time) {
	if text == "" || now.Sub(s.announcedAt) < announceInterval {
		s.pendingAnnouncement = text
		return
	}
	s.announcedAt, s.pendingAnnouncement = now, ""
	s.appendEvent(events, "announce", text)
}

// sendPendingAnnouncement announces the latest news that were kept.
func (s *Stream) sendPendingAnnouncement(now time.Time) error {
	if s.pendingAnnouncement == "" || now.Sub(s.announcedAt) < announceInterval {
		return nil
	}
	var events bytes.Buffer
	s.announce(&events, s.pendingAnnouncement, now)
	return s.send(events.Bytes())
}
