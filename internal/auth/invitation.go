package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// NewInvitationToken makes the secret of an invitation's link.
func NewInvitationToken() string { return newToken() }

// Invited is an invitation as whoever holds its link sees it.
type Invited struct {
	monitor.Invitation
	Into  monitor.Project
	Known bool // the address has an account
}

// Invitation returns the one with a token, and false when it was used,
// withdrawn, or ended.
func (p *People) Invitation(ctx context.Context, token string, now time.Time) (i Invited, found bool, err error) {
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		if i.Invitation, found, err = tx.Invitation(HashKey(token), now); err != nil || !found {
			return err
		}
		if found, err = mayGive(tx, i.Invitation); err != nil || !found {
			return err
		}
		if i.Into, err = tx.Project(i.Project); err != nil {
			return err
		}
		_, _, i.Known, err = tx.PersonAt(i.Email)
		return err
	})
	if err != nil {
		return i, false, fmt.Errorf("invitation: %w", err)
	}
	return i, found, nil
}

// Join takes up an invitation, and signs in: with a new account of that name
// and password, or with the account that the address has, whose password it
// must be then.
func (p *People) Join(ctx context.Context, token, name, password string, e Entry, now time.Time) error {
	i, found, err := p.Invitation(ctx, token, now)
	if err != nil {
		return err
	}
	if !found {
		return errEnded()
	}
	if i.Known {
		return p.joinKnown(ctx, i, password, e, now)
	}
	return p.joinNew(ctx, i, name, password, e, now)
}

// errEnded is the answer to an invitation that cannot be taken up.
func errEnded() error {
	return monitor.Wrong(monitor.Missing, "", "This invitation was used, withdrawn, or is older than seven days. Ask for a new one.")
}

// joinKnown adds a person who already has an account.
func (p *People) joinKnown(ctx context.Context, i Invited, password string, e Entry, now time.Time) error {
	v, err := p.check(ctx, i.Email, password, e, now)
	if err != nil {
		return err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		return takeIn(tx, i, e.Address, now, func() (monitor.Person, error) { return v.person, stillVerified(tx, v.person.ID, v.hash) })
	})
	if errors.Is(err, errReplaced) {
		return errUnknown()
	}
	if err != nil {
		return err
	}
	return p.enter(ctx, v, i, e, now)
}

// joinNew takes somebody in with a new account.
func (p *People) joinNew(ctx context.Context, i Invited, name, password string, e Entry, now time.Time) error {
	var faults monitor.Faults
	name, fault := soundName(name)
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
	v := verified{hash: hash}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		return takeIn(tx, i, e.Address, now, func() (_ monitor.Person, err error) {
			v.person, err = tx.AddPerson(monitor.Person{Email: i.Email, Name: name, Created: now}, hash)
			return v.person, err
		})
	})
	if errors.Is(err, store.ErrTaken) {
		return monitor.Wrong(monitor.Conflict, "", "This address got an account just now. Open the link again.")
	}
	if err != nil {
		return err
	}
	return p.enter(ctx, v, i, e, now)
}

// takeIn consumes the invitation and makes the person a member. A member with a
// higher role keeps it. The invitation fails if its sender may no longer give the
// role.
func takeIn(tx *store.Tx, i Invited, address string, now time.Time, who func() (monitor.Person, error)) error {
	if err := tx.LockProject(i.Project); err != nil {
		return err
	}
	valid, err := mayGive(tx, i.Invitation)
	if err != nil {
		return err
	}
	used, err := tx.UseInvitation(i.ID)
	if err != nil {
		return err
	}
	if !used || !valid {
		return errEnded()
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
	by.Project = i.Into
	return tx.Audit(by.Audit(now, "member.join", person.Name, role.String()+", invited by "+i.By))
}

// mayGive reports whether the sender of an invitation still has a role that may
// give the role in it. The command line always may.
func mayGive(tx *store.Tx, i monitor.Invitation) (bool, error) {
	if i.ByID == "" {
		return true, nil
	}
	role, err := tx.Role(i.Project, i.ByID)
	return role.MayGive(i.Role), err
}

// enter signs somebody in, looking at the project that they joined.
func (p *People) enter(ctx context.Context, v verified, i Invited, e Entry, now time.Time) error {
	if err := p.Sessions.begin(ctx, v, e, now); err != nil {
		return err
	}
	p.Sessions.Choose(ctx, i.Into.Slug)
	return nil
}
