package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// errUnknown is the fault for an unknown address as well as for a wrong password.
func errUnknown() error {
	return monitor.Wrong(monitor.Invalid, "password", "Incorrect email or password.")
}

// errReplaced means that a password was changed after it was checked, during the
// same request. People get the answer for a wrong password.
var errReplaced = errors.New("password: changed since it was checked")

// ErrSignedOut means that the session ended while its request was in progress.
// Nothing was changed.
var ErrSignedOut = errors.New("session: ended during the request")

// Rest is the fault for too many attempts. It says how long to wait.
type Rest struct {
	*monitor.Fault
	Wait time.Duration
}

// Unwrap makes a Rest a fault.
func (r *Rest) Unwrap() error { return r.Fault }

// NewRest returns a Rest for a field: a sentence, and how long to wait.
func NewRest(wait time.Duration, field, format string, args ...any) *Rest {
	return &Rest{monitor.Wrong(monitor.Limited, field, format+" Wait "+minutes(wait)+", then try again.", args...), wait}
}

// tooMany returns the answer to too many tries, about a field.
func tooMany(field string, wait time.Duration) error {
	return NewRest(wait, field, "Too many tries.")
}

// minutes returns a wait in words, rounded up to minutes.
func minutes(wait time.Duration) string {
	n := int((wait + time.Minute - 1) / time.Minute)
	if n == 1 {
		return "a minute"
	}
	return fmt.Sprintf("%d minutes", n)
}

// verified is a person whose password was checked. What follows from the check
// is written only where hash still is the stored one.
type verified struct {
	person monitor.Person
	hash   string
}

// SignIn starts a session for a person with the correct password. Neither its
// errors nor its duration reveal whether the address has an account.
func (p *People) SignIn(ctx context.Context, email, password string, e Entry, now time.Time) error {
	v, err := p.check(ctx, email, password, e, now)
	if err == nil {
		err = p.Sessions.begin(ctx, v, e, now)
	}
	p.logSignIn(ctx, v, email, e, err)
	return err
}

// check returns the person with an address and a password.
func (p *People) check(ctx context.Context, email, password string, e Entry, now time.Time) (v verified, err error) {
	email = strings.TrimSpace(email)
	if !utf8.ValidString(email) || strings.ContainsRune(email, 0) || len(email) > longestEmail {
		email = "" // no account has it, and the databases refuse to look for it
	}
	a := attempt{email: email, address: e.Address}
	find := func() (hash string, err error) {
		err = p.db.View(ctx, func(tx *store.Tx) (err error) {
			v.person, hash, a.exists, err = tx.PersonAt(email)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("person: %w", err)
		}
		return hash, nil
	}
	if _, err := find(); err != nil {
		return v, err
	}
	if a.exists {
		if a.browser, err = p.browsers.name(ctx, e.Browser, v.person.ID, now); err != nil {
			return v, err
		}
	}
	var same bool
	if v.hash, same, err = p.prove(ctx, a, "password", password, now, find); err != nil {
		return verified{person: v.person}, err
	}
	if !same {
		return verified{person: v.person}, errUnknown()
	}
	return v, nil
}

// prove reports whether a password has the stored hash, and returns that hash.
// It counts the attempt. If there were too many, it delays the answer or returns a
// [Rest].
func (p *People) prove(ctx context.Context, a attempt, field, password string, now time.Time, stored func() (string, error)) (hash string, same bool, err error) {
	rest, delay := p.throttle.try(a, now)
	if rest > 0 {
		return "", false, tooMany(field, rest)
	}
	if err = p.delays.wait(ctx, delay); err == nil {
		hash, same, err = p.hasher.matches(ctx, password, stored)
	}
	switch {
	case err != nil:
		p.throttle.undo(a)
	case same:
		p.throttle.right(a)
	}
	return hash, same, err
}

// maxDelayed is how many requests may wait for a delayed answer at once.
const maxDelayed = 256

// delays delays answers. It returns [ErrBusy] if too many answers are delayed.
type delays struct {
	held chan struct{}
	rest func(context.Context, time.Duration) error
}

// newDelays returns an empty delays.
func newDelays() delays { return delays{held: make(chan struct{}, maxDelayed), rest: restFor} }

// wait returns after a delay, or when the request ends.
func (d delays) wait(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return nil
	}
	select {
	case d.held <- struct{}{}:
		defer func() { <-d.held }()
	default:
		return ErrBusy
	}
	return d.rest(ctx, delay)
}

// restFor waits for a time, or until the context ends.
func restFor(ctx context.Context, delay time.Duration) error {
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("delayed answer: %w", ctx.Err())
	}
}

// BusyWait is how long to wait after [ErrBusy] before a retry.
const BusyWait = 5 * time.Second

// SignOut ends the session of the request, which comes from an address.
func (p *People) SignOut(ctx context.Context, address string, now time.Time) error {
	person, id := p.Sessions.here(ctx)
	if err := p.Sessions.end(ctx); err != nil || person == "" {
		return err
	}
	p.log().InfoContext(ctx, "signed out", "component", "auth", "person", person, "client", address)
	return p.db.Update(ctx, func(tx *store.Tx) error {
		return auditSession(tx, monitor.Session{ID: id, Person: person, Address: address}, "session.end", now)
	})
}
