package monitor

import (
	"strings"
	"time"
)

// PingKind is the meaning of a ping after evaluation.
type PingKind string

// The kinds of ping. The values are part of the API.
const (
	PingSuccess PingKind = "success"
	PingStart   PingKind = "start"
	PingFail    PingKind = "fail"
	PingLog     PingKind = "log"
	PingIgnored PingKind = "ignored" // the heartbeat does not accept the request method
)

// Ping is one request that a job sent.
type Ping struct {
	Number     int64 // counts from 1 per heartbeat; set by ApplyPing
	Kind       PingKind
	At         time.Time // arrival of the request, truncated to microseconds
	RunID      string    // pairs a start with its finish; optional
	ExitCode   int       // NoExitCode if the job sent none
	RunTime    time.Duration
	HasRunTime bool // RunTime is known
	Method     string
	Source     string // client address
	Host       string // name that the job gave its machine, "" if none; see HostOrSource
	UserAgent  string
	Body       []byte
	BodySize   int64 // bytes stored; also set if Body was not fetched
	Flags      PingFlags
}

// HostOrSource returns the host of the run: the name that the job gave. Without one, it is
// the client address.
func (p *Ping) HostOrSource() string {
	if p.Host != "" {
		return p.Host
	}
	return p.Source
}

// NoExitCode marks a ping without an exit code.
const NoExitCode = -1

// endsRun reports whether the ping says that a run has ended.
func (p Ping) endsRun() bool { return p.Kind == PingSuccess || p.Kind == PingFail }

// affectsStatus reports whether the ping can change a status.
func (p Ping) affectsStatus() bool { return p.endsRun() || p.Kind == PingStart }

// ActiveRun is a run that has started and not finished.
type ActiveRun struct {
	ID        string    `json:"id,omitempty"`
	StartedAt time.Time `json:"start"`
	// Overran marks a run that exceeded its time limit. It stays here so that its finish can be
	// measured, but it has no deadline.
	Overran bool `json:"lost,omitempty"`
	// Credit is how much later its time limit ends because of short blackouts.
	Credit time.Duration `json:"credit,omitempty"`
	// UnwatchedUntil is the end of the last longer blackout during the run, zero for none. Its end may
	// have been reported then.
	UnwatchedUntil time.Time `json:"unwatched,omitzero"`
}

// deadline returns when the run exceeds a time limit.
func (r ActiveRun) deadline(limit time.Duration) time.Time { return r.StartedAt.Add(limit + r.Credit) }

// maxActiveRuns limits the active runs of one heartbeat. The oldest ones are kept, because their
// deadlines come first.
const maxActiveRuns = 100

// addRun returns runs with the one that p starts. A start without an id replaces the earlier run
// without an id: a job without run ids has one run at a time.
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

// superseded reports whether a later start of the same run is already known.
func superseded(runs []ActiveRun, p Ping) bool {
	for _, r := range runs {
		if r.ID == p.RunID && p.At.Before(r.StartedAt) {
			return true
		}
	}
	return false
}

// removeFinishedRun returns runs without the one that p ends, and that run.
//
// A finish without an id ends the run without an id. If none exists, it ends the only run. With
// several runs it ends none, because it is not known which. It does not end a run without an id
// that started after p arrived and was stored sooner. With an id, such a start belongs to the run
// that p ends: the start arrived late, so the run is over and its duration is unknown.
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

// withoutExpiredRuns drops the runs that have overrun, and those whose time limit passed before at
// while the heartbeat was not evaluated: they must not open an incident in the past.
func withoutExpiredRuns(runs []ActiveRun, limit time.Duration, at time.Time) []ActiveRun {
	var kept []ActiveRun
	for _, r := range runs {
		over := limit > 0 && r.deadline(limit).Before(at)
		if !r.Overran && !over {
			kept = append(kept, r)
		}
	}
	return kept
}

// PingFlags mark what is unusual about a ping. The zero value marks nothing.
type PingFlags uint8

// The flags. Their names are part of the API.
const (
	BodyTruncated    PingFlags = 1 << iota // the body was longer than the stored maximum
	BodyTimeout                            // the rest of the body did not arrive in time
	BodyAborted                            // the connection closed within the body
	StartAfterFinish                       // a start that arrived after the end of its run; it starts nothing
	Delayed                                // the request waited while the server was suspended; At is its arrival
)

// PingFlagNames lists the names of the flags, from the lowest bit.
var PingFlagNames = []string{"body_truncated", "body_timeout", "body_aborted", "run_finished", "delayed"}

// Names returns the names of the set flags, or nil if none is set.
func (f PingFlags) Names() []string {
	var names []string
	for i, name := range PingFlagNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names separated by commas, as they are stored.
func (f PingFlags) String() string { return strings.Join(f.Names(), ",") }

// ParsePingFlags parses the result of String. It ignores unknown names, because a newer version may
// have written them.
func ParsePingFlags(text string) PingFlags {
	var f PingFlags
	for i, name := range PingFlagNames {
		if strings.Contains(","+text+",", ","+name+",") {
			f |= 1 << i
		}
	}
	return f
}
