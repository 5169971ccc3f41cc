package store_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestWriteBehind_LargeBodiesAreNotBuffered: a stream of large bodies without
// reads must neither fill the memory nor make the WAL too large to read.
func TestWriteBehind_LargeBodiesAreNotBuffered(t *testing.T) {
	w, path := serveSQLite(t)
	h := w.newSavedHeartbeat("job")
	received := w.receivedPing(h, monitor.PingSuccess, time.Second)
	received.Ping.Body = make([]byte, 60_000)
	for n := range 1200 { // 72 MB
		received.Ping.At = received.Ping.At.Add(time.Duration(n) * time.Millisecond)
		received.Watermark = received.Ping.At
		w.applyBatch(received)
	}
	rows, err := store.QueryReader(w.db, `SELECT COALESCE(SUM(count), 0) FROM ping_blocks`)
	if err != nil || rows == "0" {
		t.Errorf("%s of 1200 pings are in the tables (%v), so the rest is in memory", rows, err)
	}
	for n := range 2 {
		if about, err := os.Stat(fmt.Sprint(path, "-pings", n)); err != nil || about.Size() > 64<<20 {
			t.Errorf("file %d of the WAL: %v, %v", n, about.Size(), err)
		}
	}
}

func TestWriteBehind_FlushesLargeBodiesBeforeTheBufferIsFull(t *testing.T) {
	w, _ := serveSQLite(t)
	h := w.newSavedHeartbeat("backup")
	const many = 200 // of 60 kB: more than a third of the bytes that can be pending
	for n := range many {
		ping := w.receivedPing(h, monitor.PingSuccess, time.Duration(n)*time.Second)
		ping.Ping.Body = make([]byte, 60_000)
		w.applyBatch(ping)
	}
	for more := true; more; {
		var err error
		if more, err = store.FlushSome(w.db); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.storedPings(); n == "0" {
		t.Errorf("none of %d pings with large bodies was flushed", many)
	}
}
