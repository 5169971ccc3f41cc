package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store/listindex"
)

// listChanges are the changes of a transaction that concern the index of lists.
type listChanges struct {
	observed, declared int // number of statements that write heartbeats
	saved              [][]Transition
	rereads            map[int64]int64 // project by key
}

// observe counts a statement that writes heartbeats. The function that sends it declares
// which ones; if none does, the index is loaded again. It reports whether the statement is one.
func (c *listChanges) observe(text string) bool {
	writes := strings.Contains(text, "UPDATE heartbeats") || strings.Contains(text, "INTO heartbeats") || strings.Contains(text, "DELETE FROM heartbeats")
	if writes {
		c.observed++
	}
	return writes
}

// declareStates declares a statement that stores the states of heartbeats.
func (c *listChanges) declareStates(transitions []Transition) {
	if len(transitions) > 0 {
		c.declared++
		c.saved = append(c.saved, transitions)
	}
}

// declareHeartbeat declares a statement that adds, edits or deletes a heartbeat.
func (c *listChanges) declareHeartbeat(project, key int64) {
	c.declared++
	if project < 0 {
		return
	}
	if c.rereads == nil {
		c.rereads = map[int64]int64{}
	}
	c.rereads[key] = project
}

// beginListChange announces the changes of a transaction to the index, before its commit. end must
// be called with the result.
func (db *DB) beginListChange(c *listChanges) (end func(err error)) {
	if db.lists == nil || c.observed == 0 && c.declared == 0 {
		return func(error) {}
	}
	change := db.lists.Begin()
	return func(err error) {
		if !db.lists.Active() && !db.IsShared() {
			change.End(listindex.Effects{})
			return
		}
		e := listindex.Effects{Rereads: c.rereads, Unknown: c.observed > c.declared}
		for _, transitions := range c.saved {
			e.States = append(e.States, listStates(transitions)...)
		}
		if err != nil { // it can be committed nevertheless
			e.Rereads = maps.Clone(e.Rereads)
			for _, s := range e.States {
				if e.Rereads == nil {
					e.Rereads = map[int64]int64{}
				}
				e.Rereads[s.Key] = s.Project
			}
			e.States = nil
		}
		change.End(e)
		if db.IsShared() {
			db.outgoing.Add(e)
		}
	}
}

// listStates returns the states of heartbeats after transitions.
func listStates(transitions []Transition) []listindex.State {
	states := make([]listindex.State, len(transitions))
	for i := range transitions {
		states[i] = listState(&transitions[i].Heartbeat)
	}
	return states
}

// listState returns the state of a heartbeat for the index, as the columns of listColumns.
func listState(h *monitor.Heartbeat) listindex.State {
	s := listindex.State{Project: h.Project, Key: h.Key, Status: h.Status, Running: h.Running(), Due: listindex.None, LastPing: microsOrNone(h.LastPing), RunTime: listindex.None}
	from := microsOrNone(h.CountedFrom)
	switch {
	case h.Rule.Calendar != nil:
		if s.Due = microsOrNone(h.EvaluationDue()); s.Due == listindex.None {
			s.Due = from
		}
	case from != listindex.None:
		s.Due = from + h.Rule.Interval.Microseconds()
	}
	if h.HasRunTime {
		s.RunTime = h.LastRunTime.Microseconds()
	}
	return s
}

func microsOrNone(t time.Time) int64 {
	if t.IsZero() {
		return listindex.None
	}
	return t.UnixMicro()
}

// bufferedStates adds the heartbeats in the write-behind buffer to the index while it is loaded. It
// flushes first, because packed heartbeats are read from the tables.
func (db *DB) bufferedStates(ctx context.Context, add func([]listindex.State)) error {
	if err := db.flush(ctx); err != nil && !errors.Is(err, ErrUnavailable) {
		return err
	}
	var states []listindex.State
	var packed []int64
	db.buffer.EachState(func(h *monitor.Heartbeat) { states = append(states, listState(h)) }, func(key int64) { packed = append(packed, key) })
	for chunk := range slices.Chunk(packed, 500) {
		err := db.View(ctx, func(tx *Tx) error {
			read, err := tx.heartbeatsInOrder(chunk)
			for i := range read {
				states = append(states, listState(&read[i]))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	add(states)
	return nil
}
