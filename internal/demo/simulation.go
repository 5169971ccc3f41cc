package demo

import (
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// detection is the time from a deadline to the transaction that notices it.
const detection = 4 * time.Millisecond

// maxUnsaved is the number of transitions that are saved at once.
const maxUnsaved = 500

// simulatedHeartbeat is the state of a heartbeat during the simulation.
type simulatedHeartbeat struct {
	plan
	sent    int  // number of pings that were applied
	resumed bool // the blackout was taken into account
}

// action is something that a person does at a time.
type action struct {
	at time.Time
	do func(at time.Time) error
}

// simulation is the month in one transaction.
type simulation struct {
	tx         *store.Tx
	now        time.Time // end of the month
	project    monitor.Project
	people     []monitor.Person
	channels   []channel
	beats      []*simulatedHeartbeat
	actions    []action
	unsaved    []store.Transition
	opened     int    // number of incidents so far
	documented string // id of an open incident with a note
	blackout   monitor.Blackout
	unwatched  string // id of the heartbeat of unwatchedJob
}

// run simulates the month, one event after the other.
func (s *simulation) run() error {
	for {
		b, at := s.nextBeat()
		i := s.nextAction()
		switch {
		case i >= 0 && (b == nil || s.actions[i].at.Before(at)):
			next := s.actions[i]
			s.actions = append(s.actions[:i], s.actions[i+1:]...)
			if err := s.save(next.at); err != nil {
				return err
			}
			if err := next.do(next.at); err != nil {
				return err
			}
			if err := s.deliver(next.at); err != nil {
				return err
			}
		case b == nil:
			return s.finish()
		default:
			if err := s.step(b, at); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
	}
}

// finish saves the rest, and makes the last attempts.
func (s *simulation) finish() error {
	if err := s.save(s.now); err != nil {
		return err
	}
	if err := s.deliver(s.now.Add(-time.Second)); err != nil {
		return err
	}
	failures, err := s.tx.ChannelFailures()
	if err != nil {
		return err
	}
	for _, f := range failures { // otherwise a server would announce them at its start
		if _, err := s.tx.MarkAnnounced(f.ChannelFailure, s.now); err != nil {
			return err
		}
	}
	return nil
}

// nextBeat returns the heartbeat with the earliest event up to now, or nil.
func (s *simulation) nextBeat() (next *simulatedHeartbeat, at time.Time) {
	for _, b := range s.beats {
		if t := s.nextEvent(b); !t.IsZero() && !t.After(s.now) && (next == nil || t.Before(at)) {
			next, at = b, t
		}
	}
	return next, at
}

// nextAction returns the index of the earliest action up to now, or -1.
func (s *simulation) nextAction() int {
	next := -1
	for i, a := range s.actions {
		if !a.at.After(s.now) && (next < 0 || a.at.Before(s.actions[next].at)) {
			next = i
		}
	}
	return next
}

// blackoutLength is the length of the blackout of the month.
const blackoutLength = 7 * minutes

// unwatchedJob is the job that was due in the blackout.
const unwatchedJob = "Session clean-up"

// addBlackout adds a blackout of the last day in which a job was due, and its notices.
func (s *simulation) addBlackout() error {
	number := slices.IndexFunc(jobs, func(j job) bool { return j.name == unwatchedJob })
	p, err := newPlan(jobs[number], number, s.now)
	if err != nil {
		return err
	}
	s.unwatched = p.heartbeat.ID
	due := slices.IndexFunc(p.pings, func(g monitor.Ping) bool { return g.At.After(s.now.Add(-20 * hours)) })
	from := p.pings[due].At.Add(-3*minutes - 12*time.Second).Truncate(time.Second)
	s.blackout = monitor.Blackout{
		Key: 1, From: from, To: from.Add(blackoutLength), Cause: monitor.BlackoutUpgrade,
		Detail: "Stopped with version 0.9.3, started again with version 1.0.0.",
	}
	s.actions = append(s.actions, action{s.blackout.To.Add(12 * time.Second), func(at time.Time) error {
		_, err := s.tx.EnqueueNotices(at)
		return err
	}})
	return s.tx.AddBlackout(s.blackout, s.blackout.To)
}

// inBlackout reports whether nothing is received and evaluated at a time.
func (s *simulation) inBlackout(at time.Time) bool {
	return !at.Before(s.blackout.From) && at.Before(s.blackout.To)
}

// nextEvent returns the time of the next ping, evaluation or pause; zero for none.
func (s *simulation) nextEvent(b *simulatedHeartbeat) time.Time {
	next := b.heartbeat.NextEvaluation()
	if s.inBlackout(next) {
		next = s.blackout.To
	}
	if !b.resumed && b.heartbeat.Created.Before(s.blackout.From) {
		next = monitor.Earlier(next, s.blackout.To) // every heartbeat is evaluated at its end
	}
	if b.sent < len(b.pings) {
		next = monitor.Earlier(next, b.pings[b.sent].At)
	}
	return monitor.Earlier(next, b.pauseAt)
}

// step applies the next event of a heartbeat.
func (s *simulation) step(b *simulatedHeartbeat, at time.Time) error {
	var change monitor.Change
	switch {
	case b.pauseAt.Equal(at):
		b.heartbeat, change = b.heartbeat.Pause(at, at)
		b.pauseAt, b.sent = time.Time{}, len(b.pings)
	case b.sent < len(b.pings) && b.pings[b.sent].At.Equal(at):
		b.heartbeat, change = b.heartbeat.ApplyPing(b.pings[b.sent], at)
		b.sent++
	default:
		if at.Equal(s.blackout.To) {
			b.heartbeat, b.resumed = b.heartbeat.WithBlackouts([]monitor.Blackout{s.blackout}), true
		}
		b.heartbeat, change = b.heartbeat.Evaluate(at)
		if !b.heartbeat.NextEvaluation().After(at) && !b.heartbeat.NextEvaluation().IsZero() {
			return fmt.Errorf("the evaluation at %s leads to another at the same time", at)
		}
		at = at.Add(detection)
	}
	s.unsaved = append(s.unsaved, store.Transition{Heartbeat: b.heartbeat, Change: change})
	if change.Opened == nil && change.Resolved == nil && !change.FailedAgain {
		if len(s.unsaved) >= maxUnsaved {
			return s.save(at)
		}
		return nil
	}
	return s.saveAndDeliver(b, change, at)
}

// saveAndDeliver saves a change that can open or resolve an incident, and delivers its alerts.
func (s *simulation) saveAndDeliver(b *simulatedHeartbeat, change monitor.Change, at time.Time) error {
	if err := s.save(at); err != nil {
		return err
	}
	saved, err := s.tx.HeartbeatByKey(b.heartbeat.Key)
	if err != nil {
		return err
	}
	b.heartbeat = saved // it has the id of its incident
	if err := s.deliver(at.Add(time.Second)); err != nil {
		return err
	}
	if change.Opened != nil && saved.OpenIncident != "" {
		return s.planReaction(saved.OpenIncident, at)
	}
	return nil
}

// save saves the transitions so far.
func (s *simulation) save(at time.Time) error {
	_, err := s.tx.Save(at, s.unsaved)
	s.unsaved = nil
	return err
}

// planReaction schedules what people do about a new incident.
func (s *simulation) planReaction(incident string, at time.Time) error {
	found, err := s.tx.IncidentsByID(s.project.Key, []string{incident})
	if err != nil || len(found) == 0 {
		return err
	}
	number := s.opened
	s.opened++
	if number%3 != 1 {
		return nil
	}
	who := s.people[number%3].Name
	acknowledged := at.Add(time.Duration(3+number%17) * minutes)
	s.actions = append(s.actions, action{acknowledged, func(at time.Time) error {
		done, err := s.tx.AcknowledgeIncident(found[0], who, at)
		if err == nil && done {
			s.documented = incident
		}
		return err
	}})
	s.actions = append(s.actions, action{acknowledged.Add(6 * minutes), func(at time.Time) error {
		return s.tx.AddTimelineEntry(incident, "note", who+": "+notes[number%len(notes)], at)
	}})
	return nil
}

// notes are texts of notes on incidents.
var notes = []string{
	"The backup host is out of disk space. I am deleting old copies and run the job again.",
	"The provider has an outage, see https://status.example.com. Nothing to do for us now.",
	"Deployed the fix. The next run should succeed.",
	"The job waits for a lock that the migration holds. I stopped the migration.",
	"The machine was rebooted for a kernel update. The timer is running again.",
}
