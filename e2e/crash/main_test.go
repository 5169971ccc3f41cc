// Package crash_test kills the real binary under load and checks the stored data.
//
// It is the only package that tests failures: kill -9, a database that crashes, a
// full disk, a stop under load. Afterwards it verifies that
//
//   - every ping that was answered 200 is stored, and no ping twice;
//   - every incident that the stored pings imply exists once, with the right times;
//   - every alert was delivered at least once, always with the same id.
//
// It does not read the database or the memory of the process. It uses the command
// line, the API and a webhook, like a user.
//
// Times are random. A failure prints the seed; -seed repeats the run.
package crash_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	built "overdue/e2e/binary"
	// The import makes these tests depend on the product. Otherwise go test would
	// return cached results of an older binary.
	_ "overdue/internal/cli"
)

// seedFlag repeats the random times of an earlier run.
var seedFlag = flag.Uint64("seed", 0, "seed of the random moments; 0 takes a new one")

// binary is the program that all tests run. TestMain sets it.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	// These tests mostly wait for leases and deadlines, so more of them than there are
	// processors may run at the same time.
	if err := flag.Set("test.parallel", "5"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// PostgreSQL needs a key, and so does the check of a backup.
	if err := os.Setenv("OVERDUE_SECRET_KEY", "a2V5IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZy4="); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(built.With(func(path string) int {
		binary = path
		return m.Run()
	}))
}

// newRandom returns the source of the random times of one test, and logs its seed.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("random times: -seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// randomDuration returns a random duration from low to below high.
func randomDuration(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}
