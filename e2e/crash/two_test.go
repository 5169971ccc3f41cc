package crash_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"overdue/client"
)

func TestTwoServersOnOneSQLiteFileAreOneTooMany(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	busy := makeHeartbeats(t, s.api(), "busy", 20, seldom)
	l := startLoad(t, &load{book: newBook(busy), heartbeats: busy, addresses: []string{s.address}}, 8, chance(t))
	second := s.secondServer(t)
	second.start(t)
	if code := second.stopped(t); code == 0 {
		t.Error("the second server ended as if all were well")
	}
	if log := second.tail(); !strings.Contains(log, "is already in use by another Overdue server") {
		t.Errorf("the second server does not say why it ends: %s", log)
	}
	l.book.awaitAcks(t, 100, 20*time.Second)
	l.stop()
	l.book.verify(t, s.api())
	s.stop(t)
	second.startReady(t) // the file is free now
	l.book.verify(t, second.api())
	second.stop(t)
}

func TestANodeTakesOverFromOneThatIsKilled(t *testing.T) {
	t.Parallel()
	r := chance(t)
	dies := newServer(t, newPostgres(t).Address())
	lives := dies.secondServer(t)
	dies.startReady(t)
	lives.startReady(t)
	api := lives.api()
	failing, silent := makeHeartbeats(t, api, "failing", 20, seldom), makeHeartbeats(t, api, "silent", 3, 1)
	busy := makeHeartbeats(t, api, "busy", 100, seldom)
	l := startLoad(t, &load{
		book: newBook(busy, failing, silent), heartbeats: busy, addresses: []string{dies.address, lives.address},
	}, 32, r)

	// The receiver answers only the surviving node. So the other node still holds
	// its claims when it is killed.
	told := newReceiver(t, api)
	told.hang = dies.base
	toDies := &wire{address: dies.address}
	for _, h := range failing {
		if a := l.book.send(toDies, *h.ID, http.MethodPost, "/fail", ""); !a.ok() {
			t.Fatalf("answer %+v", a)
		}
	}
	await(t, 20*time.Second, "the node that will die holds alerts", func() bool { return held(told) >= 5 })
	for _, h := range silent {
		if a := l.book.send(toDies, *h.ID, http.MethodPost, "", ""); !a.ok() {
			t.Fatalf("answer %+v", a)
		}
	}
	dies.kill(t)
	died := time.Now()
	l.book.awaitAcks(t, 100, 20*time.Second)
	awaitIncidents(t, api, silent, 30*time.Second)
	t.Logf("silence was noticed %s after the other node died", time.Since(died).Round(time.Millisecond))
	awaitIncidents(t, api, failing, time.Second)
	l.stop()
	verifyTakenOver(t, api, told, append(failing, silent...))
	t.Logf("all alerts were delivered %s after it died; it had claimed %d", time.Since(died).Round(time.Millisecond), held(told))
	for _, h := range silent {
		storyOf(t, api, *h.ID).verifySilences(t, nil)
	}
	l.book.verify(t, api)
	lives.stop(t)
	overdue(t, "check", "--database", lives.database)
}

// held returns the number of alerts that the node without responses has started to send.
func held(r *receiver) (n int) {
	for _, got := range r.all() {
		if !got.answered {
			n++
		}
	}
	return n
}

// awaitIncidents waits until each heartbeat is down.
func awaitIncidents(t *testing.T, api *client.Client, heartbeats []client.Heartbeat, longest time.Duration) {
	t.Helper()
	await(t, longest, "all of "+heartbeats[0].Name+" … are down", func() bool {
		for _, h := range heartbeats {
			now, err := api.Heartbeat(t.Context(), *h.ID)
			if err != nil {
				t.Fatal(err)
			}
			if now.Status != "down" {
				return false
			}
		}
		return true
	})
}

// longestLease is the time after which another node sends the alerts that a dead
// node had claimed: the lease of a minute, and a few seconds to detect its end.
const longestLease = 75 * time.Second

// verifyTakenOver waits until the live node has sent the alert of each incident, and
// checks that it was sent once with the id of the first attempt.
func verifyTakenOver(t *testing.T, api *client.Client, told *receiver, heartbeats []client.Heartbeat) {
	t.Helper()
	var incidents []client.IncidentDetail
	for _, h := range heartbeats {
		s := storyOf(t, api, *h.ID)
		if len(s.incidents) != 1 {
			t.Errorf("%s has %d incidents; want 1", h.Name, len(s.incidents))
		}
		incidents = append(incidents, s.incidents...)
	}
	await(t, longestLease, "the live node has sent the alert of every incident", func() bool {
		answered := map[string]int{}
		for _, got := range told.all() {
			if got.answered {
				answered[got.incident]++
			}
		}
		for _, i := range incidents {
			if answered[i.ID] > 1 {
				t.Fatalf("the live node sent the alert of incident %d %d times", i.Number, answered[i.ID])
			}
		}
		return len(answered) == len(incidents)
	})
	told.verify(t, incidents, 1)
}
