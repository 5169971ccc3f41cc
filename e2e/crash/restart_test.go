package crash_test

import (
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/client"
)

// newConnectionLoad is a number of jobs that open a new connection for each ping, as
// curl does.
type newConnectionLoad struct {
	recorder         *pingRecorder
	sent, unanswered atomic.Int64
	slowest          atomic.Int64 // longest response time, in ns
	stopped          atomic.Bool
	jobs             sync.WaitGroup
}

// startNewConnectionLoad starts jobs that ping until stop.
func startNewConnectionLoad(t *testing.T, s *server, heartbeats []client.Heartbeat, jobs int) *newConnectionLoad {
	t.Helper()
	l := &newConnectionLoad{recorder: newPingRecorder(heartbeats)}
	for n := range jobs {
		l.jobs.Go(func() {
			for i := n; !l.stopped.Load(); i += jobs {
				l.pingOnce(s.address, *heartbeats[i%len(heartbeats)].ID)
				sleep(t.Context(), time.Duration(rand.IntN(20))*time.Millisecond)
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

// pingOnce sends one ping over a new connection. One in eight waits between the
// connection and the request, as a client far away does.
func (l *newConnectionLoad) pingOnce(address, id string) {
	w := &pingConn{address: address}
	defer w.close()
	began := time.Now()
	p := ping{id: id, method: http.MethodPost, rid: uuid.NewString()}
	if l.recorder.sentCount(id) >= maxPingsPerHeartbeat {
		return
	}
	l.recorder.recordSent(p)
	l.sent.Add(1)
	var a pingResponse
	if err := w.write(""); err == nil {
		if rand.IntN(8) == 0 {
			time.Sleep(time.Duration(rand.IntN(900)) * time.Millisecond)
		}
		a = w.send(p)
	}
	l.recorder.recordResponse(p, a)
	if !a.ok() {
		l.unanswered.Add(1)
	}
	for took := int64(time.Since(began)); ; {
		was := l.slowest.Load()
		if took <= was || l.slowest.CompareAndSwap(was, took) {
			return
		}
	}
}

// stop waits until every job has finished its request.
func (l *newConnectionLoad) stop() {
	l.stopped.Store(true)
	l.jobs.Wait()
}

// verify checks that every ping was answered and is stored.
func (l *newConnectionLoad) verify(t *testing.T, s *server) {
	t.Helper()
	l.stop()
	t.Logf("%d restarts, %d new connections, %d without an answer, slowest answer after %s",
		*restartsFlag, l.sent.Load(), l.unanswered.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond))
	if n := l.unanswered.Load(); n > 0 {
		t.Errorf("%d of %d pings have no answer", n, l.sent.Load())
	}
	l.recorder.verify(t, s.api())
}

// inheritSocket opens the socket of a server in the test process, which holds it as
// systemd does.
func (s *server) inheritSocket(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // nothing is read from it
	if s.socket, err = l.(*net.TCPListener).File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.socket.Close() })
}

func TestServe_ARestartWithAnInheritedSocketAnswersEveryConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.inheritSocket(t)
	s.startReady(t)
	l := startNewConnectionLoad(t, s, createHeartbeats(t, s.api(), "busy", 60, longInterval), 32)
	for range *restartsFlag {
		sleep(t.Context(), 500*time.Millisecond)
		s.stop(t)
		s.start(t)
		s.waitForReadyz(t, http.StatusOK, 20*time.Second)
	}
	l.verify(t, s)
	s.stop(t)
}
