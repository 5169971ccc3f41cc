package app

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/loop"
)

func TestStalledLoops_NamesOnlyLoopsThatDoNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, release := slog.New(slog.DiscardHandler), make(chan struct{})
		ctx, stop := context.WithCancel(t.Context())
		started, runs := time.Now(), 0
		first := loop.New("first", log, func(context.Context, time.Time) (time.Duration, error) { <-release; return time.Second, nil })
		later := loop.New("later", log, func(context.Context, time.Time) (time.Duration, error) {
			if runs++; runs > 30 {
				<-release // ignores its context, as a deadlock does
			}
			return time.Second, nil
		})
		failing := loop.New("failing", log, func(ctx context.Context, _ time.Time) (time.Duration, error) { return 0, context.Canceled })
		slow := loop.New("slow", log, func(ctx context.Context, _ time.Time) (time.Duration, error) { <-ctx.Done(); return 0, nil })
		for _, l := range []*loop.Loop{first, later, failing, slow} {
			go l.Run(ctx)
		}
		stalled := func() []string { return stalledLoops(time.Now(), started, first, later, failing, slow) }
		time.Sleep(stallTimeout)
		if got := stalled(); got != nil {
			t.Errorf("after %s: %v", stallTimeout, got)
		}
		time.Sleep(3 * time.Second) // slow is in the middle of a run
		if got := stalled(); !slices.Equal(got, []string{"first loop not started"}) {
			t.Errorf("a first run that does not end: %v", got)
		}
		time.Sleep(32 * time.Second)
		if got := stalled(); !slices.Equal(got, []string{"first loop not started", "later loop stalled for 30 s"}) {
			t.Errorf("a later run that does not end: %v", got)
		}
		close(release)
		time.Sleep(2 * time.Second)
		if got := stalled(); got != nil {
			t.Errorf("after the loops continued: %v", got)
		}
		stop()
		synctest.Wait()
	})
}
