package writebehind

import (
	"path/filepath"
	"testing"
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

// appendPing appends a ping of the heartbeat with a key.
func appendPing(t *testing.T, b *Buffer, key, number int64) {
	t.Helper()
	id := string(rune('a' + key%26))
	h := monitor.Heartbeat{Key: key, ID: id, PingCount: number}
	p := monitor.Ping{Number: number, Kind: monitor.PingSuccess, At: start.Add(time.Duration(number) * time.Second), ExitCode: monitor.NoExitCode, Method: "POST", Body: []byte("body"), BodySize: 4}
	err := b.Append([]ReceivedPing{{ID: id, Ping: p, Watermark: p.At}}, []Transition{{Heartbeat: h, Change: monitor.Change{Ping: p}}},
		map[string]monitor.Heartbeat{id: h}, p.At.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
}

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
	err := b.Append([]ReceivedPing{unknown, received}, []Transition{{Heartbeat: h, Change: monitor.Change{Ping: want.Ping}}}, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	records, err := wal.Read(path, walOwner)
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

func TestTake_ReturnsWholeGroupsAndPutBackRestoresThem(t *testing.T) {
	b, _ := newBuffer(t, Limits{FlushThreshold: 4, MaxPending: 10, MaxStates: 10, MaxBodyBytes: 1 << 20})
	for n := range int64(3) {
		appendPing(t, b, 1, n+1)
	}
	if taken := b.Take(1); len(taken) > 0 {
		t.Fatalf("%d pings taken below the threshold; want none", len(taken))
	}
	appendPing(t, b, groupSize+1, 1)
	select {
	case <-b.Wake():
	default:
		t.Error("no wake-up at the threshold")
	}
	taken := b.Take(1)
	if len(taken) != 3 || taken[0].Heartbeat.PingCount != 3 {
		t.Fatalf("taken %+v; want the three pings of the first group, with the heartbeat after all of them", taken)
	}
	if n := b.Len(); n != 4 {
		t.Errorf("%d pending pings during a flush; want 4", n)
	}
	b.PutBack(taken)
	if n := len(b.Pending()); n != 4 {
		t.Errorf("%d pending pings after a failed flush; want 4", n)
	}
	b.ConfirmTaken(b.Take(10))
	if b.Len() != 0 || len(b.Pending()) != 0 {
		t.Errorf("%d pending pings after everything was flushed; want none", b.Len())
	}
}

func TestNextDue_IsTheEarliestOfAllPendingPings(t *testing.T) {
	b, _ := newBuffer(t, Limits{FlushThreshold: 10, MaxPending: 10, MaxStates: 10, MaxBodyBytes: 1 << 20})
	appendPing(t, b, 1, 2)
	appendPing(t, b, 2, 1)
	if want := start.Add(61 * time.Second); !b.NextDue().Equal(want) {
		t.Errorf("next due %s; want %s", b.NextDue(), want)
	}
	b.Flushed()
	if !b.NextDue().IsZero() {
		t.Errorf("next due %s after a flush; want none", b.NextDue())
	}
}

func TestIsFull_AtEachLimit(t *testing.T) {
	for name, limits := range map[string]Limits{
		"pings":  {FlushThreshold: 2, MaxPending: 2, MaxStates: 10, MaxBodyBytes: 1 << 20},
		"states": {FlushThreshold: 10, MaxPending: 10, MaxStates: 2, MaxBodyBytes: 1 << 20},
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
