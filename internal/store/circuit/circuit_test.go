package circuit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/store/dialect"
)

// fixture is a breaker in virtual time, in front of a database that answers or not.
type fixture struct {
	*Breaker
	silent     atomic.Bool  // operations get no answer
	swallowing atomic.Bool  // probes that begin while silent never get an answer
	probes     atomic.Int64 // running
	maxProbes  atomic.Int64
	commitTime atomic.Int64 // of a commit and of a probe
	refused    atomic.Pointer[error]
	changes    chan error
}

// onFixture runs a test on a started breaker.
func onFixture(t *testing.T, test func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{changes: make(chan error, 100)}
		f.Breaker = Start(Options{
			Probe: f.probe, Disconnect: func() {}, Reconnect: func() {}, OnChange: func(cause error) { f.changes <- cause },
		})
		defer f.Stop()
		test(f)
	})
}

// probe waits while the database is silent.
func (f *fixture) probe(ctx context.Context) error {
	f.maxProbes.Store(max(f.maxProbes.Load(), f.probes.Add(1)))
	defer f.probes.Add(-1)
	return f.query(ctx)
}

// query gets an answer, or none before ctx ends.
func (f *fixture) query(ctx context.Context) error {
	if refused := f.refused.Load(); refused != nil {
		return *refused
	}
	swallowed := f.silent.Load() && f.swallowing.Load()
	for swallowed || f.silent.Load() {
		select {
		case <-ctx.Done():
			return dialect.PostgreSQL.Classify(context.DeadlineExceeded)
		case <-time.After(10 * time.Millisecond):
		}
	}
	select {
	case <-ctx.Done():
		return dialect.PostgreSQL.Classify(context.DeadlineExceeded)
	case <-time.After(time.Duration(f.commitTime.Load())):
		return nil
	}
}

// commit is query with a commit, which takes commitTime.
func (f *fixture) commit(ctx context.Context) error {
	err := f.query(ctx)
	if err == nil {
		f.RecordProgress()
	}
	return err
}

// measure runs an operation and returns how long it took.
func (f *fixture) measure(operation func(context.Context) error) (time.Duration, error) {
	begun := time.Now()
	err := f.Guard(context.Background(), operation)
	return time.Since(begun), err
}

func TestCircuit_OperationsFailAtOnceAfterAProbeGetsNoAnswer(t *testing.T) {
	onFixture(t, func(f *fixture) {
		f.silent.Store(true)
		if took, err := f.measure(f.query); !errors.Is(err, dialect.ErrUnavailable) || took > minPatience {
			t.Errorf("first operation: %v after %s; want ErrUnavailable within %s", err, took, minPatience)
		}
		for range 100 {
			if took, err := f.measure(f.query); !errors.Is(err, dialect.ErrUnavailable) || took > 0 {
				t.Fatalf("later operation: %v after %s; want ErrUnavailable at once", err, took)
			}
		}
		if cause := <-f.changes; !errors.Is(cause, dialect.ErrUnavailable) {
			t.Errorf("cause %v; want ErrUnavailable", cause)
		}
		time.Sleep(time.Minute)
		if n := f.maxProbes.Load(); n > MaxProbes {
			t.Errorf("%d probes at the same time; want at most %d", n, MaxProbes)
		}
		f.silent.Store(false)
		begun := time.Now()
		if cause := <-f.changes; cause != nil || time.Since(begun) > probeInterval {
			t.Errorf("%s after the database answers again: %v; want nil within %s", time.Since(begun), cause, probeInterval)
		}
		if _, err := f.measure(f.query); err != nil {
			t.Errorf("operation after recovery: %v", err)
		}
	})
}

func TestCircuit_ALostProbeDoesNotDelayRecovery(t *testing.T) {
	onFixture(t, func(f *fixture) {
		f.silent.Store(true)
		f.swallowing.Store(true)
		_, _ = f.measure(f.query) // opens the circuit
		<-f.changes
		time.Sleep(10 * time.Second)
		f.silent.Store(false)
		begun := time.Now()
		if cause := <-f.changes; cause != nil || time.Since(begun) > probeInterval {
			t.Errorf("%s after the database answers again: %v; want nil within %s", time.Since(begun), cause, probeInterval)
		}
	})
}

func TestCircuit_ASlowOperationAloneDoesNotOpenIt(t *testing.T) {
	onFixture(t, func(f *fixture) {
		took, err := f.measure(func(context.Context) error { time.Sleep(3 * time.Second); return nil })
		if err != nil || took != 3*time.Second {
			t.Errorf("%v after %s; want no error after 3s", err, took)
		}
		if len(f.changes) > 0 {
			t.Errorf("the circuit opened: %v", <-f.changes)
		}
	})
}

func TestCircuit_StaysClosedWhileCommitsProgress(t *testing.T) {
	onFixture(t, func(f *fixture) {
		f.silent.Store(true)
		for range 20 {
			if _, err := f.measure(func(context.Context) error { time.Sleep(1500 * time.Millisecond); f.RecordProgress(); return nil }); err != nil {
				t.Fatal(err)
			}
			_, _ = f.measure(func(context.Context) error { return dialect.ErrNoAnswer }) // starts a probe
		}
		if len(f.changes) > 0 {
			t.Errorf("the circuit opened: %v", <-f.changes)
		}
	})
}

func TestCircuit_ASlowDatabaseGetsMorePatience(t *testing.T) {
	onFixture(t, func(f *fixture) {
		commit := func(took time.Duration) {
			t.Helper()
			f.commitTime.Store(int64(took))
			if _, err := f.measure(f.commit); err != nil {
				t.Fatalf("a commit of %s: %v", took, err)
			}
			time.Sleep(10 * time.Second)
		}
		commit(1500 * time.Millisecond) // its probe is as slow
		commit(2500 * time.Millisecond)
		commit(3900 * time.Millisecond)
		if len(f.changes) > 0 {
			t.Errorf("the circuit opened: %v", <-f.changes)
		}
		time.Sleep(2 * patienceMemory) // the database is fast again
		f.silent.Store(true)
		if took, err := f.measure(f.query); err == nil || took > minPatience {
			t.Errorf("%v after %s; want an error within %s", err, took, minPatience)
		}
	})
}

func TestCircuit_TheFirstCommitAfterAnOutageCanBeSlow(t *testing.T) {
	onFixture(t, func(f *fixture) {
		f.silent.Store(true)
		_, _ = f.measure(f.query) // opens the circuit
		f.silent.Store(false)
		f.commitTime.Store(int64(2500 * time.Millisecond))
		for cause := range f.changes {
			if cause == nil {
				break
			}
		}
		if _, err := f.measure(f.commit); err != nil {
			t.Errorf("the first commit: %v", err)
		}
		f.commitTime.Store(0)
		time.Sleep(2 * patienceMemory)
		f.silent.Store(true)
		if took, err := f.measure(f.query); err == nil || took > minPatience {
			t.Errorf("%v after %s; want an error within %s", err, took, minPatience)
		}
	})
}

func TestCircuit_OpensAtOnceIfNoConnectionIsPossible(t *testing.T) {
	onFixture(t, func(f *fixture) {
		refused := fmt.Errorf("%w: connection refused", dialect.ErrNoAnswer)
		f.refused.Store(&refused)
		begun := time.Now()
		if _, err := f.measure(f.query); !errors.Is(err, dialect.ErrUnavailable) {
			t.Errorf("%v; want ErrUnavailable", err)
		}
		if cause := <-f.changes; !errors.Is(cause, refused) || time.Since(begun) > minProbePause {
			t.Errorf("%v after %s; want %v at once", cause, time.Since(begun), refused)
		}
		time.Sleep(10 * time.Second)
		f.refused.Store(nil)
		begun = time.Now()
		if cause := <-f.changes; cause != nil || time.Since(begun) > rejectedInterval {
			t.Errorf("%v, %s after the database returned; want nil within %s", cause, time.Since(begun), rejectedInterval)
		}
	})
}

func TestCircuit_FastErrorsAndCancelledCallersDoNotOpenIt(t *testing.T) {
	onFixture(t, func(f *fixture) {
		for _, want := range []error{dialect.ErrDisk, dialect.ErrTaken, errors.New("invalid statement")} {
			if _, err := f.measure(func(context.Context) error { return want }); !errors.Is(err, want) {
				t.Errorf("error %v; want %v", err, want)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := f.Guard(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); err == nil {
			t.Error("an operation past its deadline returned no error")
		}
		time.Sleep(time.Minute)
		if len(f.changes) > 0 {
			t.Errorf("the circuit opened: %v", <-f.changes)
		}
	})
}

func TestCircuit_ARequestWithoutADeadlineGetsOne(t *testing.T) {
	onFixture(t, func(f *fixture) {
		took, err := f.measure(func(ctx context.Context) error { <-ctx.Done(); return dialect.PostgreSQL.Classify(ctx.Err()) })
		if !errors.Is(err, dialect.ErrUnavailable) || took != requestTimeout {
			t.Errorf("%v after %s; want ErrUnavailable after %s", err, took, requestTimeout)
		}
	})
}
