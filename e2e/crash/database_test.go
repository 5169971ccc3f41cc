package crash_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestKillingPostgreSQLUnderLoadLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	r := chance(t)
	database := newPostgres(t)
	s := newServer(t, database.Address())
	s.startReady(t)
	busy := makeHeartbeats(t, s.api(), "busy", 100, seldom)
	l := startLoad(t, &load{book: newBook(busy), heartbeats: busy, addresses: []string{s.address}}, 32, r)
	for range 3 {
		l.book.awaitAcks(t, 300, 20*time.Second)
		if err := database.Kill(); err != nil {
			t.Fatal(err)
		}
		_, before := l.book.count()
		if said := s.awaitReady(t, http.StatusServiceUnavailable, 10*time.Second); !strings.Contains(said, "the database is unavailable") {
			t.Errorf("not ready, without the reason: %s", said)
		}
		rest(t.Context(), between(r, 2*time.Second, 3*time.Second))
		if _, after := l.book.count(); after == before {
			t.Error("no ping was rejected while PostgreSQL was down")
		}
		if err := database.Start(); err != nil {
			t.Fatal(err)
		}
		s.awaitReady(t, http.StatusOK, 30*time.Second)
		l.book.awaitAcks(t, 100, 20*time.Second)
	}
	l.stop()
	if !s.running() {
		t.Fatalf("the server ended: %s", s.cmd.ProcessState)
	}
	l.book.verify(t, s.api())
	s.stop(t)
}
