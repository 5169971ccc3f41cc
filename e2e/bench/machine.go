package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// describeMachine describes the machine and the disk that dir is on.
func describeMachine(dir string) (machine, error) {
	m := machine{At: time.Now().UTC(), CPUs: runtime.NumCPU()}
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, err = fmt.Sscan(string(text), &m.Load)
	}
	if err != nil {
		return m, fmt.Errorf("load average: %w", err)
	}
	took, err := syncDurations(filepath.Join(dir, "sync"))
	m.Sync, m.Slow = ms(took.at(0.5)), ms(took.at(0.99))
	return m, err
}

// syncDurations measures how long the disk takes to sync a page. An acknowledged
// ping takes at least as long.
func syncDurations(name string) (took latencies, err error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("sync: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(name)) }()
	page := make([]byte, 4096)
	for range 100 {
		begun := time.Now()
		if _, err := file.Write(page); err != nil {
			return nil, fmt.Errorf("sync: %w", err)
		}
		if err := file.Sync(); err != nil {
			return nil, fmt.Errorf("sync: %w", err)
		}
		took = append(took, int64(time.Since(begun)))
	}
	return took, nil
}
