package crash_test

import (
	"path/filepath"
	"testing"
	"time"
)

func TestABackupUnderLoadHoldsAllThatWasAcknowledgedBefore(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	busy := makeHeartbeats(t, s.api(), "busy", 100, seldom)
	l := startLoad(t, &load{book: newBook(busy), heartbeats: busy, addresses: []string{s.address}}, 32, chance(t))
	for n, name := range []string{"first", "second"} {
		l.book.awaitAcks(t, 1000, 30*time.Second)
		file := filepath.Join(t.TempDir(), name+".db")
		before := l.book.soFar()
		overdue(t, "backup", file, "--database", s.database)
		l.book.awaitAcks(t, 1, 20*time.Second)
		overdue(t, "check", "--database", file)
		if n == 0 {
			continue // one is enough to look into
		}
		l.stop()
		restored := newServer(t, file)
		restored.startReady(t)
		before.verify(t, restored.api())
		restored.stop(t)
	}
	l.book.verify(t, s.api())
	s.stop(t)
}
