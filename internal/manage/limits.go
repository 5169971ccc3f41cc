package manage

import (
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// How much one role may create. The bounds are far above what people need, and
// keep one account or key from filling the database. That of heartbeats is a
// setting, see [Options].
const (
	maxKeys          = 200   // API keys of a project that work
	maxChannels      = 200   // channels of a project
	maxOwnedProjects = 100   // projects that a person owns
	maxNotes         = 1_000 // notes on an incident
)

// limitReached returns the fault of a reached maximum. advice says what to do.
func limitReached(field string, max int, things, advice string) error {
	return monitor.Faultf(monitor.Conflict, field, "There are already %d %s, the maximum. %s", max, things, advice)
}

// checkHeartbeatLimit returns a fault when the actor's project has as many
// heartbeats as it may.
func (d *Service) checkHeartbeatLimit(tx *store.Tx, a auth.Actor) error {
	if d.maxHeartbeats <= 0 {
		return nil
	}
	n, err := tx.CountHeartbeats(a.Project.Key)
	if err == nil && n >= d.maxHeartbeats {
		err = limitReached("name", d.maxHeartbeats, "heartbeats in this project",
			"Delete one that is no longer needed, or ask the operator to raise --max-heartbeats.")
	}
	return err
}
