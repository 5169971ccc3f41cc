package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// cpuTime returns the CPU time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchHeartbeats adds heartbeats to a new SQLite store.
func benchHeartbeats(b *testing.B, n int) (*store.DB, []monitor.Heartbeat) {
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(b.TempDir(), "overdue.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	var all []monitor.Heartbeat
	err = db.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "main", Zone: "UTC", Created: realTimeStart})
		for i := 0; i < n && err == nil; i++ {
			var h monitor.Heartbeat
			name := fmt.Sprint("job", i)
			h, err = tx.AddHeartbeat(monitor.Heartbeat{
				ID: uuid.NewString(), Ref: uuid.NewString(), Project: p.Key, Name: name, Slug: name, AllChannels: true,
				Status: monitor.New, Rule: monitor.Rule{Interval: 24 * time.Hour, Grace: time.Hour, Methods: monitor.AnyMethod},
				Created: realTimeStart, Updated: realTimeStart,
			})
			all = append(all, h)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db, all
}

// BenchmarkSave_Flush saves the pings of a flush, in transactions of about 512 pings of
// neighbouring heartbeats, as the background does.
func BenchmarkSave_Flush(b *testing.B) {
	const heartbeats = 10_000
	for _, pings := range []int{10_000, 24_000, 200_000} {
		b.Run(fmt.Sprint(pings, " pings of ", heartbeats), func(b *testing.B) {
			db, states := benchHeartbeats(b, heartbeats)
			var cpu time.Duration
			at := realTimeStart
			total := 0
			r := rand.New(rand.NewPCG(1, 2))
			for b.Loop() {
				counts := make([]int, heartbeats)
				for range pings {
					counts[r.IntN(heartbeats)]++
				}
				for from := 0; from < heartbeats; {
					to := min(heartbeats, from+max(1, 512*heartbeats/pings))
					var transitions []store.Transition
					for n := 0; n < slices.Max(counts[from:to]); n++ {
						for i := from; i < to; i++ {
							if n >= counts[i] {
								continue
							}
							h, change := states[i].ApplyPing(monitor.Ping{
								Kind: monitor.PingSuccess, At: at.Add(time.Duration(n) * time.Second), ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.123", UserAgent: "curl/8.5.0",
							}, at)
							states[i] = h
							transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
						}
					}
					if len(transitions) == 0 {
						from = to
						continue
					}
					total += len(transitions)
					before := cpuTime(b)
					if err := db.Update(context.Background(), func(tx *store.Tx) error {
						_, err := tx.Save(at, transitions)
						return err
					}); err != nil {
						b.Fatal(err)
					}
					cpu += cpuTime(b) - before
					from = to
				}
				at = at.Add(time.Minute)
			}
			b.ReportMetric(float64(cpu.Nanoseconds())/float64(total), "cpu-ns/ping")
			n, err := store.QueryReader(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
			if err != nil {
				b.Fatal(err)
			}
			var size float64
			fmt.Sscan(n, &size)
			b.ReportMetric(size/float64(total), "file-bytes/ping")
		})
	}
}

// BenchmarkPings_Read reads what pages show of a heartbeat with 1,000 pings.
func BenchmarkPings_Read(b *testing.B) {
	for _, together := range []int{1, 20} {
		db, states := benchHeartbeats(b, 100)
		for n := 0; n < 1000; n += together {
			err := db.Update(context.Background(), func(tx *store.Tx) error {
				var transitions []store.Transition
				for i := range states {
					for k := range together {
						h, change := states[i].ApplyPing(monitor.Ping{
							Kind: monitor.PingSuccess, At: realTimeStart.Add(time.Duration(n+k) * time.Minute), ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.123", UserAgent: "curl/8.5.0",
						}, realTimeStart)
						states[i] = h
						transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
					}
				}
				_, err := tx.Save(realTimeStart, transitions)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		for name, read := range map[string]func(tx *store.Tx, key int64) error{
			"Pings 51":   func(tx *store.Tx, key int64) error { _, err := tx.Pings(key, 0, 51); return err },
			"Pings 1001": func(tx *store.Tx, key int64) error { _, err := tx.Pings(key, 0, 1001); return err },
			"PingLog 101": func(tx *store.Tx, key int64) error {
				_, err := tx.PingLog(store.PingLogFilter{Heartbeat: key, Limit: 101, BodyBytes: 1000})
				return err
			},
			"Ping":             func(tx *store.Tx, key int64) error { _, err := tx.Ping(key, 500); return err },
			"RecentPings 90":   func(tx *store.Tx, key int64) error { _, err := tx.RecentPings([]int64{key}, 90); return err },
			"RecentPings 1000": func(tx *store.Tx, key int64) error { _, err := tx.RecentPings([]int64{key}, 1000); return err },
			"CountPingsSince": func(tx *store.Tx, key int64) error {
				_, err := tx.CountPingsSince(key, realTimeStart.Add(500*time.Minute))
				return err
			},
		} {
			b.Run(fmt.Sprint(name, " together ", together), func(b *testing.B) {
				before, n := cpuTime(b), 0
				for b.Loop() {
					if err := db.View(context.Background(), func(tx *store.Tx) error { return read(tx, states[n%100].Key) }); err != nil {
						b.Fatal(err)
					}
					n++
				}
				b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(n)/1000, "cpu-us/read")
			})
		}
	}
}
