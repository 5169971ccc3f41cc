// Faults runs real servers with 310 jobs through failures of Overdue itself: it is
// killed, suspended, stopped, its disk is full, its database is away. It counts false
// alarms, lost pings, doubled alerts and notices, and checks that jobs that died are
// noticed in time.
//
//	go run ./e2e/faults             # all scenarios, about 45 minutes
//	go run ./e2e/faults kill        # scenarios whose name contains a word
//	go run ./e2e/faults -long 10m kill   # with a longer failure
//
// It is not part of the tests, because it takes minutes of real time. The scenario with
// a full disk mounts a temporary file system, and needs root.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"overdue/e2e/binary"
)

// Times of a scenario.
const (
	warmUp = 70 * time.Second // every job has pinged, the cron jobs too
	settle = 80 * time.Second // longer than the longest interval and grace
)

func main() {
	long := flag.Duration("long", 0, "length of every failure, instead of the usual one")
	keep := flag.Bool("keep", false, "keep the directories with databases and logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := binary.With(func(path string) int {
		failed := 0
		fmt.Println("| scenario | away | false | lost | doubled | dead jobs noticed | notices | responses |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
		for _, s := range scenarios {
			if !strings.Contains(s.name, flag.Arg(0)) || ctx.Err() != nil {
				continue
			}
			if *long > 0 {
				s.away = *long
			}
			ok, err := run(ctx, path, s, *keep)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", s.name, err)
			}
			if !ok {
				failed = 1
			}
		}
		return failed
	})
	stop()
	os.Exit(code)
}

// run runs one scenario and prints a row.
func run(ctx context.Context, path string, s scenario, keep bool) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "overdue-faults")
	if err != nil {
		return false, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as another user
		return false, err
	}
	if keep {
		fmt.Fprintln(os.Stderr, s.name, "in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	w, err := newWorld(ctx, path, filepath.Clean(dir), s)
	defer w.close()
	if s.clean != nil {
		defer s.clean(w)
	}
	if err != nil {
		return false, err
	}
	jobs, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		w.crowd.running.Wait()
	}()
	w.crowd.start(jobs)
	sleepUntil(ctx, time.Now().Add(warmUp))
	w.crowd.died.Store(true)
	begin := time.Now()
	if err := s.fail(w); err != nil {
		return false, fmt.Errorf("fail: %w", err)
	}
	sleepUntil(ctx, begin.Add(s.away))
	if err := s.recover(w); err != nil {
		return false, fmt.Errorf("recover: %w", err)
	}
	end := time.Now()
	sleepUntil(ctx, end.Add(settle))
	stop()
	w.crowd.running.Wait()
	return w.report(s, begin, end)
}
