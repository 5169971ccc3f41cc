package store

import (
	"fmt"
	"time"
)

// RenewClaim extends a claim of the node named holder until the given time. It does
// nothing if the claim is no longer that node's, or the alert is no longer pending.
func (tx *Tx) RenewClaim(alert, holder string, until time.Time) error {
	_, err := tx.exec(`UPDATE alerts SET next_at = $3 WHERE id = $1 AND holder = $2 AND state = 'pending'`, alert, holder, micros(until))
	if err != nil {
		return fmt.Errorf("renew claim: %w", err)
	}
	return nil
}
