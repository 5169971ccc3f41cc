package manage

import (
	"time"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// acting returns the actor as they are now, and keeps the project's members and
// the actor's session as they are until the transaction ends. The request was
// authenticated before: since then the session may have been ended or the role
// lowered, and what such a request makes would outlive both.
func acting(tx *store.Tx, a auth.Actor, right auth.Right, now time.Time) (auth.Actor, error) {
	if err := tx.LockProject(a.Project.Key); err != nil {
		return a, err
	}
	if a.Person == "" {
		return a, may(a, right)
	}
	if a.Session != "" {
		if _, err := auth.StillSignedIn(tx, a.Person, a.Session, now); err != nil {
			return a, err
		}
	}
	role, err := tx.Role(a.Project.Key, a.Person)
	if err != nil {
		return a, err
	}
	a.Role = role
	return a, may(a, right)
}
