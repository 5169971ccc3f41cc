package auth

import (
	"context"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Rename gives a person another name.
func (p *People) Rename(ctx context.Context, who Person, name string) error {
	name, fault := soundName(name)
	if fault != nil {
		return monitor.Faults{fault}
	}
	return p.db.Update(ctx, func(tx *store.Tx) error { return tx.RenamePerson(who.ID, name) })
}

// PasswordChange is what somebody sends to change their password.
type PasswordChange struct {
	Old, New string
	Address  string // that the request came from
	At       time.Time
}

// ChangePassword changes the password of somebody who knows the old one, and
// ends all of their other sessions, and the link that would set another: it may
// be what they protect themselves from. Wrong old passwords count as tries.
func (p *People) ChangePassword(ctx context.Context, who Person, c PasswordChange) error {
	if wait := p.throttle.try(who.Email, c.Address, c.At); wait > 0 {
		return &Rest{monitor.Wrong(monitor.Limited, "old_password", "Too many tries. Wait %s, then try again.", minutes(wait)), wait}
	}
	var hash string
	err := p.db.View(ctx, func(tx *store.Tx) (err error) {
		hash, err = tx.Password(who.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	same, err := p.hasher.matches(ctx, c.Old, hash)
	if err != nil {
		return err
	}
	if !same {
		return monitor.Faults{monitor.Wrong(monitor.Invalid, "old_password", "This is not the password now.")}
	}
	p.throttle.right(who.Email, c.Address)
	if fault := soundPassword("new_password", c.New, who.Email); fault != nil {
		return monitor.Faults{fault}
	}
	if hash, err = p.hasher.hash(ctx, c.New); err != nil {
		return err
	}
	return p.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.SetPassword(who.ID, hash); err != nil {
			return err
		}
		if err := dropReset(tx, who.ID); err != nil {
			return err
		}
		return tx.EndSessions(who.ID, who.Session)
	})
}

// SessionsOf lists where a person is signed in, last seen first.
func (p *People) SessionsOf(ctx context.Context, who Person, now time.Time) (all []monitor.Session, err error) {
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Sessions(who.ID, now)
		return err
	})
	return all, err
}

// EndSession ends one of a person's sessions, by id. One that is not theirs or
// has ended is none.
func (p *People) EndSession(ctx context.Context, who Person, id string) error {
	return p.db.Update(ctx, func(tx *store.Tx) error { return tx.EndSessionOf(who.ID, id) })
}

// EndOtherSessions ends all of a person's sessions but the one they are here by.
func (p *People) EndOtherSessions(ctx context.Context, who Person) error {
	return p.db.Update(ctx, func(tx *store.Tx) error { return tx.EndSessions(who.ID, who.Session) })
}
