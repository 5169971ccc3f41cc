package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// silentDB is a database in virtual time that answers, or does not.
type silentDB struct {
	*DB
	silent  atomic.Bool
	hungry  atomic.Bool  // probes that began while silent never get an answer
	probes  atomic.Int64 // under way
	most    atomic.Int64
	changes chan error
}

// onSilent runs a test on a watched database.
func onSilent(t *testing.T, test func(*silentDB)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &silentDB{DB: &DB{dialect: &postgres}, changes: make(chan error, 100)}
		d.watch(&circuit{probe: d.probe, cut: func() {}, mend: func() {}, onChange: func(why error) { d.changes <- why }})
		defer d.unwatch()
		test(d)
	})
}

// probe waits for as long as the database is silent.
func (d *silentDB) probe(ctx context.Context) error {
	d.most.Store(max(d.most.Load(), d.probes.Add(1)))
	defer d.probes.Add(-1)
	return d.ask(ctx)
}

// ask gets an answer, or none before ctx ends.
func (d *silentDB) ask(ctx context.Context) error {
	swallowed := d.silent.Load() && d.hungry.Load()
	for swallowed || d.silent.Load() {
		select {
		case <-ctx.Done():
			return postgres.sort(context.DeadlineExceeded)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// took runs an operation and tells for how long.
func (d *silentDB) took(operation func(context.Context) error) (time.Duration, error) {
	begun := time.Now()
	err := d.guarded(context.Background(), operation)
	return time.Since(begun), err
}

func TestCircuit_OnceAProbeGetsNoAnswerEverythingFailsAtOnce(t *testing.T) {
	onSilent(t, func(d *silentDB) {
		d.silent.Store(true)
		if took, err := d.took(d.ask); !errors.Is(err, ErrAway) || took > slowOperation+firstProbe {
			t.Errorf("the first operation: %v after %s; want ErrAway within %s", err, took, slowOperation+firstProbe)
		}
		for range 100 {
			if took, err := d.took(d.ask); !errors.Is(err, ErrAway) || took > 0 {
				t.Fatalf("a later operation: %v after %s; want ErrAway at once", err, took)
			}
		}
		if why := <-d.changes; !errors.Is(why, ErrAway) {
			t.Errorf("it became unavailable because of %v", why)
		}
		time.Sleep(time.Minute)
		if n := d.most.Load(); n > maxProbes {
			t.Errorf("%d probes at a time; want at most %d", n, maxProbes)
		}
		d.silent.Store(false)
		begun := time.Now()
		if why := <-d.changes; why != nil || time.Since(begun) > probeInterval {
			t.Errorf("%s after its return: %v; want nil within %s", time.Since(begun), why, probeInterval)
		}
		if _, err := d.took(d.ask); err != nil {
			t.Errorf("after its return: %v", err)
		}
	})
}

func TestCircuit_AProbeThatWasSwallowedDoesNotDelayTheReturn(t *testing.T) {
	onSilent(t, func(d *silentDB) {
		d.silent.Store(true)
		d.hungry.Store(true)
		_, _ = d.took(d.ask) // opens it
		<-d.changes
		time.Sleep(10 * time.Second)
		d.silent.Store(false)
		begun := time.Now()
		if why := <-d.changes; why != nil || time.Since(begun) > probeInterval {
			t.Errorf("%s after its return: %v; want nil within %s", time.Since(begun), why, probeInterval)
		}
	})
}

func TestCircuit_ASlowOperationAloneDoesNotOpenIt(t *testing.T) {
	onSilent(t, func(d *silentDB) {
		took, err := d.took(func(context.Context) error { time.Sleep(3 * time.Second); return nil })
		if err != nil || took != 3*time.Second {
			t.Errorf("%v after %s; want it to end by itself", err, took)
		}
		if len(d.changes) > 0 {
			t.Errorf("it became unavailable: %v", <-d.changes)
		}
	})
}

func TestCircuit_ProgressKeepsItClosedThoughProbesWait(t *testing.T) {
	onSilent(t, func(d *silentDB) {
		d.silent.Store(true)
		for range 20 {
			if _, err := d.took(func(context.Context) error { time.Sleep(2 * slowOperation / 3); d.progress(); return nil }); err != nil {
				t.Fatal(err)
			}
			_, _ = d.took(func(context.Context) error { return errSilent }) // starts a probe
		}
		if len(d.changes) > 0 {
			t.Errorf("it became unavailable: %v", <-d.changes)
		}
	})
}

func TestCircuit_ErrorsThatComeAtOnceAndCallersThatLeaveDoNotOpenIt(t *testing.T) {
	onSilent(t, func(d *silentDB) {
		for _, answer := range []error{ErrDisk, ErrTaken, errors.New("a mistake of ours")} {
			if _, err := d.took(func(context.Context) error { return answer }); !errors.Is(err, answer) {
				t.Errorf("%v became %v", answer, err)
			}
		}
		d.silent.Store(true)
		ctx, leave := context.WithTimeout(context.Background(), time.Second)
		defer leave()
		if err := d.guarded(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); err == nil {
			t.Error("an operation that was left is no error")
		}
		time.Sleep(time.Minute)
		if len(d.changes) > 0 {
			t.Errorf("it became unavailable: %v", <-d.changes)
		}
	})
}

func TestCircuit_ARequestWithoutADeadlineGetsOne(t *testing.T) {
	onSilent(t, func(d *silentDB) {
		took, err := d.took(func(ctx context.Context) error { <-ctx.Done(); return postgres.sort(ctx.Err()) })
		if !errors.Is(err, ErrAway) || took != requestTimeout {
			t.Errorf("%v after %s; want ErrAway after %s", err, took, requestTimeout)
		}
	})
}
