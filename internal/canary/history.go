package canary

import "time"

// maxRounds is the number of finished rounds that a node remembers: two hours with the
// default interval.
const maxRounds = 60

// Round is a finished round.
type Round struct {
	Deadline time.Time     // that the canary missed
	Took     time.Duration // from the deadline to the delivered alert
	Lost     bool          // no alert has arrived; Took is 0
}

// Status is the state of the canary of a node.
type Status struct {
	Interval time.Duration
	Rounds   []Round   // since the node started, oldest first, at most maxRounds
	Next     time.Time // when the next round begins; zero before the first run
	Deadline time.Time // of the round in progress; zero: none
	Problem  error     // why the node is not ready, a *LateError; nil: it is
}

// Status returns the state of the canary at now.
func (c *Canary) Status(now time.Time) Status {
	s := Status{Interval: c.Interval, Problem: c.Check(now)}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Rounds = append(s.Rounds, c.rounds...)
	s.Next, s.Deadline = c.nextStart, c.deadline
	return s
}

// recordRound remembers a round. An alert that arrives after its round was lost replaces
// that round. The caller holds the mutex.
func (c *Canary) recordRound(r Round) {
	for i := range c.rounds {
		if c.rounds[i].Deadline.Equal(r.Deadline) {
			c.rounds[i] = r
			return
		}
	}
	c.rounds = append(c.rounds, r)
	if extra := len(c.rounds) - maxRounds; extra > 0 {
		c.rounds = append(c.rounds[:0], c.rounds[extra:]...)
	}
}
