package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// NewInvitationToken returns a new token for the link of an invitation.
func NewInvitationToken() string { return newToken() }

// InvitationDetails is an invitation as the invited person sees it.
type InvitationDetails struct {
	monitor.Invitation
	Target     monitor.Project
	HasAccount bool // the email address has an account
}

// Invitation returns the invitation with a token, or false if it was used,
// withdrawn or has expired.
func (p *People) Invitation(ctx context.Context, token string, now time.Time) (i InvitationDetails, found bool, err error) {
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		if i.Invitation, found, err = tx.Invitation(HashKey(token), now); err != nil || !found {
			return err
		}
		if found, err = canGrant(tx, i.Invitation); err != nil || !found {
			return err
		}
		if i.Target, err = tx.Project(i.Project); err != nil {
			return err
		}
		_, _, i.HasAccount, err = tx.PersonByEmail(i.Email)
		return err
	})
	if err != nil {
		return i, false, fmt.Errorf("invitation: %w", err)
	}
	return i, found, nil
}

// AcceptInvitation accepts an invitation and signs the person in. If the email address
// has an account, the password must be that of the account. Otherwise a new account is
// created.
func (p *People) AcceptInvitation(ctx context.Context, token, name, password string, e ClientInfo, now time.Time) error {
	i, found, err := p.Invitation(ctx, token, now)
	if err != nil {
		return err
	}
	if !found {
		return errInvitationEnded()
	}
	if i.HasAccount {
		return p.acceptWithAccount(ctx, i, password, e, now)
	}
	return p.acceptWithNewAccount(ctx, i, name, password, e, now)
}

// errInvitationEnded is the fault for an invitation that cannot be accepted.
func errInvitationEnded() error {
	return monitor.Faultf(monitor.NotFound, "", "This invitation was already used or withdrawn, or is older than seven days. Ask for a new one.")
}

// acceptWithAccount accepts an invitation with an existing account.
func (p *People) acceptWithAccount(ctx context.Context, i InvitationDetails, password string, e ClientInfo, now time.Time) error {
	v, err := p.authenticate(ctx, i.Email, password, e, now)
	if err != nil {
		return err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		return addMember(tx, i, e.Address, now, func() (monitor.Person, error) { return v.person, stillVerified(tx, v.person.ID, v.hash) })
	})
	if errors.Is(err, errPasswordChanged) {
		return errWrongCredentials()
	}
	if err != nil {
		return err
	}
	return p.signInToProject(ctx, v, i, e, now)
}

// acceptWithNewAccount accepts an invitation with a new account.
func (p *People) acceptWithNewAccount(ctx context.Context, i InvitationDetails, name, password string, e ClientInfo, now time.Time) error {
	var faults monitor.Faults
	name, fault := validateName(name)
	if fault != nil {
		faults = append(faults, fault)
	}
	if fault := passwordFault("password", password, name, i.Email); fault != nil {
		faults = append(faults, fault)
	}
	if len(faults) > 0 {
		return faults
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	v := verifiedPerson{hash: hash}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		return addMember(tx, i, e.Address, now, func() (_ monitor.Person, err error) {
			v.person, err = tx.AddPerson(monitor.Person{Email: i.Email, Name: name, Created: now}, hash)
			return v.person, err
		})
	})
	if errors.Is(err, store.ErrTaken) {
		return monitor.Faultf(monitor.Conflict, "", "An account with this email address was just created. Open the link again.")
	}
	if err != nil {
		return err
	}
	return p.signInToProject(ctx, v, i, e, now)
}

// addMember uses the invitation and makes the person a member. A member with a
// higher role keeps it. The invitation fails if its sender can no longer assign
// the role.
func addMember(tx *store.Tx, i InvitationDetails, address string, now time.Time, who func() (monitor.Person, error)) error {
	if err := tx.LockProject(i.Project); err != nil {
		return err
	}
	valid, err := canGrant(tx, i.Invitation)
	if err != nil {
		return err
	}
	used, err := tx.UseInvitation(i.ID)
	if err != nil {
		return err
	}
	if !used || !valid {
		return errInvitationEnded()
	}
	person, err := who()
	if err != nil {
		return err
	}
	role := i.Role
	memberships, err := tx.Memberships(person.ID)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		if m.Project.Key == i.Project {
			role = max(role, m.Role)
		}
	}
	if err := tx.SetMember(i.Project, person.ID, role, now); err != nil {
		return err
	}
	by := personActor(person, address)
	by.Project = i.Target
	return tx.AddAuditEntry(by.Audit(now, "member.join", person.Name, role.String()+", invited by "+i.InvitedBy))
}

// canGrant reports whether the sender of an invitation can still assign its
// role. Invitations of the command line are always valid.
func canGrant(tx *store.Tx, i monitor.Invitation) (bool, error) {
	if i.InvitedByID == "" {
		return true, nil
	}
	role, err := tx.MemberRole(i.Project, i.InvitedByID)
	return role.MayGrant(i.Role), err
}

// signInToProject signs the person in and selects the project that they joined.
func (p *People) signInToProject(ctx context.Context, v verifiedPerson, i InvitationDetails, e ClientInfo, now time.Time) error {
	if err := p.Sessions.start(ctx, v, e, now); err != nil {
		return err
	}
	p.Sessions.SelectProject(ctx, i.Target.Slug)
	return nil
}
