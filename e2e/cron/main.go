//go:build linux

// Command cron runs the real cron daemons of Debian before and after "overdue discover --edit", and
// compares the runs of their jobs: the same number, with the same output.
//
// Nothing is installed: the packages are unpacked into a directory, and each daemon runs in a private
// namespace, with a clock that libfaketime makes run faster. It needs root, unshare and apt-get.
//
//	go run ./e2e/cron              # all daemons, with run and with curl; about three minutes, because busybox has the real clock
//	go run ./e2e/cron -overdue P   # with another build of overdue, for a comparison
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

func main() {
	overdue := flag.String("overdue", "", "the program; by default it is built")
	old := flag.Bool("old", false, "the program is one that keeps copies next to the files")
	cache := flag.String("cache", filepath.Join(os.TempDir(), "overdue-cron-packages"), "where the packages are kept")
	ticks := flag.Int("runs", 5, "how often each job is to run; busybox always runs twice")
	flag.Parse()
	if err := compareAll(*overdue, *cache, *ticks, *old); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// daemonNames are the daemons to compare.
var daemonNames = []string{"cron", "cronie", "bcron", "systemd-cron", "busybox"}

func compareAll(overdue, cache string, ticks int, old bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "overdue-cron-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // alice's jobs write to it
		return err
	}
	d, err := fetchDaemons(ctx, cache)
	if err != nil {
		return err
	}
	if overdue == "" {
		overdue = filepath.Join(dir, "overdue")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", overdue, "overdue").CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w: %s", err, out)
		}
	}
	var results []trialResult
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, name := range daemonNames {
		for _, with := range []string{"", "run", "curl"} {
			group.Go(func() {
				r := runTrial(ctx, daemonTrial{daemon: name, method: with, dir: filepath.Join(dir, name+"-"+with), overdue: overdue, packages: d, ticks: ticks, withoutBackupDir: old})
				mu.Lock()
				results = append(results, r)
				mu.Unlock()
			})
		}
	}
	group.Wait()
	return report(results)
}

// daemonTrial is one daemon with one way to ping, or none for the state before the edit.
type daemonTrial struct {
	daemon, method, dir, overdue string
	packages                     packageDir
	ticks                        int
	withoutBackupDir             bool
}

// trialResult is the result of a trial.
type trialResult struct {
	daemonTrial
	jobOutput      map[string][]string
	pings          map[string]int
	discoverOutput string
	err            error
}

// runTrial creates a machine, edits its crontabs and runs its daemon.
func runTrial(ctx context.Context, t daemonTrial) trialResult {
	r := trialResult{daemonTrial: t}
	if t.daemon == "busybox" {
		r.ticks = 2
	}
	w, err := newTestMachine(t.dir, t.daemon)
	if err == nil {
		err = w.install(t.packages)
	}
	if err != nil {
		r.err = err
		return r
	}
	m := newPingServer()
	defer m.Close()
	if t.method != "" {
		if r.discoverOutput, r.err = m.discoverAndEdit(ctx, t.overdue, w, t.method, t.withoutBackupDir); r.err != nil {
			return r
		}
	}
	if r.err = w.runDaemon(ctx, t.packages, r.ticks); r.err == nil {
		r.jobOutput, r.pings = w.jobOutput(), m.pingCounts()
	}
	return r
}

// report prints one row for each trial, and fails if a daemon ran other jobs after the edit than
// before.
func report(results []trialResult) error {
	sort.Slice(results, func(i, j int) bool {
		return results[i].daemon+results[i].method < results[j].daemon+results[j].method
	})
	wrong := 0
	var before trialResult
	fmt.Println("| daemon | wired with | runs of each job | pings | verdict |")
	fmt.Println("| --- | --- | --- | --- | --- |")
	for _, r := range results {
		if r.method == "" {
			before = r
		}
		verdict := "same as before"
		if problems := differences(before, r); len(problems) > 0 {
			verdict = strings.Join(problems, "; ")
			wrong++
		}
		fmt.Printf("| %s | %s | %s | %s | %s |\n", r.daemon, orUnedited(r.method), formatCounts(r.jobOutput), formatTotal(r.pings), verdict)
	}
	if wrong > 0 {
		return fmt.Errorf("%d trials differ", wrong)
	}
	return nil
}

func orUnedited(with string) string {
	if with == "" {
		return "nothing"
	}
	return with
}

// formatCounts formats the number of runs of each job.
func formatCounts(seen map[string][]string) string {
	var all []string
	for name, lines := range seen {
		all = append(all, fmt.Sprintf("%s %d", name, len(lines)))
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

func formatTotal(pings map[string]int) string {
	n := 0
	for _, ends := range pings {
		n += ends
	}
	return fmt.Sprintf("%d of %d jobs", n, len(pings))
}

// differences returns what differs after the edit: each job must write the same lines, once per
// tick, and ping as often.
func differences(before, after trialResult) []string {
	if after.err != nil {
		return []string{strings.ReplaceAll(after.err.Error(), "\n", " ")}
	}
	var all []string
	ticks := len(after.jobOutput[tickJob])
	for name, lines := range before.jobOutput {
		now := after.jobOutput[name]
		each := len(lines) / len(before.jobOutput[tickJob])
		if len(now) != each*ticks {
			all = append(all, fmt.Sprintf("%s wrote %d lines in %d runs; before, %d in each", name, len(now), ticks, each))
		}
		for i := range now {
			if i < len(lines) && now[i] != lines[i] {
				all = append(all, fmt.Sprintf("%s wrote %q; before, %q", name, now[i], lines[i]))
				break
			}
		}
	}
	for slug, ends := range after.pings {
		if ends != ticks {
			all = append(all, fmt.Sprintf("%s pinged %d times in %d runs", slug, ends, ticks))
		}
	}
	if after.method != "" && len(after.pings) != len(before.jobOutput)-1 {
		all = append(all, fmt.Sprintf("%d of %d jobs pinged", len(after.pings), len(before.jobOutput)-1))
	}
	sort.Strings(all)
	return all
}
