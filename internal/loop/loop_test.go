package loop

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// runRecorder collects when a loop worked.
type runRecorder struct {
	mu   sync.Mutex
	at   []time.Duration
	from time.Time
	fail error
	rest time.Duration
}

// run is one turn.
func (w *runRecorder) run(context.Context, time.Time) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = append(w.at, time.Since(w.from))
	return w.rest, w.fail
}

// run runs a loop in virtual time beside a test.
func run(t *testing.T, rest time.Duration, test func(*Loop, *runRecorder)) {
	synctest.Test(t, func(t *testing.T) {
		w := &runRecorder{from: time.Now(), rest: rest}
		l := New("test", slog.New(slog.DiscardHandler), w.run)
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { l.Run(ctx) })
		synctest.Wait()
		test(l, w)
		stop()
		done.Wait()
	})
}

// expect compares when the loop worked.
func (w *runRecorder) expect(t *testing.T, want ...time.Duration) {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.at) != len(want) {
		t.Fatalf("worked at %v; want %v", w.at, want)
	}
	for i := range want {
		if w.at[i] != want[i] {
			t.Fatalf("worked at %v; want %v", w.at, want)
		}
	}
}

func TestLoop_WaitsAsLongAsItReturnsUnlessItIsWoken(t *testing.T) {
	run(t, time.Minute, func(l *Loop, w *runRecorder) {
		time.Sleep(time.Minute)
		w.expect(t, 0, time.Minute)
		time.Sleep(10 * time.Second)
		l.Wake()
		w.expect(t, 0, time.Minute, 70*time.Second)
		time.Sleep(time.Minute)
		w.expect(t, 0, time.Minute, 70*time.Second, 130*time.Second)
	})
}

func TestWakeBefore_ChangesNothingIfTheNextRunIsEarlier(t *testing.T) {
	run(t, time.Minute, func(l *Loop, w *runRecorder) {
		l.WakeBefore(w.from.Add(2 * time.Minute))
		w.expect(t, 0)
		l.WakeBefore(w.from.Add(30 * time.Second))
		w.expect(t, 0, 0)
	})
}

func TestLoop_RetriesErrorsWithABackoffThatWakeDoesNotEnd(t *testing.T) {
	run(t, time.Hour, func(l *Loop, w *runRecorder) {
		w.mu.Lock()
		w.fail = errors.New("broken")
		w.mu.Unlock()
		l.Wake()
		w.expect(t, 0, 0)
		if l.Check(time.Now()) == nil {
			t.Error("a loop that fails passes its check")
		}
		l.Wake()
		w.expect(t, 0, 0)
		time.Sleep(100 * time.Millisecond)
		w.expect(t, 0, 0, 100*time.Millisecond)
		time.Sleep(200 * time.Millisecond)
		w.expect(t, 0, 0, 100*time.Millisecond, 300*time.Millisecond)
		w.mu.Lock()
		w.fail = nil
		w.mu.Unlock()
		time.Sleep(time.Second)
		if err := l.Check(time.Now()); err != nil {
			t.Errorf("after the fault is mended: %v", err)
		}
	})
}

func TestRetry_EndsTheBackoff(t *testing.T) {
	run(t, time.Hour, func(l *Loop, w *runRecorder) {
		w.mu.Lock()
		w.fail = errors.New("broken")
		w.mu.Unlock()
		l.Wake()
		time.Sleep(20 * time.Second) // by now the pauses are as long as they get
		w.mu.Lock()
		failed := len(w.at)
		w.fail = nil
		w.mu.Unlock()
		l.Retry()
		synctest.Wait()
		w.mu.Lock()
		retried := len(w.at)
		w.mu.Unlock()
		if retried != failed+1 || l.Check(time.Now()) != nil {
			t.Errorf("%d turns after Retry, check: %v; want one that succeeds at once", retried-failed, l.Check(time.Now()))
		}
	})
}

func TestCheck_ReportsALoopThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		l := New("test", slog.New(slog.DiscardHandler), func(context.Context, time.Time) (time.Duration, error) {
			if time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) > time.Minute {
				<-release
			}
			return 2 * time.Minute, nil
		})
		if l.Check(time.Now()) == nil {
			t.Error("a loop that has not begun passes its check")
		}
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { l.Run(ctx) })
		time.Sleep(2*time.Minute + maxLateness)
		if err := l.Check(time.Now()); err != nil {
			t.Errorf("a little late: %v", err)
		}
		time.Sleep(time.Second)
		if l.Check(time.Now()) == nil {
			t.Error("a loop that hangs passes its check")
		}
		close(release)
		stop()
		done.Wait()
	})
}
