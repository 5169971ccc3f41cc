package monitor

import (
	"hash/fnv"
	"slices"
	"time"
)

// FinishedRun is a run whose end is stored. A start with its id that arrives
// later begins nothing: clients send the pings of a short run on two connections,
// and networks deliver them in any order.
type FinishedRun struct {
	Hash uint64    // of its id, see runHash
	At   time.Time // when its newest end arrived
}

// Bounds of the memory for finished runs of a heartbeat. Within them, ids must
// not be used again; beyond them a start with the same id begins a new run.
const (
	maxFinishedRuns    = 64
	finishedRunTimeout = time.Hour
)

// runHash returns a number for a run id, the same in every process. 64 runs
// collide once in 10^16 heartbeats.
func runHash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum64()
}

// rememberEnd returns the finished runs with the one that p ended. Runs without
// an id are not remembered: they cannot be told apart.
func rememberEnd(finished []FinishedRun, p Ping) []FinishedRun {
	if p.RunID == "" {
		return finished
	}
	ended := FinishedRun{Hash: runHash(p.RunID), At: p.At}
	kept := make([]FinishedRun, 0, len(finished)+1)
	for _, f := range finished {
		switch {
		case f.Hash == ended.Hash:
			ended.At = later(ended.At, f.At)
		case p.At.Sub(f.At) < finishedRunTimeout:
			kept = append(kept, f)
		}
	}
	kept = append(kept, ended)
	slices.SortStableFunc(kept, func(a, b FinishedRun) int { return a.At.Compare(b.At) })
	return kept[max(0, len(kept)-maxFinishedRuns):]
}

// alreadyFinished reports whether p is a start whose run has ended.
func alreadyFinished(finished []FinishedRun, p Ping) bool {
	if p.Kind != Start || p.RunID == "" || len(finished) == 0 {
		return false
	}
	hash := runHash(p.RunID)
	return slices.ContainsFunc(finished, func(f FinishedRun) bool {
		return f.Hash == hash && p.At.Sub(f.At) < finishedRunTimeout
	})
}
