package auth

import (
	"context"
	"errors"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Rename gives a person another name.
func (p *People) Rename(ctx context.Context, who Person, name string, now time.Time) error {
	name, fault := soundName(name)
	if fault != nil {
		return monitor.Faults{fault}
	}
	return p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := StillSignedIn(tx, who.ID, who.Session, now); err != nil {
			return err
		}
		if err := tx.RenamePerson(who.ID, name); err != nil || name == who.Name {
			return err
		}
		return auditAccount(tx, who.ID, audited{who.here(), "person.rename", name, "from " + who.Name}, now)
	})
}

// PasswordChange is what a person sends to change their password.
type PasswordChange struct {
	Old, New string
	Entry    Entry
	At       time.Time
}

// ChangePassword changes the password of a person who knows the old one, and
// ends all of their other sessions, and the link that would set another: it may
// be what they protect themselves from. This browser gets a new session in
// place of the old one, so that a token that was copied before is worthless.
// API keys stay: they belong to the project, and jobs depend on them.
func (p *People) ChangePassword(ctx context.Context, who Person, c PasswordChange) error {
	old, err := p.confirm(ctx, who, "old_password", c.Old, c.At)
	if err != nil {
		return err
	}
	if fault := passwordFault("new_password", c.New, who.Name, who.Email); fault != nil {
		return monitor.Faults{fault}
	}
	hash, err := p.hasher.hash(ctx, c.New)
	if err != nil {
		return err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if err := stillVerified(tx, who.ID, old); err != nil {
			return err
		}
		if _, err := StillSignedIn(tx, who.ID, who.Session, c.At); err != nil {
			return err
		}
		if err := tx.SetPassword(who.ID, hash); err != nil {
			return err
		}
		if err := dropReset(tx, who.ID); err != nil {
			return err
		}
		if err := tx.EndSessions(who.ID, ""); err != nil {
			return err
		}
		return auditAccount(tx, who.ID, audited{who.here(), "person.password", who.Name, "with the current password; all sessions ended"}, c.At)
	})
	if errors.Is(err, errReplaced) {
		return errIncorrect("old_password")
	}
	if err != nil {
		return err
	}
	return p.Sessions.renew(ctx, verified{who.Person, hash}, c.Entry, c.At)
}

// errIncorrect is the fault for a wrong password of a person who is signed in.
func errIncorrect(field string) error {
	return monitor.Faults{monitor.Wrong(monitor.Invalid, field, "Incorrect password. Enter your current password.")}
}

// confirm checks the password of a person who is signed in, and returns its
// hash. Wrong passwords count for this session only.
func (p *People) confirm(ctx context.Context, who Person, field, password string, now time.Time) (string, error) {
	a := attempt{email: who.Email, exists: true, browser: "session/" + who.Session}
	hash, same, err := p.prove(ctx, a, field, password, now, func() (hash string, err error) {
		err = p.db.View(ctx, func(tx *store.Tx) (err error) {
			hash, err = tx.Password(who.ID)
			return err
		})
		return hash, err
	})
	if err == nil && !same {
		err = errIncorrect(field)
	}
	return hash, err
}

// SessionsOf lists where a person is signed in, last seen first.
func (p *People) SessionsOf(ctx context.Context, who Person, now time.Time) (all []monitor.Session, err error) {
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Sessions(who.ID, now)
		return err
	})
	return all, err
}

// ProofLife is how long after sign-in a person may end other sessions without
// entering their password again.
const ProofLife = 10 * time.Minute

// EndSession ends another one of a person's sessions, by id. One that is not
// theirs, or that has ended, is ignored. It needs the password unless the person
// signed in within the last [ProofLife].
func (p *People) EndSession(ctx context.Context, who Person, id, password string, now time.Time) error {
	return p.endOthers(ctx, who, password, "session.end-other", now, func(tx *store.Tx) error { return tx.EndSessionOf(who.ID, id) })
}

// EndOtherSessions ends all of a person's sessions but the one they are here by.
// It needs the password as [People.EndSession] does.
func (p *People) EndOtherSessions(ctx context.Context, who Person, password string, now time.Time) error {
	return p.endOthers(ctx, who, password, "session.end-others", now, func(tx *store.Tx) error { return tx.EndSessions(who.ID, who.Session) })
}

// endOthers ends sessions after it has verified the person.
func (p *People) endOthers(ctx context.Context, who Person, password, action string, now time.Time, end func(*store.Tx) error) error {
	hash := ""
	if password != "" {
		var err error
		if hash, err = p.confirm(ctx, who, "password", password, now); err != nil {
			return err
		}
	}
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		s, err := StillSignedIn(tx, who.ID, who.Session, now)
		if err != nil {
			return err
		}
		if hash == "" && now.Sub(s.Created) >= ProofLife {
			return monitor.Faults{monitor.Wrong(monitor.Invalid, "password", "Enter your password to confirm.")}
		}
		if hash != "" {
			if err := stillVerified(tx, who.ID, hash); err != nil {
				return err
			}
		}
		if err := end(tx); err != nil {
			return err
		}
		return auditAccount(tx, who.ID, audited{who.here(), action, who.Name, ""}, now)
	})
	if errors.Is(err, errReplaced) {
		return errIncorrect("password")
	}
	return err
}
