package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
)

// container limits the memory of servers.
type container struct {
	limit int64
	// group is the directory of a control group, or "" if none can be created. Then
	// GOMEMLIMIT replaces it, and verify checks the peak of the process.
	group string
}

// newContainer creates a control group, of version 1 or 2, with a limit and without
// swap.
func newContainer(t *testing.T, limit int64) *container {
	t.Helper()
	c := &container{limit: limit}
	name := fmt.Sprintf("overdue-test-%d", os.Getpid())
	for _, version := range []struct{ parent, limit, swap string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max"},
	} {
		group := filepath.Join(version.parent, name)
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(group); err != nil {
				t.Error(err)
			}
		})
		err := os.WriteFile(filepath.Join(group, version.limit), []byte(strconv.FormatInt(limit, 10)), 0)
		if err != nil {
			continue
		}
		swap := "0"
		if strings.Contains(version.swap, "memsw") {
			swap = strconv.FormatInt(limit, 10)
		}
		// The file does not exist if the kernel does not account swap.
		_ = os.WriteFile(filepath.Join(group, version.swap), []byte(swap), 0)
		c.group = group
		return c
	}
	return c
}

// wrap makes the server start in the container. The server reads the limit at start.
func (c *container) wrap(s *server) {
	if c.group == "" {
		s.wrapper = []string{"env", fmt.Sprintf("GOMEMLIMIT=%d", c.limit*6/10)}
		return
	}
	s.wrapper = []string{"sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, c.group}
}

// verify fails if a server used more memory than the limit. In a control group, the
// kernel would have killed it.
func (c *container) verify(t *testing.T, s *server) {
	t.Helper()
	if !s.running() {
		t.Fatalf("the server was killed under %d MiB: %s", c.limit>>20, s.cmd.ProcessState)
	}
	if peak := s.peak(t); c.group == "" && peak > c.limit*8/5 {
		t.Errorf("the process took %d MiB; want no more than %d", peak>>20, c.limit*8/5>>20)
	}
}

// peak returns the maximum resident memory of the process until now.
func (s *server) peak(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func TestServe_RunsInASmallContainerAndLosesNothing(t *testing.T) {
	t.Parallel()
	c := newContainer(t, 100_000_000)
	s := newServer(t, sqliteFile(t))
	c.wrap(s)
	s.startReady(t)
	heartbeats := createHeartbeats(t, s.api(), "job", 20, longInterval)
	var acknowledged atomic.Int64
	for _, load := range []struct{ pings, body int }{{40_000, 10}, {2_000, 20_000}, {8_000, 2_000}} {
		body := strings.Repeat("x", load.body)
		var left atomic.Int64
		left.Store(int64(load.pings))
		var jobs sync.WaitGroup
		for range 16 {
			jobs.Go(func() {
				w := &pingConn{address: s.address}
				defer w.close()
				for n := left.Add(-1); n >= 0; n = left.Add(-1) {
					if !w.send(ping{id: *heartbeats[n%20].ID, method: "POST", rid: uuid.NewString(), body: body}).ok() {
						t.Errorf("a ping with a body of %d bytes was not acknowledged", load.body)
						return
					}
					acknowledged.Add(1)
				}
			})
		}
		jobs.Wait()
		c.verify(t, s)
		s.kill(t)
		s.startReady(t) // replays acknowledged pings that are not in a table yet
		c.verify(t, s)
		stored := int64(0)
		for _, h := range heartbeats {
			now, err := s.api().Heartbeat(t.Context(), *h.ID)
			if err != nil {
				t.Fatal(err)
			}
			stored += now.PingsCount
		}
		if stored != acknowledged.Load() {
			t.Errorf("%d pings stored after a kill; want the %d acknowledged", stored, acknowledged.Load())
		}
	}
	s.stop(t)
}
