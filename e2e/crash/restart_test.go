package crash_test

import (
	"errors"
	"flag"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/client"
)

// heartbeatsFlag sets the number of heartbeats of a server that restarts.
var heartbeatsFlag = flag.Int("restart-heartbeats", 60, "heartbeats of a server that restarts under load")

// restartLoad is a number of jobs that ping while the server restarts.
type restartLoad struct {
	recorder         *pingRecorder
	sent, unanswered atomic.Int64
	slowest          atomic.Int64 // longest response time, in ns
	stopped          atomic.Bool
	jobs             sync.WaitGroup
}

// startNewConnectionLoad starts jobs that open a new connection for each ping, as curl
// does, until stop.
func startNewConnectionLoad(t *testing.T, s *server, heartbeats []client.Heartbeat, jobs int) *restartLoad {
	t.Helper()
	l := &restartLoad{recorder: newPingRecorder(heartbeats)}
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

// startKeptConnectionLoad starts jobs that ping over one connection each, until the server
// asks them to close it.
func startKeptConnectionLoad(t *testing.T, s *server, heartbeats []client.Heartbeat, jobs int) *restartLoad {
	t.Helper()
	l := &restartLoad{recorder: newPingRecorder(heartbeats)}
	for n := range jobs {
		l.jobs.Go(func() {
			w := &pingConn{address: s.address}
			defer w.close()
			for i := n; !l.stopped.Load(); i += jobs {
				l.ping(w, *heartbeats[i%len(heartbeats)].ID, 0)
				sleep(t.Context(), time.Duration(rand.IntN(40))*time.Millisecond)
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

// pingOnce sends one ping over a new connection. One in eight waits between the
// connection and the request, as a client far away does.
func (l *restartLoad) pingOnce(address, id string) {
	w := &pingConn{address: address}
	defer w.close()
	delay := 0 * time.Millisecond
	if rand.IntN(8) == 0 {
		delay = time.Duration(rand.IntN(900)) * time.Millisecond
	}
	l.ping(w, id, delay)
}

// ping sends one ping. delay is the time between a new connection and the request.
func (l *restartLoad) ping(w *pingConn, id string, delay time.Duration) {
	began := time.Now()
	p := ping{id: id, method: http.MethodPost, rid: uuid.NewString()}
	if l.recorder.sentCount(id) >= maxPingsPerHeartbeat {
		return
	}
	l.recorder.recordSent(p)
	l.sent.Add(1)
	var a pingResponse
	if err := w.write(""); err == nil {
		time.Sleep(delay)
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
func (l *restartLoad) stop() {
	l.stopped.Store(true)
	l.jobs.Wait()
}

// verify checks that every ping was answered and is stored.
func (l *restartLoad) verify(t *testing.T, s *server) {
	t.Helper()
	l.stop()
	t.Logf("%d restarts, %d pings, %d without an answer, slowest answer after %s",
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
	l := startNewConnectionLoad(t, s, createHeartbeats(t, s.api(), "busy", *heartbeatsFlag, longInterval), 32)
	var stopped, back []time.Duration
	for range *restartsFlag {
		sleep(t.Context(), 500*time.Millisecond)
		began := time.Now()
		s.stop(t)
		stopped = append(stopped, time.Since(began))
		s.start(t)
		s.waitForReadyz(t, http.StatusOK, 20*time.Second)
		back = append(back, time.Since(began))
	}
	l.verify(t, s)
	slices.Sort(stopped)
	slices.Sort(back)
	t.Logf("%d heartbeats, from SIGTERM to the end: median %s, max %s; to the first response of the next process: median %s, max %s",
		*heartbeatsFlag, stopped[len(stopped)/2], slices.Max(stopped), back[len(back)/2], slices.Max(back))
	s.stop(t)
}

// restartInPlace requests a restart, and waits until the next program serves.
func (s *server) restartInPlace(t *testing.T) {
	t.Helper()
	before := len(s.logged(t, "restart complete"))
	s.signal(t, syscall.SIGUSR2)
	waitUntil(t, 30*time.Second, "restart complete", func() bool { return len(s.logged(t, "restart complete")) > before })
}

// logged returns the log records with a message.
func (s *server) logged(t *testing.T, message string) (records []string) {
	t.Helper()
	log, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `"msg":"`+message+`"`) {
			records = append(records, strings.TrimSpace(line))
		}
	}
	return records
}

func TestServe_ARestartInPlaceAnswersEveryConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.level = "info"
	s.startReady(t)
	l := startNewConnectionLoad(t, s, createHeartbeats(t, s.api(), "busy", *heartbeatsFlag, longInterval), 32)
	for range *restartsFlag {
		sleep(t.Context(), 500*time.Millisecond)
		s.restartInPlace(t)
	}
	l.verify(t, s)
	for _, line := range s.logged(t, "restart complete") {
		t.Log(line)
	}
	s.stop(t)
}

func TestServe_ARestartAnswersPingsOnKeptConnections(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.level = "info"
	s.inheritSocket(t)
	s.startReady(t)
	l := startKeptConnectionLoad(t, s, createHeartbeats(t, s.api(), "busy", 60, longInterval), 32)
	for n := range *restartsFlag {
		sleep(t.Context(), 500*time.Millisecond)
		if n%2 == 0 {
			s.restartInPlace(t)
			continue
		}
		s.stop(t)
		s.start(t)
		s.waitForReadyz(t, http.StatusOK, 20*time.Second)
	}
	l.verify(t, s)
	s.stop(t)
}

// A restart must not end a server that runs. The operator reads in the log why it
// continues, and repairs the cause.
func TestServe_ARestartIsCancelledIfTheNewProgramCannotStart(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.level, s.program = "info", filepath.Join(t.TempDir(), "overdue")
	install := func(from string) {
		t.Helper()
		if err := os.Remove(s.program); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.Symlink(from, s.program); err != nil {
			t.Fatal(err)
		}
	}
	install(binary)
	s.startReady(t)
	id := *createHeartbeats(t, s.api(), "busy", 1, longInterval)[0].ID
	l := &restartLoad{recorder: newPingRecorder()}
	l.recorder.sent[id], l.recorder.acked[id] = map[string]bool{}, map[string]string{}
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho a reason >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for n, program := range []string{broken, "/dev/null"} {
		install(program)
		s.signal(t, syscall.SIGUSR2)
		waitUntil(t, 10*time.Second, "restart cancelled", func() bool { return len(s.logged(t, "restart cancelled")) > n })
		l.pingOnce(s.address, id)
	}
	if first := s.logged(t, "restart cancelled")[0]; !strings.Contains(first, "a reason") {
		t.Errorf("the log does not say why: %s", first)
	}
	install(binary)
	for range 1000 {
		s.signal(t, syscall.SIGUSR2) // at any time, also while the program is replaced
		sleep(t.Context(), 2*time.Millisecond)
	}
	waitUntil(t, 30*time.Second, "restart complete", func() bool { return len(s.logged(t, "restart complete")) > 0 })
	l.pingOnce(s.address, id)
	l.verify(t, s)
	s.stop(t)
}

// A stop after a restart in place is like any other: the port is closed.
func TestServe_AStopDuringARestartInPlaceStopsTheServer(t *testing.T) {
	t.Parallel()
	for range 5 {
		s := newServer(t, sqliteFile(t))
		s.startReady(t)
		s.signal(t, syscall.SIGUSR2)
		sleep(t.Context(), randomDuration(newRandom(t), 0, 500*time.Millisecond))
		s.signal(t, syscall.SIGTERM)
		s.waitForExit(t)
		if _, err := net.Dial("tcp", s.address); err == nil {
			t.Error("the port is still open")
		}
	}
}

func TestServe_ARestartInPlaceOnPostgreSQLAnswersEveryConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t, newPostgres(t).Address())
	s.level = "info"
	s.startReady(t)
	l := startNewConnectionLoad(t, s, createHeartbeats(t, s.api(), "busy", 60, longInterval), 16)
	for range *restartsFlag {
		sleep(t.Context(), 500*time.Millisecond)
		s.restartInPlace(t)
	}
	l.verify(t, s)
	s.stop(t)
}
