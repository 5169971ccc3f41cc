package monitor

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// epoch is when every story begins. Moments are told as the time since then.
var epoch = time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)

// minutes is the moment n minutes into a story.
func minutes(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }

// nightly is the rule of most stories: due after five minutes, two of grace.
var nightly = Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute, Methods: AnyMethod}

// episode is an incident as a story tells it.
type episode struct {
	Cause    Cause
	Opened   time.Duration
	Resolved time.Duration // 0 while open
	How      Ending        // empty while open
	Failures int           // told while it was open
}

// story is the life of one heartbeat, with what the store would have kept.
type story struct {
	t        rapid.TB
	h        Heartbeat
	episodes []episode
	lates    []time.Duration
	kept     []Ping
	decided  []Stretch
}

// step is something that happens in a story.
type step func(*story)

// tell begins a story with a new heartbeat and lets the steps happen.
func tell(t rapid.TB, rule Rule, steps ...step) *story {
	t.Helper()
	s := &story{t: t, h: Heartbeat{Key: 1, Project: 1, Status: New, Rule: rule, AllChannels: true, Created: epoch}}
	for _, next := range steps {
		next(s)
	}
	return s
}

// hear is a ping by POST, without a run id, when every earlier one is stored.
func hear(kind PingKind, at time.Duration) step {
	return hearPing(Ping{Kind: kind, At: epoch.Add(at), ExitCode: NoExitCode})
}

// hearRun is a ping with a run id.
func hearRun(kind PingKind, run string, at time.Duration) step {
	return hearPing(Ping{Kind: kind, At: epoch.Add(at), RunID: run, ExitCode: NoExitCode})
}

// hearPing is any ping, when every earlier one is stored.
func hearPing(p Ping) step { return hearWhile(p, p.At.Sub(epoch)) }

// hearWhile is any ping, when only those before the horizon are stored.
func hearWhile(p Ping, horizon time.Duration) step {
	return func(s *story) {
		if p.Method == "" {
			p.Method = "POST"
		}
		var c Change
		s.h, c = s.h.Hear(p, epoch.Add(horizon))
		s.kept = append(s.kept, c.Ping)
		s.note(c)
	}
}

func sweep(at time.Duration) step {
	return func(s *story) {
		var c Change
		s.h, c = s.h.Lapse(epoch.Add(at))
		s.note(c)
	}
}

func pause(at time.Duration) step { return pauseHeld(at, at) }

// pauseHeld is pause while silence counts up to until only.
func pauseHeld(at, until time.Duration) step {
	return func(s *story) {
		var c Change
		s.h, c = s.h.Pause(epoch.Add(at), epoch.Add(until))
		s.note(c)
	}
}

func resume(at time.Duration) step {
	return func(s *story) { s.h = s.h.Resume(epoch.Add(at)) }
}

func remove(at time.Duration) step { return removeHeld(at, at) }

// removeHeld is remove while silence counts up to until only.
func removeHeld(at, until time.Duration) step {
	return func(s *story) {
		var c Change
		s.h, c = s.h.Delete(epoch.Add(at), epoch.Add(until))
		s.note(c)
	}
}

func amend(rule Rule, at time.Duration) step { return amendHeld(rule, at, at) }

// amendHeld is amend while silence counts up to until only.
func amendHeld(rule Rule, at, until time.Duration) step {
	return func(s *story) {
		var c Change
		s.h, c = s.h.Amend(rule, epoch.Add(at), epoch.Add(until))
		s.note(c)
	}
}

// note keeps what a change told, as the store does, and objects to what can
// never be.
func (s *story) note(c Change) {
	s.t.Helper()
	s.decided = append(s.decided, c.Decided...)
	if !c.Late.IsZero() {
		s.lates = append(s.lates, c.Late.Sub(epoch))
		if s.h.Status != Late {
			s.t.Fatalf("told late while %s", s.h.Status)
		}
	}
	if c.Opened != nil {
		if s.open() {
			s.t.Fatalf("a second incident opened at %v", c.Opened.At.Sub(epoch))
		}
		s.episodes = append(s.episodes, episode{Cause: c.Opened.Cause, Opened: c.Opened.At.Sub(epoch)})
		if s.h.Status == Down {
			s.h.Incident = "incident"
		}
	}
	if c.Failed {
		s.last("a further failure").Failures++
	}
	if c.Resolved != nil {
		last := s.last("a resolution")
		last.How, last.Resolved = c.Resolved.How, c.Resolved.At.Sub(epoch)
		if (c.Resolved.Incident == "incident") != (c.Opened == nil) {
			s.t.Fatalf("resolved incident %q, opened now: %v", c.Resolved.Incident, c.Opened != nil)
		}
	}
	down := s.h.Status == Down
	if (s.h.Cause != "") != down || (s.h.Incident != "") != down || s.open() != down {
		s.t.Fatalf("status %s with cause %q, incident %q, open %v", s.h.Status, s.h.Cause, s.h.Incident, s.open())
	}
}

// stretch is a Stretch as a story tells it.
type stretch struct {
	What        Outcome
	First, Last time.Duration
	Count       int64
	LateBy      time.Duration
}

// ledger is all that is decided as of a moment.
func (s *story) ledger(now time.Duration) []stretch {
	var all []stretch
	for _, st := range append(slices.Clone(s.decided), s.h.Unwritten(epoch.Add(now), 0)...) {
		all = append(all, stretch{st.Outcome, st.First.Sub(epoch), st.Last.Sub(epoch), st.Count, st.LateBy})
	}
	return all
}

// open reports whether the last incident is.
func (s *story) open() bool {
	return len(s.episodes) > 0 && s.episodes[len(s.episodes)-1].How == ""
}

// last is the incident that is open, which news of the given kind need.
func (s *story) last(news string) *episode {
	s.t.Helper()
	if !s.open() {
		s.t.Fatalf("%s while no incident is open", news)
	}
	return &s.episodes[len(s.episodes)-1]
}

// outcome is where a story has to end.
type outcome struct {
	name     string
	rule     Rule // nightly when not given
	steps    []step
	status   Status
	episodes []episode
}

// run checks each story as a test of its own.
func run(t *testing.T, rows []outcome) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.rule.Interval == 0 && row.rule.Calendar == nil {
				row.rule = nightly
			}
			s := tell(t, row.rule, row.steps...)
			if s.h.Status != row.status {
				t.Errorf("status %s; want %s", s.h.Status, row.status)
			}
			if diff := cmp.Diff(row.episodes, s.episodes); diff != "" {
				t.Errorf("incidents (-want +got):\n%s", diff)
			}
		})
	}
}

// sinceEpoch tells a moment as the stories do, and -1 for none.
func sinceEpoch(at time.Time) time.Duration {
	if at.IsZero() {
		return -1
	}
	return at.Sub(epoch)
}
