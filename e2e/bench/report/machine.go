package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"overdue/e2e/bench/load"
)

// Machine describes the machine, because the results depend on it.
type Machine struct {
	At   time.Time `json:"at"`
	CPUs int       `json:"cpus"`
	Load float64   `json:"load"`        // load average of the last minute before the run
	Sync float64   `json:"sync_p50_ms"` // time to append 4 KiB and fdatasync
	Slow float64   `json:"sync_p99_ms"`
	Big  float64   `json:"sync_64_p50_ms"` // time to append 64 KiB and fdatasync
}

// String describes the machine and how to read the numbers.
func (m Machine) String() string {
	return fmt.Sprintf("%d CPUs, shared by the load, the servers and other programs (load average before: %.1f).\n"+
		"To append 4 KiB and fdatasync takes %.2f ms on this disk (p99 %.2f ms), 64 KiB %.2f ms: %.0f syncs per second. Compare ratios: absolute numbers depend on this machine and its other load.",
		m.CPUs, m.Load, m.Sync, m.Slow, m.Big, 1000/max(m.Sync, 1e-3))
}

// LoadAverage returns the load average of the last minute, 0 if it is unknown.
func LoadAverage() (load float64) {
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, _ = fmt.Sscan(string(text), &load) // stays 0
	}
	return load
}

// DescribeMachine describes the machine and the disk that dir is on.
func DescribeMachine(dir string) (Machine, error) {
	m := Machine{At: time.Now().UTC(), CPUs: runtime.NumCPU(), Load: LoadAverage()}
	took, err := syncDurations(filepath.Join(dir, "sync"), 4<<10)
	if err != nil {
		return m, err
	}
	m.Sync, m.Slow = load.MS(took.At(0.5)), load.MS(took.At(0.99))
	took, err = syncDurations(filepath.Join(dir, "sync"), 64<<10)
	m.Big = load.MS(took.At(0.5))
	return m, err
}

// syncDurations measures how long the disk takes to append and sync a number of bytes. An
// acknowledged ping takes at least as long.
func syncDurations(name string, bytes int) (took load.Latencies, err error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("sync: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(name)) }()
	page := make([]byte, bytes)
	for range 100 {
		begun := time.Now()
		if _, err := file.Write(page); err != nil {
			return nil, fmt.Errorf("sync: %w", err)
		}
		if err := syscall.Fdatasync(int(file.Fd())); err != nil {
			return nil, fmt.Errorf("sync: %w", err)
		}
		took = append(took, int64(time.Since(begun)))
	}
	return took, nil
}
