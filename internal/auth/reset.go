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

// How long a password reset link works, and how soon another one is sent to the
// same address.
const (
	ResetLife     = time.Hour
	resetInterval = 5 * time.Minute
)

// resetSetting returns the name of the setting with the hash of a person's link
// and its expiry in microseconds. Each person has at most one link.
func resetSetting(person string) string { return "password-reset/" + person }

// resetValue returns the stored form of a link.
func resetValue(token string, ends time.Time) string {
	return HashKey(token) + " " + strconv.FormatInt(ends.UnixMicro(), 10)
}

// resetEnds returns the expiry of a link from its stored form.
func resetEnds(value string) time.Time {
	_, micros, _ := strings.Cut(value, " ")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return time.Time{} // expired
	}
	return time.UnixMicro(n).UTC()
}

// AllowReset counts a request for a link, and returns a [ThrottleError] if there were
// too many. The result does not depend on whether there is an account.
func (p *People) AllowReset(email, address string, now time.Time) error {
	// The delay of the account does not apply: a link is sent at most every few
	// minutes anyway.
	if rest, _ := p.resets.reserve(attempt{email: email, address: address}, now); rest > 0 {
		return tooManyAttempts("email", rest)
	}
	return nil
}

// CreateResetLink creates a password reset link and replaces any earlier one. It
// returns false if the address has no account, or got a link in the last minutes and
// by is not an operator. Its duration reveals whether there is an account, so a
// client must not wait for it.
func (p *People) CreateResetLink(ctx context.Context, email string, by Actor, now time.Time) (token string, person monitor.Person, made bool, err error) {
	email = strings.TrimSpace(email)
	if !utf8.ValidString(email) || strings.ContainsRune(email, 0) || len(email) > maxEmailLength {
		return "", person, false, nil // no account has it, and the databases reject the query
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

// findReset returns the person of a token and the stored form of the link.
func findReset(tx *store.Tx, token string, now time.Time) (person monitor.Person, kept string, found bool, err error) {
	id, _, _ := strings.Cut(token, ".")
	if !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return person, "", false, nil
	}
	kept, found, err = tx.Setting(resetSetting(id))
	ends := resetEnds(kept)
	// Both are hashes, so the time of the comparison reveals nothing about the token.
	if err != nil || !found || kept != resetValue(token, ends) || !now.Before(ends) {
		return person, "", false, err
	}
	person, found, err = tx.Person(id)
	return person, kept, found, err
}

// dropReset deletes the link of a person, if there is one.
func dropReset(tx *store.Tx, person string) error {
	kept, found, err := tx.Setting(resetSetting(person))
	if err == nil && found {
		_, err = tx.DeleteSetting(resetSetting(person), kept)
	}
	return err
}

// ResetLinkOwner returns the person of a reset link, or false if it was used,
// replaced or has expired.
func (p *People) ResetLinkOwner(ctx context.Context, token string, now time.Time) (person monitor.Person, open bool, err error) {
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		person, _, open, err = findReset(tx, token, now)
		return err
	})
	return person, open, err
}

// errResetLinkUsed means that a link is no longer valid.
var errResetLinkUsed = errors.New("reset link: expired or already used")

// Reset sets a new password with a link, which works once. All sessions end,
// and a new one starts. It returns false if the link is no longer valid.
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
		// A concurrent password change invalidates the link: only the first one counts.
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
	// Earlier wrong passwords no longer lock the person out.
	p.throttle.resetAccount(person.Email)
	return true, p.Sessions.start(ctx, verifiedPerson{person, hash}, e, now)
}

// setPassword sets a new password, ends all sessions and records it in the audit log of
// each project.
func setPassword(tx *store.Tx, person monitor.Person, hash string, e ClientInfo, now time.Time) error {
	if err := tx.SetPassword(person.ID, hash); err != nil {
		return err
	}
	if err := tx.EndOtherSessions(person.ID, ""); err != nil {
		return err
	}
	return auditAccount(tx, person.ID, accountAction{personActor(person, e.Address), "person.password", person.Name, "by a reset link; all sessions ended"}, now)
}
