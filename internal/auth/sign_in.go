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

// errWrongCredentials is the fault for an unknown address as well as for a wrong password.
func errWrongCredentials() error {
	return monitor.Faultf(monitor.Invalid, "password", "Incorrect email or password.")
}

// errPasswordChanged means that a password changed after it was checked in the same
// request. The client gets the response for a wrong password.
var errPasswordChanged = errors.New("password: changed since it was checked")

// ErrSignedOut means that the session ended during the request. Nothing was
// changed.
var ErrSignedOut = errors.New("session: ended during the request")

// ThrottleError is the fault for too many attempts, with the time to wait.
type ThrottleError struct {
	*monitor.Fault
	Wait time.Duration
}

// Unwrap returns the fault.
func (r *ThrottleError) Unwrap() error { return r.Fault }

// NewThrottleError returns a ThrottleError for a field.
func NewThrottleError(wait time.Duration, field, format string, args ...any) *ThrottleError {
	return &ThrottleError{monitor.Faultf(monitor.RateLimited, field, format+" Wait "+inMinutes(wait)+", then try again.", args...), wait}
}

// tooManyAttempts returns the fault for too many attempts.
func tooManyAttempts(field string, wait time.Duration) error {
	return NewThrottleError(wait, field, "Too many attempts.")
}

// inMinutes returns a duration in words, rounded up to minutes.
func inMinutes(wait time.Duration) string {
	n := int((wait + time.Minute - 1) / time.Minute)
	if n == 1 {
		return "a minute"
	}
	return fmt.Sprintf("%d minutes", n)
}

// verifiedPerson is a person whose password was checked. Writes that depend on the
// check must verify that the stored hash has not changed.
type verifiedPerson struct {
	person monitor.Person
	hash   string
}

// SignIn starts a session for a person with the correct password. Neither its
// errors nor its duration reveal whether the address has an account.
func (p *People) SignIn(ctx context.Context, email, password string, e ClientInfo, now time.Time) error {
	v, err := p.authenticate(ctx, email, password, e, now)
	if err == nil {
		err = p.Sessions.start(ctx, v, e, now)
	}
	p.logSignIn(ctx, v, email, e, err)
	return err
}

// authenticate returns the person with an email address and a password.
func (p *People) authenticate(ctx context.Context, email, password string, e ClientInfo, now time.Time) (v verifiedPerson, err error) {
	email = strings.TrimSpace(email)
	if !utf8.ValidString(email) || strings.ContainsRune(email, 0) || len(email) > maxEmailLength {
		email = "" // no account has it, and the databases reject the query
	}
	a := attempt{email: email, address: e.Address}
	find := func() (hash string, err error) {
		err = p.db.View(ctx, func(tx *store.Tx) (err error) {
			v.person, hash, a.exists, err = tx.PersonByEmail(email)
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
		if a.browser, err = p.knownBrowsers.name(ctx, e.BrowserToken, v.person.ID, now); err != nil {
			return v, err
		}
	}
	var same bool
	if v.hash, same, err = p.verifyPassword(ctx, a, "password", password, now, find); err != nil {
		return verifiedPerson{person: v.person}, err
	}
	if !same {
		return verifiedPerson{person: v.person}, errWrongCredentials()
	}
	return v, nil
}

// verifyPassword reports whether a password matches the stored hash, and returns that
// hash. It counts the attempt. After too many attempts, it delays the result or returns
// a [ThrottleError].
func (p *People) verifyPassword(ctx context.Context, a attempt, field, password string, now time.Time, stored func() (string, error)) (hash string, same bool, err error) {
	rest, delay := p.throttle.reserve(a, now)
	if rest > 0 {
		return "", false, tooManyAttempts(field, rest)
	}
	if err = p.delays.wait(ctx, delay); err == nil {
		hash, same, err = p.hasher.verify(ctx, password, stored)
	}
	switch {
	case err != nil:
		p.throttle.undo(a)
	case same:
		p.throttle.succeed(a)
	}
	return hash, same, err
}

// maxDelayed is the maximum number of requests with a delayed response.
const maxDelayed = 256

// delayedResponses delays responses, at most [maxDelayed] at a time.
type delayedResponses struct {
	waiting chan struct{}
	sleep   func(context.Context, time.Duration) error
}

// newDelayedResponses returns a limiter without delayed responses.
func newDelayedResponses() delayedResponses {
	return delayedResponses{waiting: make(chan struct{}, maxDelayed), sleep: sleepContext}
}

// wait returns after a delay, or when the request ends.
func (d delayedResponses) wait(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return nil
	}
	select {
	case d.waiting <- struct{}{}:
		defer func() { <-d.waiting }()
	default:
		return ErrBusy
	}
	return d.sleep(ctx, delay)
}

// sleepContext waits for a duration or until the context ends.
func sleepContext(ctx context.Context, delay time.Duration) error {
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("delayed answer: %w", ctx.Err())
	}
}

// BusyWait is the delay before a retry after [ErrBusy].
const BusyWait = 5 * time.Second

// SignOut ends the session of the request from an address.
func (p *People) SignOut(ctx context.Context, address string, now time.Time) error {
	person, id := p.Sessions.current(ctx)
	if err := p.Sessions.end(ctx); err != nil || person == "" {
		return err
	}
	p.log().InfoContext(ctx, "signed out", "component", "auth", "person", person, "client", address)
	return p.db.Update(ctx, func(tx *store.Tx) error {
		return auditSession(tx, monitor.Session{ID: id, Person: person, LastAddress: address}, "session.end", now)
	})
}
