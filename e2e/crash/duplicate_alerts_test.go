package crash_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestDeliver_AKillDuplicatesOnlyTheAlertsInFlight kills the server while many
// heartbeats fail at once, and counts the alerts that arrive more than once.
func TestDeliver_AKillDuplicatesOnlyTheAlertsInFlight(t *testing.T) {
	t.Parallel()
	const many, kills, maxInFlight = 400, 6, 32
	r := newRandom(t)
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	told := newReceiver(t, s.api())
	told.slow = func() time.Duration { return 5 * time.Millisecond }
	failing := createHeartbeats(t, s.api(), "failing", many, longInterval)
	book := newPingRecorder(failing)
	var jobs sync.WaitGroup
	for n := range 8 {
		jobs.Go(func() {
			w := &pingConn{address: s.address}
			defer w.close()
			for _, h := range failing[n*many/8 : (n+1)*many/8] {
				for !book.send(w, *h.ID, http.MethodPost, "/fail", "").ok() && sleep(t.Context(), 20*time.Millisecond) {
				}
			}
		})
	}
	for range kills {
		before := len(told.all())
		waitUntil(t, 30*time.Second, "alerts are sent", func() bool { return len(told.all()) >= min(before+20, many) })
		sleep(t.Context(), randomDuration(r, 0, 100*time.Millisecond))
		s.kill(t)
		s.startReady(t)
	}
	jobs.Wait()
	times := map[string]int{}
	waitUntil(t, 60*time.Second, "every alert has arrived", func() bool {
		clear(times)
		for _, got := range told.all() {
			times[got.alert]++
		}
		return len(times) >= many
	})
	doubled := 0
	for alert, n := range times {
		if n > 1 {
			doubled += n - 1
			t.Logf("%s arrived %d times", alert, n)
		}
	}
	if len(times) != many || doubled > kills*maxInFlight {
		t.Errorf("%d alerts, %d duplicates, after %d kills; want %d alerts and at most %d duplicates per kill", len(times), doubled, kills, many, maxInFlight)
	}
	s.stop(t)
}
