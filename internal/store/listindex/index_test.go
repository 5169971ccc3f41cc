package listindex

import (
	"context"
	"fmt"
	"testing"
	"unsafe"

	"overdue/internal/monitor"
)

// maxBytesPerHeartbeat is the memory of a heartbeat in the index without its texts.
const maxBytesPerHeartbeat = 64

func TestChunk_TakesFewBytesPerHeartbeat(t *testing.T) {
	if n := unsafe.Sizeof(chunk{}) / chunkSize; n > maxBytesPerHeartbeat {
		t.Errorf("a heartbeat takes %d bytes; want at most %d", n, maxBytesPerHeartbeat)
	}
}

// loaded returns an index with n heartbeats of project 1, in which no statement is needed.
func loaded(t *testing.T, n int64) *Index {
	t.Helper()
	ix := &Index{
		Load: func(_ context.Context, add func(Row)) error {
			for key := int64(1); key <= n; key++ {
				add(Row{State: State{Project: 1, Key: key, Status: monitor.Up}, Name: fmt.Sprint("job ", key)})
			}
			return nil
		},
		Read: func(context.Context, []int64, func(Row)) error { return nil },
	}
	if err := ix.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ix
}

// down returns the number of heartbeats that are Down.
func down(ix *Index) (n int) {
	ix.View(func(v View) { n = v.StatusCounts(1).ByStatus[monitor.Down] })
	return n
}

func TestIndex_AnEarlierStateNeverReplacesALaterOne(t *testing.T) {
	ix := loaded(t, 3)
	first, second := ix.Begin(), ix.Begin()
	second.End(Effects{States: []State{{Project: 1, Key: 2, Status: monitor.Down}}})
	first.End(Effects{States: []State{{Project: 1, Key: 2, Status: monitor.Up}}})
	if n := down(ix); n != 1 {
		t.Errorf("%d heartbeats are down; want the one of the later change", n)
	}
}

// TestIndex_ABufferedStateNeverReplacesThatOfACommitInProgress: the buffer has the state before a
// transaction until that has ended.
func TestIndex_ABufferedStateNeverReplacesThatOfACommitInProgress(t *testing.T) {
	ix := loaded(t, 3)
	ix.Begin().End(Effects{Unknown: true})
	ix.Buffered = func(_ context.Context, add func([]State)) error {
		commit := ix.Begin()
		add([]State{{Project: 1, Key: 1, Status: monitor.Up}, {Project: 1, Key: 2, Status: monitor.Down}})
		commit.End(Effects{States: []State{{Project: 1, Key: 1, Status: monitor.Down}}})
		return nil
	}
	if err := ix.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := down(ix); n != 2 {
		t.Errorf("%d heartbeats are down; want that of the commit and the buffered one", n)
	}
}

func TestIndex_AChangeOfUnknownHeartbeatsLoadsEverythingAgain(t *testing.T) {
	ix := loaded(t, 3)
	loads := 0
	load := ix.Load
	ix.Load = func(ctx context.Context, add func(Row)) error {
		loads++
		return load(ctx, add)
	}
	ix.Begin().End(Effects{Unknown: true})
	if err := ix.Ready(t.Context()); err != nil || loads != 1 {
		t.Errorf("loaded %d times, %v", loads, err)
	}
}

func TestIndex_ALoadWaitsForCommitsThatHaveBegun(t *testing.T) {
	ix := loaded(t, 3)
	ix.Begin().End(Effects{Unknown: true})
	commit := ix.Begin()
	committed := false
	load := ix.Load
	ix.Load = func(ctx context.Context, add func(Row)) error {
		if !committed {
			t.Error("the rows are read before the commit has ended")
		}
		return load(ctx, add)
	}
	ready := make(chan error)
	go func() { ready <- ix.Ready(t.Context()) }()
	for {
		ix.mu.Lock()
		waiting := len(ix.waiting)
		ix.mu.Unlock()
		if waiting > 0 {
			break
		}
	}
	committed = true
	commit.End(Effects{States: []State{{Project: 1, Key: 1, Status: monitor.Down}}})
	if err := <-ready; err != nil {
		t.Error(err)
	}
}

func TestKeys_AreReadAsTheyWereWritten(t *testing.T) {
	want := map[int64]int64{1: 1, 900: 2, 901: 2, -5: 1, 1 << 40: 7}
	got := map[int64]int64{}
	if err := DecodeKeys(EncodeKeys(want), got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if err := DecodeKeys([]byte{0xff}, got); err == nil {
		t.Error("half a key is accepted")
	}
}
