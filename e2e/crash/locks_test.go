package crash_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// timedPings pings a heartbeat from several clients until stop, which returns the
// number of answers per status and the longest time.
func timedPings(t *testing.T, s *server, id string) (stop func() (statuses map[int]int, longest time.Duration)) {
	t.Helper()
	var mu sync.Mutex
	statuses, longest, done := map[int]int{}, time.Duration(0), make(chan struct{})
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() {
			c := http.Client{Timeout: 20 * time.Second}
			for {
				select {
				case <-done:
					return
				case <-time.After(30 * time.Millisecond):
				}
				begun, status := time.Now(), 0
				if resp, err := c.Post("http://"+s.address+"/api/v1/hb/"+id, "", nil); err == nil {
					status = resp.StatusCode
					_ = resp.Body.Close() // only the status counts
				}
				mu.Lock()
				statuses[status]++
				longest = max(longest, time.Since(begun))
				mu.Unlock()
			}
		})
	}
	return func() (map[int]int, time.Duration) {
		close(done)
		clients.Wait()
		return statuses, longest
	}
}

// TestLocks_OfAnotherPostgreSQLSessionDelayOnlyWhatTheyLock locks a row and then the
// table of heartbeats.
func TestLocks_OfAnotherPostgreSQLSessionDelayOnlyWhatTheyLock(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	s := newServer(t, database.Address())
	s.startReady(t)
	heartbeats := createHeartbeats(t, s.api(), "busy", 2, longInterval)
	for _, c := range []struct {
		lock   string
		others int // status of the other heartbeat
	}{
		{"SELECT 1 FROM heartbeats WHERE name = 'busy 0' FOR UPDATE", http.StatusOK},
		{"LOCK TABLE heartbeats", http.StatusServiceUnavailable},
	} {
		release, err := database.Hold(c.lock)
		if err != nil {
			t.Fatal(err)
		}
		locked, other := timedPings(t, s, *heartbeats[0].ID), timedPings(t, s, *heartbeats[1].ID)
		sleep(t.Context(), 8*time.Second)
		lockedStatuses, lockedLongest := locked()
		otherStatuses, otherLongest := other()
		t.Logf("%s: locked %v, longest %s; other %v, longest %s", c.lock, lockedStatuses, lockedLongest, otherStatuses, otherLongest)
		if len(lockedStatuses) != 1 || lockedStatuses[http.StatusServiceUnavailable] == 0 || lockedLongest > maxRejectionTime {
			t.Errorf("%s: answers %v, longest %s; want 503 within %s", c.lock, lockedStatuses, lockedLongest, maxRejectionTime)
		}
		if len(otherStatuses) != 1 || otherStatuses[c.others] == 0 || otherLongest > maxRejectionTime {
			t.Errorf("%s: another heartbeat: answers %v, longest %s; want %d", c.lock, otherStatuses, otherLongest, c.others)
		}
		released := time.Now()
		if err := release(); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, maxRecoveryTime, "a ping is stored", func() bool {
			resp, err := http.Post("http://"+s.address+"/api/v1/hb/"+*heartbeats[0].ID, "", nil)
			return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
		})
		t.Logf("stored %s after the lock ended", time.Since(released))
	}
	s.stop(t)
}
