package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"overdue/internal/store/storetest"
)

// bench is one run of the benchmarks.
type bench struct {
	options
	dir     string // on a real disk; gone after the run
	binary  string
	report  *report
	said    io.Writer // progress messages
	stocked *stock    // created at the first use
}

// measure is one benchmark, which -only can select.
type measure struct {
	name string
	run  func(*bench, context.Context) error
}

// measures lists all, in the order in which they run.
func measures() []measure {
	return []measure{
		{"pings", (*bench).pings},
		{"memory", (*bench).memory},
		{"start", (*bench).start},
		{"detection", (*bench).detection},
		{"pages", (*bench).pages},
		{"silence", (*bench).silence},
	}
}

// benchAll measures and prints the results. An error names the exceeded limits, or
// the measurements that failed; the other results are still printed.
func benchAll(ctx context.Context, o options, out, errOut io.Writer) (err error) {
	dir, err := diskDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, binary: filepath.Join(dir, "overdue"), said: errOut, report: &report{}}
	if err := b.build(ctx); err != nil {
		return err
	}
	if b.report.Machine, err = lookAround(dir); err != nil {
		return err
	}
	var errs []error
	for _, m := range measures() {
		if o.only != "" && o.only != m.name {
			continue
		}
		begun := time.Now()
		if err := m.run(b, ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
		b.say("%s: took %s", m.name, time.Since(begun).Round(100*time.Millisecond))
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
	}
	b.report.print(out)
	if o.json != "" {
		errs = append(errs, b.report.write(o.json))
	}
	return errors.Join(append(errs, b.report.broken()...)...)
}

// say prints a progress message.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.said, format+"\n", args...) }

// build makes the binary that is measured.
func (b *bench) build(ctx context.Context) error {
	b.say("building")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "overdue")
	cmd.Stderr = b.said
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
	// PostgreSQL may run as another user, who must be able to enter.
	return dir, os.Chmod(dir, 0o755)
}

// place is a kind of database to measure on.
type place struct {
	name string
	// open returns the address of a new, empty database, and what ends it.
	open func() (address string, end func() error, err error)
}

// places are the kinds of database that were asked for. name keeps the
// databases of different measures apart.
func (b *bench) places(name string) []place {
	all := []place{{"SQLite", func() (string, func() error, error) {
		return filepath.Join(b.dir, name+".db"), func() error { return nil }, nil
	}}}
	if !b.postgres {
		return all
	}
	return append(all, place{"PostgreSQL", func() (string, func() error, error) {
		server, err := storetest.NewPostgres(filepath.Join(b.dir, name+"-pg"), false)
		if err != nil {
			return "", nil, err
		}
		return server.Address(), server.Stop, nil
	}})
}

// wait sleeps until the given time, or until ctx ends.
func wait(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
