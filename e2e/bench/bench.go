package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"overdue/e2e/bench/report"
	"overdue/internal/store/storetest"
)

// bench is one run of the benchmarks.
type bench struct {
	options
	dir        string // on a real disk; removed after the run
	binary     string
	report     *report.Report
	progressTo io.Writer // progress messages

	filled    map[dataset]database // as written, with the schema of the earliest build
	prepared  map[dataset]database // as opened by a build
	databases int                  // created so far
	pg        *storetest.Postgres  // started on first use
}

// benchmark is one benchmark. -only selects it by name.
type benchmark struct {
	name  string
	run   func(*bench, context.Context) error
	scale bool // runs only with -scale, or if it is named
}

// benchmarks returns all benchmarks in the order in which they run.
func benchmarks() []benchmark {
	return []benchmark{
		{"pings", (*bench).pings, false},
		{"reads", (*bench).reads, false},
		{"lists", (*bench).lists, false},
		{"deadlines", (*bench).deadlines, false},
		{"alerts", (*bench).alerts, false},
		{"spike", (*bench).spike, false},
		{"memory", (*bench).memory, false},
		{"start", (*bench).starts, false},
		{"detection", (*bench).detection, false},
		{"pages", (*bench).pages, false},
		{"cleanup", (*bench).cleanup, true},
		{"million", (*bench).million, true},
		{"hours", (*bench).hours, true},
		{"growth", (*bench).growth, true},
		{"retention", (*bench).retention, true},
	}
}

// benchAll measures and prints the results. An error names the exceeded limits, or
// the measurements that failed; the other results are still printed.
func benchAll(ctx context.Context, o options, out, errOut io.Writer) (err error) {
	dir, err := diskDir()
	if err != nil {
		return err
	}
	b := &bench{
		options: o, dir: dir, binary: filepath.Join(dir, "overdue"), progressTo: errOut, report: &report.Report{},
		filled: map[dataset]database{}, prepared: map[dataset]database{},
	}
	defer func() { err = errors.Join(err, b.removeAll()) }()
	if err := b.build(ctx); err != nil {
		return err
	}
	if o.add {
		if err := b.report.Read(o.json); err != nil {
			return err
		}
	}
	if b.report.Machine, err = report.DescribeMachine(dir); err != nil {
		return err
	}
	var errs []error
	for _, m := range benchmarks() {
		if selected := slices.Contains(o.only, m.name) || len(o.only) == 0 && (o.scale || !m.scale); !selected {
			continue
		}
		begun := time.Now()
		if err := m.run(b, ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
		b.progress("%s: took %s", m.name, time.Since(begun).Round(100*time.Millisecond))
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
	}
	return errors.Join(append(errs, b.writeReport(out))...)
}

// writeReport prints the results and writes the files that the options name. The error
// names the exceeded limits.
func (b *bench) writeReport(out io.Writer) error {
	b.report.Print(out)
	var errs []error
	if b.json != "" {
		errs = append(errs, b.report.Write(b.json))
	}
	if b.markdown != "" {
		errs = append(errs, b.report.WriteMarkdown(b.markdown))
	}
	return errors.Join(append(errs, b.report.Exceeded()...)...)
}

// progress prints a progress message.
func (b *bench) progress(format string, args ...any) { fmt.Fprintf(b.progressTo, format+"\n", args...) }

// build makes the binary that is measured.
func (b *bench) build(ctx context.Context) error {
	b.progress("building")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "overdue")
	cmd.Stderr = b.progressTo
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// tmpfsMagic is the type of a file system in memory, see statfs(2).
const tmpfsMagic = 0x01021994

// diskDir creates a directory on a real disk. It uses the directory of temporary
// files, except if that is in memory, where a sync takes no time.
func diskDir() (string, error) {
	parent := os.TempDir()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(parent, &fs); err != nil {
		return "", fmt.Errorf("file system of %s: %w", parent, err)
	}
	if fs.Type == tmpfsMagic {
		parent = "."
	}
	parent, err := filepath.Abs(parent)
	if err != nil {
		return "", fmt.Errorf("temporary directory: %w", err)
	}
	dir, err := os.MkdirTemp(parent, "overdue-bench-")
	if err != nil {
		return "", fmt.Errorf("temporary directory: %w", err)
	}
	// PostgreSQL may run as another user, which must be able to enter the directory.
	return dir, os.Chmod(dir, 0o755)
}

// sleepUntil sleeps until the given time, or until ctx ends.
func sleepUntil(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
