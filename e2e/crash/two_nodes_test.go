package crash_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"overdue/client"
)

func TestServe_RejectsASecondServerOnTheSameFile(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	busy := createHeartbeats(t, s.api(), "busy", 20, longInterval)
	l := startLoad(t, &load{recorder: newPingRecorder(busy), heartbeats: busy, addresses: []string{s.address}}, 8, newRandom(t))
	second := s.secondServer(t)
	second.start(t)
	if code := second.waitForExit(t); code == 0 {
		t.Error("the second server exited with code 0")
	}
	if log := second.logTail(); !strings.Contains(log, "is already in use by another Overdue server") {
		t.Errorf("the second server does not log why it stops: %s", log)
	}
	l.recorder.waitForAcks(t, 100, 20*time.Second)
	l.stop()
	l.recorder.verify(t, s.api())
	s.stop(t)
	second.startReady(t) // the file is free now
	l.recorder.verify(t, second.api())
	second.stop(t)
}

func TestNode_TakesOverFromAKilledNode(t *testing.T) {
	t.Parallel()
	r := newRandom(t)
	dies := newServer(t, newPostgres(t).Address())
	lives := dies.secondServer(t)
	dies.startReady(t)
	lives.startReady(t)
	api := lives.api()
	failing, silent := createHeartbeats(t, api, "failing", 20, longInterval), createHeartbeats(t, api, "silent", 3, 1)
	busy := createHeartbeats(t, api, "busy", 100, longInterval)
	l := startLoad(t, &load{
		recorder: newPingRecorder(busy, failing, silent), heartbeats: busy, addresses: []string{dies.address, lives.address},
	}, 32, r)

	// The receiver responds only to the surviving node. So the other node still has its
	// claims when it is killed.
	told := newReceiver(t, api)
	told.unansweredBase = dies.base
	toDies := &pingConn{address: dies.address}
	for _, h := range failing {
		if a := l.recorder.send(toDies, *h.ID, http.MethodPost, "/fail", ""); !a.ok() {
			t.Fatalf("answer %+v", a)
		}
	}
	waitUntil(t, 20*time.Second, "the node that will die holds alerts", func() bool { return claimedAlerts(told) >= 5 })
	for _, h := range silent {
		if a := l.recorder.send(toDies, *h.ID, http.MethodPost, "", ""); !a.ok() {
			t.Fatalf("answer %+v", a)
		}
	}
	dies.kill(t)
	died := time.Now()
	l.recorder.waitForAcks(t, 100, 20*time.Second)
	awaitIncidents(t, api, silent, 30*time.Second)
	t.Logf("the missed pings were detected %s after the other node was killed", time.Since(died).Round(time.Millisecond))
	awaitIncidents(t, api, failing, time.Second)
	l.stop()
	verifyTakenOver(t, api, told, append(failing, silent...))
	t.Logf("all alerts were delivered %s after it was killed; it had claimed %d", time.Since(died).Round(time.Millisecond), claimedAlerts(told))
	for _, h := range silent {
		historyOf(t, api, *h.ID).verifyMissedPings(t, nil)
	}
	l.recorder.verify(t, api)
	lives.stop(t)
	runOverdue(t, "check", "--database", lives.database)
}

// claimedAlerts returns the number of alerts that the node without responses has
// started to send.
func claimedAlerts(r *receiver) (n int) {
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
	waitUntil(t, longest, "all of "+heartbeats[0].Name+" … are down", func() bool {
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

// maxTakeover is the time after which another node sends the alerts that a killed node
// had claimed: the lease of one minute, and a few seconds to detect its end.
const maxTakeover = 75 * time.Second

// verifyTakenOver waits until the running node has sent the alert of each incident, and
// checks that it sent the alert once, with the id of the first attempt.
func verifyTakenOver(t *testing.T, api *client.Client, told *receiver, heartbeats []client.Heartbeat) {
	t.Helper()
	var incidents []client.IncidentDetail
	for _, h := range heartbeats {
		s := historyOf(t, api, *h.ID)
		if len(s.incidents) != 1 {
			t.Errorf("%s has %d incidents; want 1", h.Name, len(s.incidents))
		}
		incidents = append(incidents, s.incidents...)
	}
	waitUntil(t, maxTakeover, "the live node has sent the alert of every incident", func() bool {
		answered := map[string]int{}
		for _, got := range told.all() {
			if got.answered {
				answered[got.incident]++
			}
		}
		for _, i := range incidents {
			if answered[i.ID] > 1 {
				t.Fatalf("the running node sent the alert of incident %d %d times", i.Number, answered[i.ID])
			}
		}
		return len(answered) == len(incidents)
	})
	told.verify(t, incidents, 1)
}
