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
	dir            string // on a real disk; removed after the run
	binary         string
	report         *report
	progressTo     io.Writer       // progress messages
	sharedDatabase *filledDatabase // created on first use
}

// benchmark is one benchmark. -only selects it by name.
type benchmark struct {
	name string
	run  func(*bench, context.Context) error
}

// benchmarks returns all benchmarks in the order in which they run.
func benchmarks() []benchmark {
	return []benchmark{
		{"pings", (*bench).pings},
		{"memory", (*bench).memory},
		{"start", (*bench).start},
		{"detection", (*bench).detection},
		{"pages", (*bench).pages},
		{"silence", (*bench).silence},
		{"cleanup", (*bench).cleanup},
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
	b := &bench{options: o, dir: dir, binary: filepath.Join(dir, "overdue"), progressTo: errOut, report: &report{}}
	if err := b.build(ctx); err != nil {
		return err
	}
	if b.report.Machine, err = describeMachine(dir); err != nil {
		return err
	}
	var errs []error
	for _, m := range benchmarks() {
		if o.only != "" && o.only != m.name {
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
	b.report.print(out)
	if o.json != "" {
		errs = append(errs, b.report.write(o.json))
	}
	return errors.Join(append(errs, b.report.exceeded()...)...)
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

// databaseKind is a kind of database on which benchmarks run.
type databaseKind struct {
	name string
	// open returns the address of a new, empty database, and a function that stops it.
	open func() (address string, end func() error, err error)
}

// databases returns the kinds of database that the options select. name
// distinguishes the databases of different benchmarks.
func (b *bench) databases(name string) []databaseKind {
	all := []databaseKind{{"SQLite", func() (string, func() error, error) {
		return filepath.Join(b.dir, name+".db"), func() error { return nil }, nil
	}}}
	if !b.postgres {
		return all
	}
	return append(all, databaseKind{"PostgreSQL", func() (string, func() error, error) {
		server, err := storetest.NewPostgres(filepath.Join(b.dir, name+"-pg"), false)
		if err != nil {
			return "", nil, err
		}
		return server.Address(), server.Stop, nil
	}})
}

// database is an open database with an API key.
type database struct{ name, address, key string }

// onEachDatabase runs a benchmark on a new database of each kind.
func (b *bench) onEachDatabase(ctx context.Context, name string, run func(context.Context, database) error) error {
	for _, kind := range b.databases(name) {
		if err := b.onDatabase(ctx, kind, run); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	return nil
}

func (b *bench) onDatabase(ctx context.Context, kind databaseKind, run func(context.Context, database) error) (err error) {
	address, end, err := kind.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	key, err := b.newKey(ctx, address)
	if err != nil {
		return err
	}
	return run(ctx, database{kind.name, address, key})
}

// serveWithReceiver starts a server whose only channel sends to a new receiver. The caller kills
// the server and closes the receiver.
func (b *bench) serveWithReceiver(ctx context.Context, on database) (*server, *receiver, error) {
	r, err := startReceiver()
	if err != nil {
		return nil, nil, err
	}
	s, err := b.serve(ctx, on.address, on.key, "--allow-private-networks")
	if err != nil {
		r.close()
		return nil, nil, err
	}
	if err := s.addWebhookChannel(ctx, r); err != nil {
		s.kill()
		r.close()
		return nil, nil, err
	}
	return s, r, nil
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
