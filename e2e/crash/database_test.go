package crash_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestServe_KillingPostgreSQLLosesNoAcknowledgedPing(t *testing.T) {
	t.Parallel()
	r := newRandom(t)
	database := newPostgres(t)
	s := newServer(t, database.Address())
	s.startReady(t)
	busy := createHeartbeats(t, s.api(), "busy", 100, longInterval)
	l := startLoad(t, &load{recorder: newPingRecorder(busy), heartbeats: busy, addresses: []string{s.address}}, 32, r)
	for range 3 {
		l.recorder.waitForAcks(t, 300, 20*time.Second)
		if err := database.Kill(); err != nil {
			t.Fatal(err)
		}
		_, before := l.recorder.counts()
		if said := s.waitForReadyz(t, http.StatusServiceUnavailable, 10*time.Second); !strings.Contains(said, "the database is unavailable") {
			t.Errorf("/readyz does not contain the reason: %s", said)
		}
		sleep(t.Context(), randomDuration(r, 2*time.Second, 3*time.Second))
		if _, after := l.recorder.counts(); after == before {
			t.Error("no ping was rejected while PostgreSQL was down")
		}
		if err := database.Start(); err != nil {
			t.Fatal(err)
		}
		s.waitForReadyz(t, http.StatusOK, 30*time.Second)
		l.recorder.waitForAcks(t, 100, 20*time.Second)
	}
	l.stop()
	if !s.running() {
		t.Fatalf("the server ended: %s", s.cmd.ProcessState)
	}
	l.recorder.verify(t, s.api())
	s.stop(t)
}
