package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// deadlineWriter remembers the deadline of its next write.
type deadlineWriter struct {
	*httptest.ResponseRecorder
	first chan struct{} // closed at the first event
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

// deadline is that of the next write.
func (w *deadlineWriter) deadline() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until
}

// TestStream_TheEndOfTheBodyHasItsOwnDeadline: with that of the last event, which is
// over on a page where nothing happened, the body would have no end.
func TestStream_TheEndOfTheBodyHasItsOwnDeadline(t *testing.T) {
	onEach(t, func(w *fixture) {
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		r := httptest.NewRequest(http.MethodGet, "/live/heartbeats", nil).WithContext(ctx)
		r.AddCookie(w.cookie("viewer"))
		out := &deadlineWriter{ResponseRecorder: httptest.NewRecorder(), first: make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.site.ServeHTTP(out, r)
		}()
		<-out.first
		ended := time.Now()
		cancel()
		<-done
		if out.deadline().Before(ended.Add(writeTimeout)) {
			w.Errorf("the end has %s; want %s", time.Until(out.deadline()), writeTimeout)
		}
	})
}
