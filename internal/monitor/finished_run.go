package monitor

import (
	"hash/fnv"
	"slices"
	"time"
)

// FinishedRunID is the id of a run whose end is stored. A start with this id that arrives later
// starts nothing: clients send the pings of a short run on two connections, and networks can
// reorder them.
type FinishedRunID struct {
	Hash    uint64    // of the run id, see hashRunID
	EndedAt time.Time // when its newest end arrived
}

// Limits of the remembered ids of a heartbeat. Within them, an id must not be reused. Beyond them,
// a start with the same id starts a new run.
const (
	maxFinishedRuns      = 64
	finishedRunRetention = time.Hour
)

// hashRunID returns a 64-bit hash of a run id, the same in every process. Two of 64 ids collide in
// about one of 10^16 heartbeats.
func hashRunID(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum64()
}

// rememberFinished returns the ids with that of the run that p ended. It does not remember runs
// without an id, because they cannot be distinguished.
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

// alreadyFinished reports whether p is a start of a run that has already ended.
func alreadyFinished(finished []FinishedRunID, p Ping) bool {
	if p.Kind != PingStart || p.RunID == "" || len(finished) == 0 {
		return false
	}
	hash := hashRunID(p.RunID)
	return slices.ContainsFunc(finished, func(f FinishedRunID) bool {
		return f.Hash == hash && p.At.Sub(f.EndedAt) < finishedRunRetention
	})
}
