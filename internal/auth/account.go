package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// Rename changes the name of a person.
func (p *People) Rename(ctx context.Context, who Person, name string, now time.Time) error {
	name, fault := validateName(name)
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
		return auditAccount(tx, who.ID, accountAction{who.asActor(), "person.rename", name, "from " + who.Name}, now)
	})
}

// SetZone sets the time zone in which a person sees times. An empty zone means the zone
// of the browser, or that of the project if it is unknown. It only affects pages, so the audit log does not contain it.
func (p *People) SetZone(ctx context.Context, who Person, zone string, now time.Time) error {
	if zone = strings.TrimSpace(zone); zone != "" {
		canonical, err := schedule.CanonicalZone(zone)
		if err != nil {
			return monitor.Faults{monitor.Faultf(monitor.Invalid, "timezone", "%s.", err)}
		}
		zone = canonical
	}
	return p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := StillSignedIn(tx, who.ID, who.Session, now); err != nil {
			return err
		}
		return tx.SetPersonZone(who.ID, zone)
	})
}

// PasswordChange is a request to change a password.
type PasswordChange struct {
	Old, New string
	Client   ClientInfo
	At       time.Time
}

// ChangePassword changes the password of a person who knows the old one. It
// ends all other sessions and the reset link, because an attacker may have one
// of them. This browser gets a new session, so a copied token no longer works.
// API keys stay valid: they belong to the project, and jobs depend on them.
func (p *People) ChangePassword(ctx context.Context, who Person, c PasswordChange) error {
	old, err := p.confirmPassword(ctx, who, "old_password", c.Old, c.At)
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
		if err := tx.EndOtherSessions(who.ID, ""); err != nil {
			return err
		}
		return auditAccount(tx, who.ID, accountAction{who.asActor(), "person.password", who.Name, "with the current password; all sessions ended"}, c.At)
	})
	if errors.Is(err, errPasswordChanged) {
		return errWrongPassword("old_password")
	}
	if err != nil {
		return err
	}
	return p.Sessions.renew(ctx, verifiedPerson{who.Person, hash}, c.Client, c.At)
}

// errWrongPassword is the fault for a wrong password of a signed-in person.
func errWrongPassword(field string) error {
	return monitor.Faults{monitor.Faultf(monitor.Invalid, field, "Incorrect password. Enter your current password.")}
}

// confirmPassword checks the password of a signed-in person and returns its hash.
// Wrong passwords count for this session only.
func (p *People) confirmPassword(ctx context.Context, who Person, field, password string, now time.Time) (string, error) {
	a := attempt{email: who.Email, exists: true, browser: "session/" + who.Session}
	hash, same, err := p.verifyPassword(ctx, a, field, password, now, func() (hash string, err error) {
		err = p.db.View(ctx, func(tx *store.Tx) (err error) {
			hash, err = tx.Password(who.ID)
			return err
		})
		return hash, err
	})
	if err == nil && !same {
		err = errWrongPassword(field)
	}
	return hash, err
}

// SessionsOf returns the sessions of a person, the most recently used first.
func (p *People) SessionsOf(ctx context.Context, who Person, now time.Time) (all []monitor.Session, err error) {
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Sessions(who.ID, now)
		return err
	})
	return all, err
}

// PasswordConfirmationLife is the time after sign-in in which a person can end other sessions
// without entering the password again.
const PasswordConfirmationLife = 10 * time.Minute

// EndSession ends another session of a person, by id. A session of another
// person, or one that has ended, is ignored. The password is required unless the
// person signed in within the last [PasswordConfirmationLife].
func (p *People) EndSession(ctx context.Context, who Person, id, password string, now time.Time) error {
	return p.endOthers(ctx, who, password, "session.end-other", now, func(tx *store.Tx) error { return tx.EndPersonSession(who.ID, id) })
}

// EndOtherSessions ends all sessions of a person except the current one. The
// password is required as in [People.EndSession] does.
func (p *People) EndOtherSessions(ctx context.Context, who Person, password string, now time.Time) error {
	return p.endOthers(ctx, who, password, "session.end-others", now, func(tx *store.Tx) error { return tx.EndOtherSessions(who.ID, who.Session) })
}

// endOthers verifies the person and ends sessions.
func (p *People) endOthers(ctx context.Context, who Person, password, action string, now time.Time, end func(*store.Tx) error) error {
	hash := ""
	if password != "" {
		var err error
		if hash, err = p.confirmPassword(ctx, who, "password", password, now); err != nil {
			return err
		}
	}
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		s, err := StillSignedIn(tx, who.ID, who.Session, now)
		if err != nil {
			return err
		}
		if hash == "" && now.Sub(s.Created) >= PasswordConfirmationLife {
			return monitor.Faults{monitor.Faultf(monitor.Invalid, "password", "Enter your password to confirm.")}
		}
		if hash != "" {
			if err := stillVerified(tx, who.ID, hash); err != nil {
				return err
			}
		}
		if err := end(tx); err != nil {
			return err
		}
		return auditAccount(tx, who.ID, accountAction{who.asActor(), action, who.Name, ""}, now)
	})
	if errors.Is(err, errPasswordChanged) {
		return errWrongPassword("password")
	}
	return err
}
