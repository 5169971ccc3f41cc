package manage

import (
	"time"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// reauthorize checks the right again inside the transaction and returns the actor with
// the current role. It locks the project's members and the actor's session until
// the transaction ends. Since the request was authenticated, the session may have
// ended or the role may be lower.
func reauthorize(tx *store.Tx, a auth.Actor, right auth.Right, now time.Time) (auth.Actor, error) {
	if err := tx.LockProject(a.Project.Key); err != nil {
		return a, err
	}
	if a.Person == "" {
		return a, authorize(a, right)
	}
	if a.Session != "" {
		if _, err := auth.StillSignedIn(tx, a.Person, a.Session, now); err != nil {
			return a, err
		}
	}
	role, err := tx.MemberRole(a.Project.Key, a.Person)
	if err != nil {
		return a, err
	}
	a.Role = role
	return a, authorize(a, right)
}
