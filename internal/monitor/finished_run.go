package monitor

import (
	"hash/fnv"
	"slices"
	"time"
)

// FinishedRunID is a run whose end is stored. A start with its id that arrives
// later begins nothing: clients send the pings of a short run on two connections,
// and networks deliver them in any order.
type FinishedRunID struct {
	Hash    uint64    // of its id, see hashRunID
	EndedAt time.Time // when its newest end arrived
}

// Bounds of the memory for finished runs of a heartbeat. Within them, ids must
// not be used again; beyond them a start with the same id begins a new run.
const (
	maxFinishedRuns      = 64
	finishedRunRetention = time.Hour
)

// hashRunID returns a number for a run id, the same in every process. 64 runs
// collide once in 10^16 heartbeats.
func hashRunID(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum64()
}

// rememberFinished returns the finished runs with the one that p ended. Runs without
// an id are not remembered: they cannot be told apart.
func rememberFinished(finished []FinishedRunID, p Ping) []FinishedRunID {
	if p.RunID == "" {
		return finished
	}
	ended := FinishedRunID{Hash: hashRunID(p.RunID), EndedAt: p.At}
	kept := make([]FinishedRunID, 0, len(finished)+1)
	for _, f := range finished {
		switch {
		case f.Hash == ended.Hash:
			ended.EndedAt = laterOf(ended.EndedAt, f.EndedAt)
		case p.At.Sub(f.EndedAt) < finishedRunRetention:
			kept = append(kept, f)
		}
	}
	kept = append(kept, ended)
	slices.SortStableFunc(kept, func(a, b FinishedRunID) int { return a.EndedAt.Compare(b.EndedAt) })
	return kept[max(0, len(kept)-maxFinishedRuns):]
}

// alreadyFinished reports whether p is a start whose run has ended.
func alreadyFinished(finished []FinishedRunID, p Ping) bool {
	if p.Kind != PingStart || p.RunID == "" || len(finished) == 0 {
		return false
	}
	hash := hashRunID(p.RunID)
	return slices.ContainsFunc(finished, func(f FinishedRunID) bool {
		return f.Hash == hash && p.At.Sub(f.EndedAt) < finishedRunRetention
	})
}
