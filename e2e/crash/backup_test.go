package crash_test

import (
	"path/filepath"
	"testing"
	"time"
)

func TestBackup_ContainsEveryPingAcknowledgedBeforeIt(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	busy := createHeartbeats(t, s.api(), "busy", 100, longInterval)
	l := startLoad(t, &load{recorder: newPingRecorder(busy), heartbeats: busy, addresses: []string{s.address}}, 32, newRandom(t))
	for n, name := range []string{"first", "second"} {
		l.recorder.waitForAcks(t, 1000, 30*time.Second)
		file := filepath.Join(t.TempDir(), name+".db")
		before := l.recorder.snapshot()
		runOverdue(t, "backup", file, "--database", s.database)
		l.recorder.waitForAcks(t, 1, 20*time.Second)
		runOverdue(t, "check", "--database", file)
		if n == 0 {
			continue // one backup is enough
		}
		l.stop()
		restored := newServer(t, file)
		restored.startReady(t)
		before.verify(t, restored.api())
		restored.stop(t)
	}
	l.recorder.verify(t, s.api())
	s.stop(t)
}
