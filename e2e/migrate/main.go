// Command migrate moves a large database from SQLite to PostgreSQL and back with the
// real program, kills it on the way, and compares what the API returns before and
// after. It prints the duration and the memory of each move.
//
//	go run ./e2e/migrate [-heartbeats 10000] [-pings 500000] [-kills 3]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"overdue/e2e/binary"
	"overdue/internal/store/storetest"
)

// run is one run of the command.
type run struct {
	program string
	dir     string
	api     string // key

	heartbeats, pings, kills int
}

func main() {
	r := &run{}
	flag.IntVar(&r.heartbeats, "heartbeats", 10_000, "number of heartbeats")
	flag.IntVar(&r.pings, "pings", 500_000, "number of pings")
	flag.IntVar(&r.kills, "kills", 3, "number of times that each move is killed")
	flag.Parse()
	os.Exit(binary.With(func(path string) int {
		r.program = path
		if err := r.all(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "migrate:", err)
			return 1
		}
		return 0
	}))
}

// all creates the database, moves it there and back, and compares.
func (r *run) all(ctx context.Context) (err error) {
	if r.dir, err = os.MkdirTemp("", "overdue-migrate"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	if err := os.Chmod(r.dir, 0o755); err != nil {
		return err
	}
	server, err := storetest.NewPostgres(filepath.Join(r.dir, "postgres"), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	source, back := filepath.Join(r.dir, "overdue.db"), filepath.Join(r.dir, "back.db")
	if err := r.fill(ctx, source); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	before, err := r.killedServer(ctx, source)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	key := source + ".secret-key"
	if err := r.move(source, server.Address(), key); err != nil {
		return err
	}
	if out, err := exec.Command(r.program, "serve", "--listen", "127.0.0.1:0", "--database", source).CombinedOutput(); err == nil || !strings.Contains(string(out), "was migrated to") {
		return fmt.Errorf("the old server started on the source: %s", out)
	}
	after, err := r.snapshotOf(ctx, server.Address(), key, before)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	if err := r.move(server.Address(), back, key); err != nil {
		return err
	}
	_, err = r.snapshotOf(ctx, back, key, after)
	return err
}

// move moves a database. It kills the command several times, and each time later.
func (r *run) move(from, to, key string) error {
	args := []string{"migrate", "--database", from, "--to", to, "--secret-key-file", key}
	for n := range r.kills {
		cmd := exec.Command(r.program, args...)
		if err := cmd.Start(); err != nil {
			return err
		}
		time.Sleep(time.Duration(2+3*n) * time.Second)
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			return fmt.Errorf("the move ended before kill %d: use more pings", n+1)
		}
		_ = cmd.Wait() // it was killed
		fmt.Printf("killed after %d s\n", 2+3*n)
		if out, err := exec.Command(r.program, "serve", "--listen", "127.0.0.1:0", "--database", to, "--secret-key-file", key).CombinedOutput(); err == nil || !strings.Contains(string(out), "incomplete copy") {
			return fmt.Errorf("a server started on the incomplete copy: %s", out)
		}
	}
	begun := time.Now()
	cmd := exec.Command(r.program, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	fmt.Printf("moved in %s after %d kills, %d MiB\n", time.Since(begun).Round(100*time.Millisecond), r.kills, usage.Maxrss>>10)
	return nil
}

// ping sends pings to URLs and fails unless each is answered with 200.
func ping(ctx context.Context, address string, ids []string) error {
	for _, id := range ids {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/api/v1/hb/"+id, strings.NewReader("done"))
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("ping %s: %s", id, response.Status)
		}
	}
	return nil
}
