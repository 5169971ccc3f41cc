package app

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

func TestProcessLimit_IsTheLowerOfContainerAndHeap(t *testing.T) {
	const mib = 1 << 20
	for _, row := range []struct {
		name      string
		container uint64
		heap      int64
		want      memoryLimit
	}{
		{"no limit", 0, math.MaxInt64, 0},
		{"a container without a limit", math.MaxUint64, math.MaxInt64, 0},
		{"a container", 100 * mib, math.MaxInt64, 100 * mib},
		{"a heap", 0, 63 * mib, 100 * mib},
		{"a small heap in a large container", 4096 * mib, 63 * mib, 100 * mib},
		{"a large heap in a small container", 100 * mib, 4096 * mib, 100 * mib},
	} {
		if got := processLimit(row.container, row.heap); got != row.want {
			t.Errorf("%s: %d bytes; want %d", row.name, got, row.want)
		}
	}
}

func TestMemoryLimit_SharesFitTheWhole(t *testing.T) {
	const mib = 1 << 20
	for limit, heap := range map[memoryLimit]int64{64 * mib: 32 * mib, 100 * mib: 60 * mib, 1000 * mib: 870 * mib} {
		if got := limit.heapLimit(); got != heap {
			t.Errorf("of %d MiB Go's heap may take %d MiB; want %d", limit/mib, got/mib, heap/mib)
		}
		if got := limit.bodyBudget() + int64(limit.maxDeliveries())*100_000; got > heap/2 {
			t.Errorf("of %d MiB bodies and deliveries may take %d MiB; want at most half of the heap's %d", limit/mib, got/mib, heap/mib)
		}
	}
	if none := memoryLimit(0); none.bodyBudget() != 256*mib || none.maxDeliveries() != 1024 {
		t.Errorf("without a limit: %d bytes of bodies, %d deliveries; want 256 MiB and 1024", none.bodyBudget(), none.maxDeliveries())
	}
}

func TestDispatcher_SendsNoMoreAtOnceThanItsMemoryAllows(t *testing.T) {
	simulate(t, func(sim *simulation) {
		for i := range 3 {
			sim.addChannel(fmt.Sprint("another ", i), monitor.Channel{})
		}
		var now, peak, sent atomic.Int64
		n := sim.startNode(withMaxConcurrent(5), withSend(func(context.Context, string, setting.Values, message.Notification) (notify.Receipt, error) {
			if at := now.Add(1); at > peak.Load() {
				peak.Store(at)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			sent.Add(1)
			return notify.Receipt{Status: 200}, nil
		}))
		for i := range 5 {
			sim.addHeartbeat(fmt.Sprint("job", i), fiveMinuteRule)
			sim.mustPing(n, fmt.Sprint("job", i), "/fail")
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if peak.Load() != 5 || sent.Load() != 20 {
			sim.t.Errorf("%d alerts sent, at most %d at once; want 20, 5", sent.Load(), peak.Load())
		}
	})
}
