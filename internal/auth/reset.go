package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// How long a link that sets a new password works, and how soon another one is
// sent to the same address.
const (
	ResetLife     = time.Hour
	resetInterval = 5 * time.Minute
)

// resetSetting is where the hash of a person's link is kept, with its end in
// microseconds: there is one link a person, and the newest is it.
func resetSetting(person string) string { return "password-reset/" + person }

// resetValue is what is kept of a link.
func resetValue(token string, ends time.Time) string {
	return HashKey(token) + " " + strconv.FormatInt(ends.UnixMicro(), 10)
}

// resetEnds is when a link ends, by what is kept of it.
func resetEnds(value string) time.Time {
	_, micros, _ := strings.Cut(value, " ")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return time.Time{} // long ago
	}
	return time.UnixMicro(n).UTC()
}

// AllowReset counts an attempt to be sent a link, and returns a [ThrottleError] when it
// is one too many. It knows nothing of accounts, so its answer tells nothing.
func (p *People) AllowReset(email, address string, now time.Time) error {
	// What is counted for the account alone would only delay: a link is sent every
	// few minutes at most, however often strangers ask.
	if rest, _ := p.resets.reserve(attempt{email: email, address: address}, now); rest > 0 {
		return tooMany("email", rest)
	}
	return nil
}

// CreateResetLink makes the token of a link that sets a new password, in place of any
// before. It reports false when the address has no account, or got a link in the
// last minutes and by is no operator. It takes longer for an account than for none:
// nobody who is not trusted may wait for it.
func (p *People) CreateResetLink(ctx context.Context, email string, by Actor, now time.Time) (token string, person monitor.Person, made bool, err error) {
	email = strings.TrimSpace(email)
	if !utf8.ValidString(email) || strings.ContainsRune(email, 0) || len(email) > maxEmailLength {
		return "", person, false, nil // nobody has it, and the databases refuse to look for it
	}
	err = p.db.Update(ctx, func(tx *store.Tx) (err error) {
		var found bool
		made = false
		if person, _, found, err = tx.PersonByEmail(email); err != nil || !found {
			return err
		}
		before, _, err := tx.Setting(resetSetting(person.ID))
		if err != nil || by.Kind != monitor.ActorCommandLine && resetEnds(before).Add(-ResetLife).Add(resetInterval).After(now) {
			return err
		}
		token, made = person.ID+"."+newToken(), true
		if err := tx.SetSetting(resetSetting(person.ID), resetValue(token, now.Add(ResetLife))); err != nil {
			return err
		}
		return auditAccount(tx, person.ID, accountAction{by, "person.reset-link", person.Name, ""}, now)
	})
	if err != nil {
		return "", person, false, fmt.Errorf("link for a new password: %w", err)
	}
	return token, person, made, nil
}

// findReset finds the person that a token is for, and what is kept of it.
func findReset(tx *store.Tx, token string, now time.Time) (person monitor.Person, kept string, found bool, err error) {
	id, _, _ := strings.Cut(token, ".")
	if !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return person, "", false, nil
	}
	kept, found, err = tx.Setting(resetSetting(id))
	ends := resetEnds(kept)
	// Both are hashes: comparing them tells nothing about the token.
	if err != nil || !found || kept != resetValue(token, ends) || !now.Before(ends) {
		return person, "", false, err
	}
	person, found, err = tx.Person(id)
	return person, kept, found, err
}

// dropReset ends the link of a person, if there is one.
func dropReset(tx *store.Tx, person string) error {
	kept, found, err := tx.Setting(resetSetting(person))
	if err == nil && found {
		_, err = tx.DeleteSetting(resetSetting(person), kept)
	}
	return err
}

// ResetLinkOwner returns whose password the link with a token sets, and false when it
// was used, replaced, or ended.
func (p *People) ResetLinkOwner(ctx context.Context, token string, now time.Time) (person monitor.Person, open bool, err error) {
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		person, _, open, err = findReset(tx, token, now)
		return err
	})
	return person, open, err
}

// errResetLinkUsed is the answer to a link that sets no password any more.
var errResetLinkUsed = errors.New("this link has ended")

// Reset sets a new password for whoever has the link, which works once. All
// sessions end, and a new one begins. It reports false when the link has ended.
func (p *People) Reset(ctx context.Context, token, password string, e ClientInfo, now time.Time) (open bool, err error) {
	person, open, err := p.ResetLinkOwner(ctx, token, now)
	if err != nil || !open {
		return false, err
	}
	if fault := passwordFault("password", password, person.Name, person.Email); fault != nil {
		return true, monitor.Faults{fault}
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return true, err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		// A password change in the meantime ends the link: only the first one counts.
		if _, err := tx.LockPassword(person.ID); err != nil {
			return err
		}
		_, kept, open, err := findReset(tx, token, now)
		if err != nil {
			return err
		}
		used, err := tx.DeleteSetting(resetSetting(person.ID), kept)
		if err == nil && (!open || !used) {
			err = errResetLinkUsed
		}
		if err != nil {
			return err
		}
		return setPassword(tx, person, hash, e, now)
	})
	if errors.Is(err, errResetLinkUsed) {
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("new password: %w", err)
	}
	// The person is no longer locked out by wrong passwords.
	p.throttle.resetAccount(person.Email)
	return true, p.Sessions.start(ctx, verified{person, hash}, e, now)
}

// setPassword sets it, ends all sessions, and notes it in each project.
func setPassword(tx *store.Tx, person monitor.Person, hash string, e ClientInfo, now time.Time) error {
	if err := tx.SetPassword(person.ID, hash); err != nil {
		return err
	}
	if err := tx.EndOtherSessions(person.ID, ""); err != nil {
		return err
	}
	return auditAccount(tx, person.ID, accountAction{personActor(person, e.Address), "person.password", person.Name, "by a reset link; all sessions ended"}, now)
}
