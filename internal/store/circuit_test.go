package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// unresponsiveDB is a database in virtual time that answers, or does not.
type unresponsiveDB struct {
	*DB
	silent        atomic.Bool
	swallowing    atomic.Bool  // probes that began while silent never get an answer
	probes        atomic.Int64 // under way
	maxProbesSeen atomic.Int64
	changes       chan error
}

// onUnresponsiveDB runs a test on a watched database.
func onUnresponsiveDB(t *testing.T, test func(*unresponsiveDB)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &unresponsiveDB{DB: &DB{dialect: &postgresDialect}, changes: make(chan error, 100)}
		d.startCircuit(&circuitBreaker{probe: d.probe, disconnect: func() {}, reconnect: func() {}, onChange: func(why error) { d.changes <- why }})
		defer d.stopCircuit()
		test(d)
	})
}

// probe waits for as long as the database is silent.
func (d *unresponsiveDB) probe(ctx context.Context) error {
	d.maxProbesSeen.Store(max(d.maxProbesSeen.Load(), d.probes.Add(1)))
	defer d.probes.Add(-1)
	return d.query(ctx)
}

// query gets an answer, or none before ctx ends.
func (d *unresponsiveDB) query(ctx context.Context) error {
	swallowed := d.silent.Load() && d.swallowing.Load()
	for swallowed || d.silent.Load() {
		select {
		case <-ctx.Done():
			return postgresDialect.classify(context.DeadlineExceeded)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// measure runs an operation and tells for how long.
func (d *unresponsiveDB) measure(operation func(context.Context) error) (time.Duration, error) {
	begun := time.Now()
	err := d.guard(context.Background(), operation)
	return time.Since(begun), err
}

func TestCircuit_OperationsFailAtOnceAfterAProbeGetsNoAnswer(t *testing.T) {
	onUnresponsiveDB(t, func(d *unresponsiveDB) {
		d.silent.Store(true)
		if took, err := d.measure(d.query); !errors.Is(err, ErrUnavailable) || took > slowOperation+firstProbeTimeout {
			t.Errorf("the first operation: %v after %s; want ErrAway within %s", err, took, slowOperation+firstProbeTimeout)
		}
		for range 100 {
			if took, err := d.measure(d.query); !errors.Is(err, ErrUnavailable) || took > 0 {
				t.Fatalf("a later operation: %v after %s; want ErrAway at once", err, took)
			}
		}
		if why := <-d.changes; !errors.Is(why, ErrUnavailable) {
			t.Errorf("it became unavailable because of %v", why)
		}
		time.Sleep(time.Minute)
		if n := d.maxProbesSeen.Load(); n > maxProbes {
			t.Errorf("%d probes at a time; want at most %d", n, maxProbes)
		}
		d.silent.Store(false)
		begun := time.Now()
		if why := <-d.changes; why != nil || time.Since(begun) > probeInterval {
			t.Errorf("%s after its return: %v; want nil within %s", time.Since(begun), why, probeInterval)
		}
		if _, err := d.measure(d.query); err != nil {
			t.Errorf("after its return: %v", err)
		}
	})
}

func TestCircuit_ALostProbeDoesNotDelayRecovery(t *testing.T) {
	onUnresponsiveDB(t, func(d *unresponsiveDB) {
		d.silent.Store(true)
		d.swallowing.Store(true)
		_, _ = d.measure(d.query) // opens it
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
	onUnresponsiveDB(t, func(d *unresponsiveDB) {
		took, err := d.measure(func(context.Context) error { time.Sleep(3 * time.Second); return nil })
		if err != nil || took != 3*time.Second {
			t.Errorf("%v after %s; want it to end by itself", err, took)
		}
		if len(d.changes) > 0 {
			t.Errorf("it became unavailable: %v", <-d.changes)
		}
	})
}

func TestCircuit_StaysClosedWhileCommitsProgress(t *testing.T) {
	onUnresponsiveDB(t, func(d *unresponsiveDB) {
		d.silent.Store(true)
		for range 20 {
			if _, err := d.measure(func(context.Context) error { time.Sleep(2 * slowOperation / 3); d.recordProgress(); return nil }); err != nil {
				t.Fatal(err)
			}
			_, _ = d.measure(func(context.Context) error { return errNoAnswer }) // starts a probe
		}
		if len(d.changes) > 0 {
			t.Errorf("it became unavailable: %v", <-d.changes)
		}
	})
}

func TestCircuit_FastErrorsAndCancelledCallersDoNotOpenIt(t *testing.T) {
	onUnresponsiveDB(t, func(d *unresponsiveDB) {
		for _, answer := range []error{ErrDisk, ErrTaken, errors.New("a mistake of ours")} {
			if _, err := d.measure(func(context.Context) error { return answer }); !errors.Is(err, answer) {
				t.Errorf("%v became %v", answer, err)
			}
		}
		d.silent.Store(true)
		ctx, leave := context.WithTimeout(context.Background(), time.Second)
		defer leave()
		if err := d.guard(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); err == nil {
			t.Error("an operation that was left is no error")
		}
		time.Sleep(time.Minute)
		if len(d.changes) > 0 {
			t.Errorf("it became unavailable: %v", <-d.changes)
		}
	})
}

func TestCircuit_ARequestWithoutADeadlineGetsOne(t *testing.T) {
	onUnresponsiveDB(t, func(d *unresponsiveDB) {
		took, err := d.measure(func(ctx context.Context) error { <-ctx.Done(); return postgresDialect.classify(ctx.Err()) })
		if !errors.Is(err, ErrUnavailable) || took != requestTimeout {
			t.Errorf("%v after %s; want ErrAway after %s", err, took, requestTimeout)
		}
	})
}
