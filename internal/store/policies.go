package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"overdue/internal/monitor"
)

// policyColumns are in the order of scanPolicy.
const policyColumns = `id, project, slug, name, is_default, steps, created, revision`

// scanPolicy reads policyColumns.
func scanPolicy(row scanner) (p monitor.Policy, err error) {
	var steps string
	var created sql.NullInt64
	if err = row.Scan(&p.ID, &p.Project, &p.Slug, &p.Name, &p.Default, &steps, &created, &p.Revision); err != nil {
		return p, err
	}
	p.Created = timeFromMicros(created)
	if err := json.Unmarshal([]byte(steps), &p.Steps); err != nil {
		return p, fmt.Errorf("steps of policy %s: %w", p.ID, err)
	}
	return p, nil
}

// Policies lists the escalation policies of a project, by slug.
func (tx *Tx) Policies(project int64) ([]monitor.Policy, error) {
	found, err := queryAll(tx, scanPolicy, `SELECT `+policyColumns+` FROM policies WHERE project = $1 ORDER BY slug`, project)
	if err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	return found, nil
}

// LockPolicies is Policies, and lets other edits of the policies of the project wait until the
// transaction ends.
func (tx *Tx) LockPolicies(project int64) ([]monitor.Policy, error) {
	_, _, err := queryOne(tx, scanInt, `SELECT key FROM projects WHERE key = $1`+tx.d.ForUpdate, project)
	if err != nil {
		return nil, fmt.Errorf("lock policies: %w", err)
	}
	return tx.Policies(project)
}

// SavePolicy stores a policy. One without an id is new: it gets one. If it is the default, no other
// policy of the project is.
func (tx *Tx) SavePolicy(p monitor.Policy) (monitor.Policy, error) {
	steps, err := json.Marshal(p.Steps)
	if err != nil {
		return p, fmt.Errorf("steps of policy: %w", err)
	}
	if p.Default {
		if _, err := tx.exec(`UPDATE policies SET is_default = FALSE, revision = revision + 1 WHERE project = $1 AND id <> $2 AND is_default`, p.Project, p.ID); err != nil {
			return p, fmt.Errorf("replace default policy: %w", err)
		}
	}
	if p.ID == "" {
		p.ID, p.Revision = newID(), 1
		_, err = tx.exec(`INSERT INTO policies (`+policyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			p.ID, p.Project, p.Slug, p.Name, p.Default, string(steps), micros(p.Created), p.Revision)
	} else {
		p.Revision++
		_, err = tx.exec(`UPDATE policies SET slug = $2, name = $3, is_default = $4, steps = $5, revision = $6 WHERE id = $1`,
			p.ID, p.Slug, p.Name, p.Default, string(steps), p.Revision)
	}
	if err != nil {
		return p, fmt.Errorf("save policy: %w", err)
	}
	return p, nil
}

// LockHeartbeatsOfPolicy locks the heartbeats that name a policy, in the order of their keys, and counts
// those that are not deleted. It must run before LockPolicies, because pings lock their heartbeats before
// their project.
func (tx *Tx) LockHeartbeatsOfPolicy(project int64, slug string) (n int, err error) {
	named, err := queryAll(tx, tx.lockHeartbeat, `SELECT `+heartbeatColumns+` FROM heartbeats h
		WHERE h.project = $1 AND h.policy = $2 ORDER BY h.key`+tx.d.ForUpdate, project, slug)
	if err != nil {
		return 0, fmt.Errorf("heartbeats of policy: %w", err)
	}
	for _, h := range named {
		if h.Deleted.IsZero() {
			n++
		}
	}
	return n, nil
}

// ReplacePolicyOfHeartbeats makes the heartbeats that name a policy name another one, or none if to is
// empty. Deleted heartbeats are included, because they can be restored.
func (tx *Tx) ReplacePolicyOfHeartbeats(project int64, slug, to string) error {
	_, err := tx.exec(`UPDATE heartbeats SET policy = $3 WHERE project = $1 AND policy = $2`, project, slug, nullableText(to))
	if err != nil {
		return fmt.Errorf("replace policy of heartbeats: %w", err)
	}
	tx.changes.declareHeartbeat(project, 0) // no list shows the policy
	return nil
}

// HeartbeatsByPolicy counts the heartbeats of a project that name a policy, by its slug.
func (tx *Tx) HeartbeatsByPolicy(project int64) (map[string]int, error) {
	counts := map[string]int{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var slug string
		var n int
		err := row.Scan(&slug, &n)
		counts[slug] = n
		return struct{}{}, err
	}, `SELECT policy, COUNT(*) FROM heartbeats WHERE project = $1 AND policy IS NOT NULL AND deleted IS NULL GROUP BY policy`, project)
	if err != nil {
		return nil, fmt.Errorf("heartbeats by policy: %w", err)
	}
	return counts, nil
}

// DeletePolicy deletes a policy. Alerts that it enqueued stay.
func (tx *Tx) DeletePolicy(p monitor.Policy) error {
	if _, err := tx.exec(`DELETE FROM policies WHERE id = $1`, p.ID); err != nil {
		return fmt.Errorf("delete policy: %w", err)
	}
	return nil
}
