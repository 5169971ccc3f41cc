package writebehind

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/wal"
)

var (
	start    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	walOwner = [16]byte{1}
)

// newBuffer returns an empty buffer and the path of its log.
func newBuffer(t *testing.T, limits Limits) (*Buffer, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	log, _, err := wal.Open(path, walOwner)
	if err != nil {
		t.Fatal(err)
	}
	b := New(log, limits)
	t.Cleanup(func() { _ = b.Close(false) })
	return b, path
}

// heartbeat returns a heartbeat that expects a ping each minute, with a number of pings.
func heartbeat(key, pings int64) monitor.Heartbeat {
	return monitor.Heartbeat{
		Key: key, ID: string(rune('a' + key%26)), Status: monitor.Up, PingCount: pings, CountedFrom: start.Add(time.Duration(pings) * time.Second),
		Rule: monitor.Rule{Interval: time.Minute, Grace: time.Second},
	}
}

// appendPing appends a ping of the heartbeat with a key, whose number is the next one.
func appendPing(t *testing.T, b *Buffer, key, number int64) {
	t.Helper()
	if held := tryAppend(t, b, key, number); len(held) > 0 {
		t.Fatalf("heartbeats %v are held", held)
	}
}

// tryAppend is appendPing unless the heartbeat is held.
func tryAppend(t *testing.T, b *Buffer, key, number int64) (held map[string]bool) {
	t.Helper()
	if err := b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer b.Unlock()
	h := heartbeat(key, number)
	p := monitor.Ping{Number: number, Kind: monitor.PingSuccess, At: h.CountedFrom, ExitCode: monitor.NoExitCode, Method: "POST", Body: []byte("body"), BodySize: 4}
	batch := []ReceivedPing{{ID: h.ID, Ping: p, Watermark: p.At}}
	_, held = b.Begin(batch)
	defer b.Finish()
	if len(held) > 0 {
		return held
	}
	err := b.Append(batch, []Transition{{Heartbeat: h, Change: monitor.Change{Ping: p}}}, map[string]*StoredHeartbeat{h.ID: stored(heartbeat(key, number-1))})
	if err != nil {
		t.Fatal(err)
	}
	return nil
}

// stored returns a heartbeat as it is read from the tables.
func stored(h monitor.Heartbeat) *StoredHeartbeat { return &StoredHeartbeat{h, dueOf(&h)} }

// hold holds a heartbeat that was read from the tables with a number of pings.
func hold(t *testing.T, taken *Taken, key, pings int64) monitor.Heartbeat {
	t.Helper()
	h, err := taken.Hold(t.Context(), heartbeat(key, pings))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var roomy = Limits{FlushThreshold: 4, MaxPending: 10, MaxStates: 10, MaxBodyBytes: 1 << 20}

func TestAppend_EveryFieldOfAPingIsReadBackFromTheLog(t *testing.T) {
	b, path := newBuffer(t, Limits{FlushThreshold: 10, MaxPending: 10, MaxStates: 10, MaxBodyBytes: 1 << 20})
	want := ReceivedPing{ID: "a", Watermark: start, Ping: monitor.Ping{
		Number: 7, Kind: monitor.PingFail, At: start.Add(time.Microsecond), RunID: "run", ExitCode: 3, Method: "GET",
		Source: "192.0.2.1", UserAgent: "curl", Body: []byte{0, 255}, BodySize: 2,
	}}
	h := monitor.Heartbeat{Key: 1, ID: "a"}
	unknown := ReceivedPing{ID: "unknown", Ping: want.Ping, Watermark: start}
	received := want
	received.Ping.Number = 0 // ApplyPing assigns it
	err := b.Append([]ReceivedPing{unknown, received}, []Transition{{Heartbeat: h, Change: monitor.Change{Ping: want.Ping}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	records, _, err := wal.Read(path, walOwner)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v; want 1", len(records), err)
	}
	got, err := DecodeBatch(records[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ReceivedPing{want}, got); diff != "" {
		t.Errorf("pings (-appended +read):\n%s", diff)
	}
}

func TestTake_ReturnsPingsByHeartbeatAndKeepsThemIfTheyAreNotSaved(t *testing.T) {
	b, _ := newBuffer(t, roomy)
	appendPing(t, b, 2, 1)
	for n := range int64(2) {
		appendPing(t, b, 1, n+1)
	}
	if taken := b.Take(1, false); taken != nil {
		t.Fatalf("%d pings taken below the threshold; want none", len(taken.Transitions))
	}
	<-b.Wake() // by the first ping
	appendPing(t, b, 1, 3)
	select {
	case <-b.Wake():
	default:
		t.Error("no wake-up at the threshold")
	}
	taken := b.Take(1, false)
	if len(taken.Transitions) != 3 || taken.Transitions[0].Heartbeat.PingCount != 3 || taken.EndsRound {
		t.Fatalf("taken %+v; want the three pings of the first heartbeat, each with the heartbeat after all of them", taken)
	}
	appendPing(t, b, 1, 4) // meanwhile
	taken.Saved(false, false)
	if n := b.Len(); n != 5 {
		t.Errorf("%d pending pings after a failed flush; want 5", n)
	}
	taken = b.Take(10, true)
	if len(taken.Transitions) != 5 || !taken.EndsRound {
		t.Errorf("taken %+v; want all, and the end of the round", taken)
	}
	taken.Saved(true, false)
	if b.Len() != 0 || b.Take(10, true) != nil {
		t.Errorf("%d pending pings after everything was flushed; want none", b.Len())
	}
}

func TestNextDue_IsTheFirstEvaluationThatTheTablesDoNotContain(t *testing.T) {
	b, _ := newBuffer(t, roomy)
	appendPing(t, b, 1, 2) // later than the tables say
	if !b.NextDue().IsZero() {
		t.Errorf("next due %s; want the tables to be early enough", b.NextDue())
	}
	sooner := heartbeat(2, 1)
	later := heartbeat(2, 40)
	p := monitor.Ping{Number: 1}
	if err := b.Append([]ReceivedPing{{ID: sooner.ID, Ping: p}}, []Transition{{Heartbeat: sooner, Change: monitor.Change{Ping: p}}}, map[string]*StoredHeartbeat{sooner.ID: stored(later)}); err != nil {
		t.Fatal(err)
	}
	if want := sooner.EvaluationDue(); want.IsZero() || !b.NextDue().Equal(want) {
		t.Errorf("next due %s; want %s", b.NextDue(), want)
	}
	for n := range int64(3) { // each moves it
		appendPing(t, b, 2, n+2)
	}
	if want := heartbeat(2, 4).EvaluationDue(); !b.NextDue().Equal(want) || len(b.sooner) > 1 {
		t.Errorf("next due %s with %d items; want %s and one", b.NextDue(), len(b.sooner), want)
	}
	sooner = heartbeat(2, 4)
	taken := b.NewTaken()
	taken.DueBefore(sooner.EvaluationDue().Add(-monitor.Precision))
	if len(taken.Transitions) > 0 {
		t.Errorf("%d pings taken before they make a heartbeat due", len(taken.Transitions))
	}
	taken.DueBefore(sooner.EvaluationDue())
	if len(taken.Transitions) != 4 || taken.Transitions[0].Heartbeat.Key != 2 {
		t.Errorf("taken %+v; want the ping that makes a heartbeat due", taken.Transitions)
	}
	taken.Saved(false, false)
	if want := sooner.EvaluationDue(); !b.NextDue().Equal(want) {
		t.Errorf("next due %s after a transaction that failed; want %s", b.NextDue(), want)
	}
	taken = b.NewTaken()
	taken.DueBefore(sooner.EvaluationDue())
	if len(taken.Transitions) != 4 {
		t.Errorf("%d pings taken after a transaction that failed; want 4", len(taken.Transitions))
	}
	taken.Saved(true, false)
	if !b.NextDue().IsZero() {
		t.Errorf("next due %s after it was saved; want none", b.NextDue())
	}
}

func TestHold_PingsOfAHeldHeartbeatWaitAndOthersDoNot(t *testing.T) {
	b, _ := newBuffer(t, roomy)
	appendPing(t, b, 1, 1)
	taken := b.NewTaken()
	if h := hold(t, taken, 1, 0); h.PingCount != 1 || len(taken.Transitions) != 1 {
		t.Errorf("held %+v with %d pings to save; want it after its ping", h, len(taken.Transitions))
	}
	appendPing(t, b, 2, 1)
	held := tryAppend(t, b, 1, 2)
	if !held["b"] {
		t.Fatal("a ping of a held heartbeat was appended")
	}
	waited := make(chan error)
	go func() { waited <- b.WaitReleased(t.Context(), held) }()
	select {
	case <-waited:
		t.Fatal("the heartbeat is released before the transaction ends")
	default:
	}
	taken.Saved(true, true)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if states, held := begin(t, b, 1); len(states) > 0 || len(held) > 0 {
		t.Errorf("after a change: in memory %v, held %v; want it to be read again", states, held)
	}
}

// begin begins and finishes a batch of one heartbeat.
func begin(t *testing.T, b *Buffer, key int64) (states map[string]*monitor.Heartbeat, held map[string]bool) {
	t.Helper()
	defer b.Finish()
	return b.Begin([]ReceivedPing{{ID: heartbeat(key, 0).ID}})
}

func TestHold_WaitsForTheBatchThatIsBeingAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newBuffer(t, roomy)
		b.Begin([]ReceivedPing{{ID: heartbeat(1, 0).ID}})
		taken := b.NewTaken()
		got := make(chan monitor.Heartbeat)
		go func() { got <- hold(t, taken, 1, 0) }()
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("held while a ping of it is being appended")
		default:
		}
		h, p := heartbeat(1, 1), monitor.Ping{Number: 1}
		if err := b.Append([]ReceivedPing{{ID: h.ID, Ping: p}}, []Transition{{Heartbeat: h, Change: monitor.Change{Ping: p}}}, nil); err != nil {
			t.Fatal(err)
		}
		b.Finish()
		if h := <-got; h.PingCount != 1 {
			t.Errorf("held with %d pings; want 1", h.PingCount)
		}
		taken.Saved(false, false)
	})
}

func TestReader_AddsWhatWasSavedAfterItBegan(t *testing.T) {
	b, _ := newBuffer(t, roomy)
	appendPing(t, b, 1, 1)
	before := b.StartReading()
	taken := b.NewTaken()
	hold(t, taken, 1, 0)
	taken.Saved(true, true)
	after := b.StartReading()
	appendPing(t, b, 1, 2)
	for name, r := range map[string]struct {
		*Reader
		stored int64 // pings in the tables that it sees
		want   int
	}{"before": {before, 0, 2}, "after": {after, 1, 1}} {
		if h, err := r.Heartbeat(heartbeat(1, r.stored)); h.PingCount != 2 || err != nil {
			t.Errorf("a reader that began %s the transaction sees %d pings counted, %v; want 2", name, h.PingCount, err)
		}
		if got := r.Pings(1, r.stored); len(got) != r.want || got[0].Ping.Number != r.stored+1 || !r.HasPings(1) {
			t.Errorf("a reader that began %s the transaction gets %+v; want %d pings", name, got, r.want)
		}
		r.End()
	}
	if len(b.readers.retired) > 0 || len(b.readers.open) > 0 {
		t.Errorf("%d heartbeats are kept for %d readers; want none", len(b.readers.retired), len(b.readers.open))
	}
}

func TestPack_KeepsPendingPingsAndRemovesHeartbeatsWithoutThem(t *testing.T) {
	limits := roomy
	limits.MaxStates = 2
	b, _ := newBuffer(t, limits)
	appendPing(t, b, 1, 1)
	b.Take(10, true).Saved(true, false)
	for n := range int64(2) {
		appendPing(t, b, 2, n+1)
	}
	for key := range int64(3) {
		appendPing(t, b, 3+key, 1)
	}
	if states, _ := begin(t, b, 1); len(states) > 0 || b.byKey[1] != nil {
		t.Error("a heartbeat without pending pings stays in memory above the limit")
	}
	if states, _ := begin(t, b, 2); len(states) > 0 || b.byKey[2].heartbeat != nil || len(b.byKey[2].packedPings) == 0 {
		t.Fatal("the heartbeat that was not used for longest is not packed")
	}
	r := b.StartReading()
	defer r.End()
	settings := heartbeat(2, 0)
	settings.Name = "renamed"
	h, err := r.Heartbeat(settings)
	want := heartbeat(2, 2)
	want.Name = "renamed"
	if diff := cmp.Diff(want, h); diff != "" || err != nil {
		t.Errorf("packed and unpacked, %v (-want +got):\n%s", err, diff)
	}
	pings := r.Pings(2, 1)
	if len(pings) != 1 || pings[0].Ping.Number != 2 || string(pings[0].Ping.Body) != "body" {
		t.Errorf("pings after the first: %+v; want the second, with its body", pings)
	}
	for _, x := range b.Take(10, true).Transitions {
		if packed := x.Packed != nil; packed != (x.Heartbeat.Key < 4) {
			t.Errorf("heartbeat %d, packed: %t", x.Heartbeat.Key, packed)
		}
	}
}

// TestSaved_FailedTransactionsUseNoMemory: while a disk is full, each transaction fails.
func TestSaved_FailedTransactionsUseNoMemory(t *testing.T) {
	b, _ := newBuffer(t, roomy)
	for key := range int64(4) {
		appendPing(t, b, key, 1)
	}
	b.Take(1, true).Saved(true, false) // a round has begun
	for range 100 {
		b.Take(2, true).Saved(false, false)
		taken := b.NewTaken()
		hold(t, taken, 2, 0)
		taken.DueBefore(start.Add(time.Hour))
		taken.Saved(false, false)
	}
	if n := len(b.roundLeft); n != 3 {
		t.Errorf("%d heartbeats are left in the round; want 3", n)
	}
	all := b.NewTaken()
	if err := all.HoldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Saved(false, false)
	if taken := b.Take(10, true); len(taken.Transitions) != 3 || !taken.EndsRound {
		t.Errorf("taken %+v; want the pings of the three heartbeats", taken.Transitions)
	}
}

func TestIsFull_AtEachLimit(t *testing.T) {
	for name, limits := range map[string]Limits{
		"pings":  {FlushThreshold: 2, MaxPending: 2, MaxStates: 10, MaxBodyBytes: 1 << 20},
		"bodies": {FlushThreshold: 10, MaxPending: 10, MaxStates: 10, MaxBodyBytes: 8},
	} {
		b, _ := newBuffer(t, limits)
		appendPing(t, b, 1, 1)
		if b.IsFull() {
			t.Errorf("%s: full after one ping", name)
		}
		appendPing(t, b, 2, 1)
		if !b.IsFull() {
			t.Errorf("%s: not full at the limit", name)
		}
	}
}

// keptCase is a heartbeat whose tables contain a time of its next evaluation.
type keptCase struct {
	due      time.Duration // in the tables, after the ping; 0: none
	calendar bool
	failed   bool // a transaction failed before
	want     bool
}

// The ping is at the start, and the heartbeat is due a minute later.
func TestTake_KeepsATimeInTheTablesThatIsEarlyEnough(t *testing.T) {
	for name, c := range map[string]keptCase{
		"the same":                        {due: time.Minute, want: true},
		"a bit earlier":                   {due: time.Minute - time.Microsecond, want: true},
		"after half of the wait":          {due: 30 * time.Second, want: true},
		"before half of the wait":         {due: 30*time.Second - time.Microsecond},
		"later":                           {due: time.Minute + time.Microsecond},
		"none":                            {},
		"with a calendar":                 {due: time.Minute, calendar: true},
		"after a transaction that failed": {due: time.Minute, failed: true},
	} {
		b, _ := newBuffer(t, roomy)
		h, p := heartbeat(1, 0), monitor.Ping{Number: 1, At: start}
		if c.calendar {
			calendar, err := monitor.NewCalendar(monitor.Cron, []string{"* * * * *"}, "")
			if err != nil {
				t.Fatal(err)
			}
			h.Rule.Interval, h.Rule.Calendar = 0, calendar
		}
		read := &StoredHeartbeat{Heartbeat: h}
		if c.due > 0 {
			read.Due = start.Add(c.due).UnixMicro()
		}
		if err := b.Append([]ReceivedPing{{ID: h.ID, Ping: p}}, []Transition{{Heartbeat: h, Change: monitor.Change{Ping: p}}}, map[string]*StoredHeartbeat{h.ID: read}); err != nil {
			t.Fatal(err)
		}
		if c.failed {
			b.Take(10, true).Saved(false, false)
		}
		taken := b.Take(10, true)
		if got := taken.Transitions[0].KeepsDue; got != c.want {
			t.Errorf("%s: kept %t; want %t", name, got, c.want)
		}
		taken.Saved(true, false)
		want := dueOf(&h)
		if c.want {
			want = read.Due
		}
		if got := b.byKey[1].tablesDue; got != want {
			t.Errorf("%s: afterwards the tables say %d; want %d", name, got, want)
		}
	}
}

// A transaction can take pings of a heartbeat twice: when it holds it, and when it holds all.
func TestTake_ASecondTimeKeepsNothing(t *testing.T) {
	b, _ := newBuffer(t, roomy)
	say := func(number int64, due time.Duration) {
		h, p := heartbeat(1, number), monitor.Ping{Number: number, At: start}
		h.CountedFrom = start.Add(due - time.Minute)
		read := map[string]*StoredHeartbeat{h.ID: {Heartbeat: h, Due: start.Add(70 * time.Second).UnixMicro()}}
		if err := b.Append([]ReceivedPing{{ID: h.ID, Ping: p}}, []Transition{{Heartbeat: h, Change: monitor.Change{Ping: p}}}, read); err != nil {
			t.Fatal(err)
		}
	}
	say(1, 50*time.Second)
	taken := b.NewTaken()
	b.mu.Lock()
	taken.add(b.byKey[1])
	b.mu.Unlock()
	say(2, 2*time.Minute)
	b.mu.Lock()
	taken.add(b.byKey[1])
	b.mu.Unlock()
	if len(taken.Transitions) != 2 || taken.Transitions[0].KeepsDue || taken.Transitions[1].KeepsDue {
		t.Errorf("taken %+v; want both times stored", taken.Transitions)
	}
	taken.Saved(true, false)
}
