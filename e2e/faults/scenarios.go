package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// scenario is one failure.
type scenario struct {
	name     string
	nodes    int           // on PostgreSQL; 0 means one server on SQLite
	away     time.Duration // how long the failure lasts
	blackout bool          // no node can store pings meanwhile
	prepare  func(*world) error
	fail     func(*world) error
	recover  func(*world) error
	clean    func(*world)
}

// signalAll sends a signal to every node.
func signalAll(s syscall.Signal) func(*world) error {
	return func(w *world) error {
		var errs []error
		for _, n := range w.nodes {
			errs = append(errs, n.signal(s))
		}
		return errors.Join(errs...)
	}
}

// startAll starts every node again.
func startAll(w *world) error {
	var errs []error
	for _, n := range w.nodes {
		errs = append(errs, w.start(n))
	}
	return errors.Join(errs...)
}

// signalFirst sends a signal to the first of several nodes. The others continue.
func signalFirst(s syscall.Signal) func(*world) error {
	return func(w *world) error { return w.nodes[0].signal(s) }
}

// scenarios are all failures, in the order of the report.
var scenarios = []scenario{
	{name: "SQLite, kill -9", away: 70 * time.Second, blackout: true, fail: signalAll(syscall.SIGKILL), recover: startAll},
	{name: "SQLite, kill -9, short", away: 20 * time.Second, blackout: true, fail: signalAll(syscall.SIGKILL), recover: startAll},
	{name: "SQLite, clean restart", away: 9 * time.Second, blackout: true, fail: signalAll(syscall.SIGTERM), recover: startAll},
	{name: "SQLite, suspended (SIGSTOP)", away: 40 * time.Second, blackout: true, fail: signalAll(syscall.SIGSTOP), recover: signalAll(syscall.SIGCONT)},
	{name: "SQLite, disk full", away: 40 * time.Second, blackout: true, prepare: mountSmallDisk, fail: fillDisk, recover: emptyDisk, clean: unmountDisk},
	{name: "SQLite, disk stalled", away: 30 * time.Second, blackout: true, prepare: mountLoopDisk, fail: freezeDisk, recover: thawDisk, clean: unmountDisk},
	{name: "PostgreSQL stopped, three nodes", nodes: 3, away: 40 * time.Second, blackout: true, fail: stopPostgres, recover: startPostgres},
	{name: "PostgreSQL stopped, longer", nodes: 3, away: 75 * time.Second, blackout: true, fail: stopPostgres, recover: startPostgres},
	{name: "PostgreSQL killed, three nodes", nodes: 3, away: 40 * time.Second, blackout: true, fail: killPostgres, recover: startPostgres},
	{name: "PostgreSQL frozen, three nodes", nodes: 3, away: 30 * time.Second, blackout: true, fail: freezePostgres, recover: thawPostgres},
	{name: "PostgreSQL network drops packets, three nodes", nodes: 3, away: 30 * time.Second, blackout: true, fail: setDropping(true), recover: setDropping(false)},
	{name: "PostgreSQL, one of three nodes killed", nodes: 3, away: 15 * time.Second, fail: signalFirst(syscall.SIGKILL), recover: func(w *world) error { return w.start(w.nodes[0]) }},
	{name: "PostgreSQL, one of three nodes suspended", nodes: 3, away: 30 * time.Second, fail: signalFirst(syscall.SIGSTOP), recover: signalFirst(syscall.SIGCONT)},
	{name: "PostgreSQL, all three nodes killed", nodes: 3, away: 70 * time.Second, blackout: true, fail: signalAll(syscall.SIGKILL), recover: startAll},
}

func stopPostgres(w *world) error   { return w.postgres.Stop() }
func killPostgres(w *world) error   { return w.postgres.Kill() }
func startPostgres(w *world) error  { return w.postgres.Start() }
func freezePostgres(w *world) error { return w.postgres.Freeze() }
func thawPostgres(w *world) error   { return w.postgres.Thaw() }

// setDropping lets the network between servers and database drop every packet, or
// forward them again.
func setDropping(on bool) func(*world) error {
	return func(w *world) error {
		w.proxy.dropping.Store(on)
		return nil
	}
}

// disk returns the directory of the mounted file system.
func (w *world) disk() string { return filepath.Join(w.dir, "disk") }

// command runs a program.
func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// mountSmallDisk puts the database on a file system of 90 MB in memory.
func mountSmallDisk(w *world) error {
	w.database = filepath.Join(w.disk(), "overdue.db")
	return errors.Join(os.MkdirAll(w.disk(), 0o755), command("mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", w.disk()))
}

// mountLoopDisk puts the database on an ext4 file system that can be frozen.
func mountLoopDisk(w *world) error {
	image := filepath.Join(w.dir, "image")
	w.database = filepath.Join(w.disk(), "overdue.db")
	for _, c := range [][]string{
		{"truncate", "-s", "300M", image}, {"mkfs.ext4", "-q", image}, {"mkdir", "-p", w.disk()}, {"mount", "-o", "loop", image, w.disk()},
	} {
		if err := command(c[0], c[1:]...); err != nil {
			return err
		}
	}
	return nil
}

func unmountDisk(w *world) { _ = command("umount", "-l", w.disk()) } // an error means that it is not mounted

// fillDisk fills the file system.
func fillDisk(w *world) error {
	_ = command("dd", "if=/dev/zero", "of="+filepath.Join(w.disk(), "filler"), "bs=64k") // ends with an error when the disk is full
	return nil
}

func emptyDisk(w *world) error  { return os.Remove(filepath.Join(w.disk(), "filler")) }
func freezeDisk(w *world) error { return command("fsfreeze", "-f", w.disk()) }
func thawDisk(w *world) error   { return command("fsfreeze", "-u", w.disk()) }
