package monitor

import "time"

// PingKind is what a ping meant, as it was judged.
type PingKind string

// The kinds of ping. The values are part of the API.
const (
	PingSuccess PingKind = "success"
	PingStart   PingKind = "start"
	PingFail    PingKind = "fail"
	PingLog     PingKind = "log"
	PingIgnored PingKind = "ignored" // came by a method that this heartbeat does not count
)

// Ping is one request that a job sent.
type Ping struct {
	Number     int64     // counts from 1 per heartbeat; given when heard
	Kind       PingKind  //
	At         time.Time // when the request arrived, truncated to µs
	RunID      string    // pairs a start with its finish; may be empty
	ExitCode   int       // -1 when none was told
	RunTime    time.Duration
	HasRunTime bool // RunTime is known
	Method     string
	Source     string // address that the request came from
	UserAgent  string
	Body       []byte
	BodySize   int64 // bytes kept; set also where Body was not fetched
	Flags      PingFlags
}

// NoExitCode marks a ping that told no exit code.
const NoExitCode = -1

// endsRun reports whether the ping says that a run has ended.
func (p Ping) endsRun() bool { return p.Kind == PingSuccess || p.Kind == PingFail }

// affectsStatus reports whether the ping can change a status.
func (p Ping) affectsStatus() bool { return p.endsRun() || p.Kind == PingStart }

// ActiveRun is a start whose finish has not come.
type ActiveRun struct {
	ID        string    `json:"id,omitempty"`
	StartedAt time.Time `json:"start"`
	// Overran marks a run that took too long. It keeps waiting for its finish,
	// to measure it, but has no clock any more.
	Overran bool `json:"lost,omitempty"`
}

// maxActiveRuns bounds how many runs of one heartbeat are followed at a time. The
// oldest stay: their clocks run out first.
const maxActiveRuns = 100

// addRun returns runs with one more. A start without an id replaces the
// earlier run without an id: a job that does not tell its runs apart has only
// one at a time.
func addRun(runs []ActiveRun, p Ping) []ActiveRun {
	kept := make([]ActiveRun, 0, len(runs)+1)
	for _, r := range runs {
		if r.ID != p.RunID {
			kept = append(kept, r)
		}
	}
	if len(kept) >= maxActiveRuns {
		return kept
	}
	return append(kept, ActiveRun{ID: p.RunID, StartedAt: p.At})
}

// superseded reports whether a later start of the same run is followed already.
func superseded(runs []ActiveRun, p Ping) bool {
	for _, r := range runs {
		if r.ID == p.RunID && p.At.Before(r.StartedAt) {
			return true
		}
	}
	return false
}

// removeFinishedRun returns runs without the one that p ends, and that one.
//
// A finish without an id ends the run without an id; where there is none, it
// ends the only run there is, and with several it ends none, because nobody
// can tell which. It ends no run without an id that began after p arrived and
// was stored sooner. With an id, such a start belongs to the run that p ends: it
// arrived late, so the run is over and its length is unknown.
func removeFinishedRun(runs []ActiveRun, p Ping) (rest []ActiveRun, ended ActiveRun, found bool) {
	at, last, begun := -1, -1, 0
	for i, r := range runs {
		if r.StartedAt.After(p.At) {
			if p.RunID != "" && r.ID == p.RunID {
				rest = append(append(rest, runs[:i]...), runs[i+1:]...)
				return rest, ActiveRun{}, false
			}
			continue
		}
		begun++
		last = i
		if r.ID == p.RunID {
			at = i
		}
	}
	if at < 0 && p.RunID == "" && begun == 1 {
		at = last
	}
	if at < 0 {
		return runs, ActiveRun{}, false
	}
	rest = append(append(rest, runs[:at]...), runs[at+1:]...)
	return rest, runs[at], true
}

// withoutExpiredRuns drops the runs that were given up, and those whose time was over
// before the given moment while nothing was judged: once judging begins again
// they must not open an incident that is dated in the past.
func withoutExpiredRuns(runs []ActiveRun, limit time.Duration, at time.Time) []ActiveRun {
	var kept []ActiveRun
	for _, r := range runs {
		over := limit > 0 && r.StartedAt.Add(limit).Before(at)
		if !r.Overran && !over {
			kept = append(kept, r)
		}
	}
	return kept
}
