package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// invitationColumns are in the order of scanInvitation.
const invitationColumns = `id, project, email, role, by_name, by_id, created, ends`

// scanInvitation reads invitationColumns.
func scanInvitation(row scanner) (monitor.Invitation, error) {
	var i monitor.Invitation
	var role string
	var created, ends sql.NullInt64
	err := row.Scan(&i.ID, &i.Project, &i.Email, &role, &i.InvitedBy, &i.InvitedByID, &created, &ends)
	i.Role, _ = monitor.ParseRole(role) // one that is unknown may nothing
	i.Created, i.ExpiresAt = timeFromMicros(created), timeFromMicros(ends)
	return i, err
}

// AddInvitation keeps a new invitation by the hash of its token, in place of
// any that the same address had to the same project, and gives it its id. It
// forgets those that have ended.
func (tx *Tx) AddInvitation(i monitor.Invitation, hash string) (monitor.Invitation, error) {
	_, err := tx.exec(`DELETE FROM invitations WHERE ends <= $1 OR (project = $2 AND LOWER(email) = $3)`,
		micros(i.Created), i.Project, normalizeEmail(i.Email))
	if err != nil {
		return i, fmt.Errorf("invitations before: %w", err)
	}
	i.ID = newID()
	_, err = tx.exec(`INSERT INTO invitations (id, project, hash, email, role, by_name, by_id, created, ends)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, i.ID, i.Project, hash, i.Email, i.Role.String(), i.InvitedBy, i.InvitedByID, micros(i.Created), micros(i.ExpiresAt))
	if err != nil {
		return i, fmt.Errorf("add invitation: %w", err)
	}
	return i, nil
}

// Invitations lists those of a project that can be taken up, newest first.
func (tx *Tx) Invitations(project int64, now time.Time) ([]monitor.Invitation, error) {
	return queryAll(tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations WHERE project = $1 AND ends > $2 ORDER BY created DESC, id DESC`,
		project, micros(now))
}

// Invitation returns the one with the hash of a token, if it can be taken up.
func (tx *Tx) Invitation(hash string, now time.Time) (monitor.Invitation, bool, error) {
	return queryOne(tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations WHERE hash = $1 AND ends > $2`, hash, micros(now))
}

// UseInvitation ends an invitation. It reports false when it had ended already,
// so that of two who come at once only one gets in.
func (tx *Tx) UseInvitation(id string) (bool, error) {
	n, err := tx.exec(`DELETE FROM invitations WHERE id = $1`, id)
	if err != nil {
		return false, fmt.Errorf("use invitation: %w", err)
	}
	return n > 0, nil
}

// DeleteInvitationsBy ends those that a person sent for a project: who is removed
// must not come back by one of their own.
func (tx *Tx) DeleteInvitationsBy(project int64, person string) error {
	if _, err := tx.exec(`DELETE FROM invitations WHERE project = $1 AND by_id = $2`, project, person); err != nil {
		return fmt.Errorf("invitations of a person: %w", err)
	}
	return nil
}
