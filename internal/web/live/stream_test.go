package live

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// deadlineWriter records the deadline of its next write.
type deadlineWriter struct {
	*httptest.ResponseRecorder
	first chan struct{} // is closed at the first event
	mu    sync.Mutex
	until time.Time
}

func (w *deadlineWriter) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.until.IsZero() {
		close(w.first)
	}
	w.until = t
	return nil
}

// deadline returns the deadline of the next write.
func (w *deadlineWriter) deadline() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until
}

// TestStream_TheEndOfTheBodyHasItsOwnDeadline: on a quiet page the deadline of the
// last event has passed when the stream ends. With it, the server could not write
// the end of the body, and the browser would report a broken connection.
func TestStream_TheEndOfTheBodyHasItsOwnDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &Stream{
		Feed: &Feed{}, View: *viewOf(), Logger: slog.New(slog.DiscardHandler),
		EndReason: func(context.Context) (string, error) { return "", nil },
	}
	out := &deadlineWriter{ResponseRecorder: httptest.NewRecorder(), first: make(chan struct{})}
	done := make(chan error)
	go func() { done <- s.Serve(ctx, out, httptest.NewRequest(http.MethodGet, "/live/heartbeats", nil), nil) }()
	<-out.first
	ended := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if out.deadline().Before(ended.Add(writeTimeout)) {
		t.Errorf("the end of the body has %s; want %s", time.Until(out.deadline()), writeTimeout)
	}
}

func TestStreamAnnounce_LimitsTheRateAndKeepsTheLast(t *testing.T) {
	s := &Stream{}
	var sent strings.Builder
	at := time.Unix(1e9, 0)
	for n := range 20 {
		var events bytes.Buffer
		s.announce(&events, fmt.Sprint(n+1, " new"), at.Add(time.Duration(n)*time.Second))
		sent.WriteString(events.String())
	}
	if got := strings.Count(sent.String(), "announce"); got != 2 {
		t.Errorf("announced %d times in 20 s:\n%s", got, sent.String())
	}
	if s.pendingAnnouncement != "20 new" {
		t.Errorf("%q is kept for later", s.pendingAnnouncement)
	}
	var events bytes.Buffer
	s.announce(&events, "", at.Add(time.Hour))
	if s.pendingAnnouncement != "" || events.Len() > 0 {
		t.Error("news that are gone are still announced")
	}
}

func TestParseStreamURL_ReadsWhatStreamURLWrote(t *testing.T) {
	address := StreamURL("/live/heartbeats", nil, []FragmentRef{{"a", "1x"}, {"b", "2y"}, {StaticPrefix + "nav", "3z"}})
	_, of, _ := strings.Cut(address, "?of=")
	rows, digests := ParseStreamURL(map[string][]string{"of": {of}}, 1)
	if got := fmt.Sprint(rows, digests); got != "[a] map[-nav:3z a:1x b:2y]" {
		t.Errorf("%s reads as %s", address, got)
	}
}

func TestStreamURL_Of200HeartbeatsIsShorterThanAURLMayBe(t *testing.T) {
	var refs []FragmentRef
	for n := range 200 {
		refs = append(refs, FragmentRef{fmt.Sprintf("%032x", n+1<<60), "zzzzzzz"})
	}
	address := StreamURL("/live/heartbeats", url.Values{"q": {strings.Repeat("x", 1000)}}, refs)
	if len(address) > 8<<10 {
		t.Errorf("the address has %d characters", len(address))
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	rows, digests := ParseStreamURL(u.Query(), 200)
	if len(rows) != 200 || rows[7] != refs[7].Key || digests[refs[7].Key] != "zzzzzzz" {
		t.Errorf("read as %d rows, such as %q", len(rows), rows[7:8])
	}
}

func TestStream_AChangeByAnotherNodeIsShownWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var changed, shown atomic.Int64
		s := &Stream{
			Feed: &Feed{PollInterval: SharedPollInterval}, Logger: slog.New(slog.DiscardHandler),
			View: View{
				Poll: func(context.Context) (string, error) { return fmt.Sprint(changed.Load()), nil },
				Snapshot: func(_ context.Context, now time.Time) (Snapshot, error) {
					shown.Store(changed.Load())
					return Snapshot{}, nil
				},
			},
			EndReason: func(context.Context) (string, error) { return "", nil },
		}
		go func() {
			_ = s.Serve(ctx, httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/live/heartbeats", nil), nil)
		}()
		for n := range int64(20) {
			time.Sleep(3*time.Second + time.Duration(n)*50*time.Millisecond)
			changed.Store(n + 1)
			time.Sleep(SharedPollInterval + time.Millisecond) // the counts may be older by the rest of a second
			if shown.Load() != n+1 {
				t.Fatalf("change %d is not shown after %s", n+1, SharedPollInterval)
			}
		}
		cancel()
		synctest.Wait()
	})
}

func TestStream_APageCanPollMoreOftenThanTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		polls := 0
		s := &Stream{
			Feed: &Feed{PollInterval: time.Minute}, View: *viewOf(), Logger: slog.New(slog.DiscardHandler),
			EndReason: func(context.Context) (string, error) { return "", nil },
		}
		s.View.PollInterval = time.Second
		s.View.Poll = func(context.Context) (string, error) { polls++; return "", nil }
		done := make(chan error)
		go func() {
			done <- s.Serve(ctx, httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/live/server", nil), nil)
		}()
		time.Sleep(10*time.Second + 500*time.Millisecond)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil || polls != 10 {
			t.Errorf("%d polls in ten seconds: %v; want 10", polls, err)
		}
	})
}
