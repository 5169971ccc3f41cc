package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"overdue/internal/store"
)

// SignOutEverywhere ends all sessions of the person with an email address, on
// behalf of an operator. It returns their number, or false if there is no
// account.
func (p *People) SignOutEverywhere(ctx context.Context, email string, by Actor, now time.Time) (n int, found bool, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		person, _, known, err := tx.PersonByEmail(strings.TrimSpace(email))
		if found = known; err != nil || !known {
			return err
		}
		sessions, err := tx.Sessions(person.ID, now)
		if err != nil {
			return err
		}
		n = len(sessions)
		if err := tx.EndOtherSessions(person.ID, ""); err != nil {
			return err
		}
		return auditAccount(tx, person.ID, accountAction{by, "session.end-all", person.Name, fmt.Sprintf("%d sessions", n)}, now)
	})
	if err != nil {
		return 0, found, fmt.Errorf("sessions of %s: %w", email, err)
	}
	return n, found, nil
}
