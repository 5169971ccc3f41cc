package crash_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/client"
)

// Loopback addresses of independent clients. The address of the machine, 127.0.0.1,
// is exempt from the limit of an address.
const (
	idleAddress = "127.0.0.2"
	jobAddress  = "127.0.0.3"
)

// incompleteRequests are the first bytes of requests, or nothing.
var incompleteRequests = []string{
	"", "POST /api/v1/h", "GET / HTTP/1.1\r\nHost: t\r\n",
	"POST /sign-in HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nemail=a",
	"POST /nothing HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nx",
}

// holdConnections opens connections that send only a part of a request. Until the end
// of the test, it replaces the connections that the server closes.
func holdConnections(t *testing.T, address, from string, connections int) {
	t.Helper()
	ctx := t.Context()
	var holders sync.WaitGroup
	t.Cleanup(holders.Wait)
	var first sync.WaitGroup
	for n := range connections {
		first.Add(1)
		holders.Go(func() {
			began := sync.OnceFunc(first.Done)
			defer began()
			for ctx.Err() == nil {
				w := &pingConn{address: address, from: from}
				err := w.write(incompleteRequests[n%len(incompleteRequests)])
				began()
				if err == nil {
					_, _ = io.Copy(io.Discard, closeWhenDone(ctx.Done(), w.conn)) // until the server closes it
				}
				w.close()
				sleep(ctx, 2*time.Second)
			}
		})
	}
	first.Wait()
}

// closeWhenDone closes the connection when done is closed, and returns it.
func closeWhenDone(done <-chan struct{}, c net.Conn) net.Conn {
	go func() {
		<-done
		_ = c.Close() // the test is over
	}()
	return c
}

// p99 returns the 99th percentile.
func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

// pingFrom pings each heartbeat in turn, each time on a new connection, and
// returns how long each took.
func pingFrom(t *testing.T, b *pingRecorder, s *server, from string, heartbeats []client.Heartbeat, times int) (took []time.Duration) {
	t.Helper()
	for n := range times {
		began := time.Now()
		w := &pingConn{address: s.address, from: from}
		a := b.send(w, *heartbeats[n%len(heartbeats)].ID, http.MethodPost, "", "")
		took = append(took, time.Since(began))
		w.close()
		if !a.ok() {
			t.Fatalf("ping %d: %+v", n, a)
		}
	}
	return took
}

func TestServe_ConnectionsHeldOpenDoNotBlockPings(t *testing.T) {
	t.Parallel()
	for files, connections := range map[int]int{256: 2000, 1024: 1024} {
		t.Run(fmt.Sprint(files, " files"), func(t *testing.T) {
			s := newServer(t, sqliteFile(t))
			s.files = files
			s.startReady(t)
			heartbeats := createHeartbeats(t, s.api(), "busy", 20, longInterval)
			b := newPingRecorder(heartbeats)
			quiet := pingFrom(t, b, s, jobAddress, heartbeats, 300)
			holdConnections(t, s.address, idleAddress, connections)
			took := pingFrom(t, b, s, jobAddress, heartbeats, 1000)
			t.Logf("%d files, %d connections held open: pings p99 %s, without them %s", files, connections, p99(took), p99(quiet))
			if metrics := s.metrics(t); !strings.Contains(metrics, `overdue_rejected_total{reason="connections_per_address"} `) ||
				strings.Contains(metrics, `overdue_rejected_total{reason="connections_per_address"} 0`) {
				t.Error("the metrics do not count the connections that were closed")
			}
			if said := s.logTail(); !strings.Contains(said, `"msg":"requests rejected"`) || strings.Count(said, `"reason":"connections_per_address"`) > 3 {
				t.Errorf("the log does not report the rejections once per minute:\n%s", said)
			}
			b.verify(t, s.api())
		})
	}
}

// metrics returns the response of /metrics.
func (s *server) metrics(t *testing.T) string {
	t.Helper()
	resp, err := http.Get("http://" + s.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestServe_AStopAnswersCompleteRequestsAndDropsTheOthers(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteFile(t))
	s.startReady(t)
	heartbeats := createHeartbeats(t, s.api(), "busy", 50, longInterval)
	b := newPingRecorder(heartbeats)
	for n := range 1000 {
		w := &pingConn{address: s.address} // from this machine, so that all of them stay open
		if err := w.write(incompleteRequests[n%len(incompleteRequests)]); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.close)
	}
	wires, pings := make([]*pingConn, len(heartbeats)), make([]ping, len(heartbeats))
	for n, h := range heartbeats {
		wires[n], pings[n] = &pingConn{address: s.address}, ping{id: *h.ID, method: http.MethodPost, rid: uuid.NewString(), body: "whole"}
		b.recordSent(pings[n])
		if err := wires[n].write(pings[n].String()); err != nil {
			t.Fatal(err)
		}
	}
	s.signal(t, syscall.SIGTERM)
	began := time.Now()
	for n, p := range pings {
		a := wires[n].read()
		b.recordResponse(p, a)
		if !a.ok() {
			t.Errorf("response %+v to a ping that was sent before the stop", a)
		}
	}
	select {
	case <-s.exited:
		t.Logf("1,000 requests that are not complete: stopped after %s", time.Since(began).Round(10*time.Millisecond))
	case <-time.After(10 * time.Second):
		t.Error("the stop waits for requests that are not complete")
	}
}
