package listindex

import (
	"context"
	"fmt"
	"math"
	"sync"
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
		Load: func(_ context.Context, part func() func(Row)) error {
			add := part()
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
	ix.Load = func(ctx context.Context, part func() func(Row)) error {
		loads++
		return load(ctx, part)
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
	ix.Load = func(ctx context.Context, part func() func(Row)) error {
		if !committed {
			t.Error("the rows are read before the commit has ended")
		}
		return load(ctx, part)
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

// TestIndex_PartsAreMerged compares an index that was loaded in parts, at the same time, with
// one that was loaded at once.
func TestIndex_PartsAreMerged(t *testing.T) {
	const n = 10_000
	row := func(key int64) Row {
		return Row{State: State{Project: 1 + key%3, Key: key, Status: monitor.Up, Due: -key}, Name: fmt.Sprint("job ", key), Tags: []string{fmt.Sprint("t", key%7), fmt.Sprint("u", n/(key+1))}}
	}
	load := func(parts ...[2]int64) *Index {
		ix := &Index{Load: func(_ context.Context, part func() func(Row)) error {
			var all sync.WaitGroup
			for _, keys := range parts {
				add := part()
				all.Go(func() {
					for key := max(keys[0], 1); key <= min(keys[1], n); key++ {
						add(row(key))
					}
				})
			}
			all.Wait()
			return nil
		}}
		if err := ix.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		return ix
	}
	describe := func(ix *Index) (text string) {
		ix.View(func(v View) {
			for project := int64(1); project <= 3; project++ {
				tags, total := v.TopTags(project, 20)
				text += fmt.Sprintln(v.Count(project), tags, total)
				for _, f := range []Filter{{}, {Tags: []string{"t3", "u2"}}, {Text: "job 77"}, {Sort: "name"}, {Sort: "due", Text: "u4"}} {
					f.Project, f.Limit = project, 200
					page, found := v.Select(f, nil)
					text += fmt.Sprintln(page, found)
				}
			}
		})
		return text
	}
	parts := Split(1, 10*minPart, 9)
	if len(parts) != maxParts {
		t.Errorf("%d parts; want %d", len(parts), maxParts)
	}
	if want, got := describe(load([2]int64{1, n})), describe(load([2]int64{1, 2000}, [2]int64{2001, 2001}, [2]int64{2002, 9000}, [2]int64{9001, n})); got != want {
		t.Errorf("loaded in parts:\n%.2000s\nwant:\n%.2000s", got, want)
	}
	for _, keys := range [][2]int64{{1, 10 * minPart}, {0, 0}, {1, 5}, {-7, 3*minPart + 1}} {
		next := int64(math.MinInt64)
		for _, part := range Split(keys[0], keys[1], 4) {
			if part[0] != next || part[1] < part[0] {
				t.Errorf("Split(%v): part %v does not begin at %d", keys, part, next)
			}
			next = part[1] + 1
		}
		if next != math.MinInt64 { // after the highest
			t.Errorf("Split(%v) ends before %d", keys, next)
		}
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
