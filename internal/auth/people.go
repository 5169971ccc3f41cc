package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/store"
)

// People knows who may sign in, and who is. It is safe for concurrent use.
type People struct {
	Sessions *Sessions
	// Log receives sign-ins and failed sign-ins; nil discards them.
	Log *slog.Logger

	db            *store.DB
	hasher        *hasher
	throttle      *throttle
	resets        *throttle // of links for a new password
	knownBrowsers *knownBrowsers
	delays        delays
	hasAccounts   atomic.Bool // an account exists; never untrue again
}

// NewPeople returns the people of a database. secure says that the pages are
// reached by https alone.
func NewPeople(db *store.DB, secure bool) *People {
	return &People{
		Sessions: NewSessions(db, secure), db: db, hasher: newHasher(), throttle: newThrottle(), resets: newThrottle(),
		knownBrowsers: newKnownBrowsers(db, secure), delays: newDelays(),
	}
}

// ClientInfo is how somebody comes in: from where, with what, and for how long.
type ClientInfo struct {
	Address      string // that the request came from
	UserAgent    string // what the browser calls itself
	BrowserToken string // see [People.BrowserToken]
	KeepSignedIn bool   // stay signed in when the browser is closed
}

// HasAccounts reports whether anybody has an account: until then there is nothing to
// sign in to.
func (p *People) HasAccounts(ctx context.Context) (bool, error) {
	if p.hasAccounts.Load() {
		return true, nil
	}
	n := 0
	err := p.db.View(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.CountPeople()
		return err
	})
	if err != nil {
		return false, fmt.Errorf("people: %w", err)
	}
	if n > 0 {
		p.hasAccounts.Store(true)
	}
	return n > 0, nil
}

// lastSeenInterval is how exact "last seen" is.
const lastSeenInterval = time.Minute

// Current returns who is signed in where the request of ctx comes from, and notes
// that they were seen. The zero Person is nobody.
func (p *People) Current(ctx context.Context, address string, now time.Time) (Person, error) {
	who, s, err := p.signedIn(ctx, now)
	if err == nil && who.SignedIn() {
		who.Address = address
		p.recordActivity(ctx, s, address, now)
	}
	return who, err
}

// CurrentWithoutActivity is Here for what a browser asks by itself, such as a live stream: it
// does not count as being seen, or a page left open would never be signed out.
func (p *People) CurrentWithoutActivity(ctx context.Context, now time.Time) (Person, error) {
	who, _, err := p.signedIn(ctx, now)
	return who, err
}

// CurrentRole returns the role that the person of ctx's session has in a project at
// the moment, 0 for none. signedIn is false if the session has ended. It reads one
// row, for those who ask again and again.
func (p *People) CurrentRole(ctx context.Context, project int64, now time.Time) (role monitor.Role, signedIn bool, err error) {
	_, session := p.Sessions.current(ctx)
	err = p.db.ViewWithoutFlush(ctx, func(tx *store.Tx) (err error) {
		role, signedIn, err = tx.SessionRole(session, project, now)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("role: %w", err)
	}
	return role, signedIn, nil
}

// signedIn finds who a request comes from.
func (p *People) signedIn(ctx context.Context, now time.Time) (Person, monitor.Session, error) {
	var s monitor.Session
	id, session := p.Sessions.current(ctx)
	if id == "" {
		return Person{}, s, nil
	}
	who := Person{Session: session, SelectedProject: p.Sessions.manager.GetString(ctx, sessionProject)}
	err := p.db.View(ctx, func(tx *store.Tx) error {
		var found bool
		var err error
		if s, found, err = tx.Session(session, now); err != nil || !found {
			return err
		}
		if who.Person, found, err = tx.Person(id); err != nil || !found {
			return err
		}
		who.Memberships, err = tx.Memberships(id)
		return err
	})
	if err != nil {
		return Person{}, s, fmt.Errorf("person: %w", err)
	}
	if !who.SignedIn() {
		return Person{}, s, nil
	}
	return who, s, nil
}

// recordActivity notes at most once a minute when and from where a session was seen.
func (p *People) recordActivity(ctx context.Context, s monitor.Session, address string, now time.Time) {
	if now.Sub(s.LastSeen) < lastSeenInterval && s.LastAddress == address {
		return
	}
	s.LastSeen, s.LastAddress, s.ExpiresAt = now, address, s.ExpiryFrom(now)
	// Best effort: a page must not be refused because this could not be written.
	_ = p.db.Update(ctx, func(tx *store.Tx) error { return tx.RecordSessionUse(s) })
}

// How long names and addresses may be, in characters and in bytes (RFC 5321,
// 4.5.3.1).
const (
	maxNameLength  = 100
	maxEmailLength = 254
)

// validateName returns a name as it is stored, or a fault.
func validateName(name string) (string, *monitor.Fault) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxNameLength {
		return "", monitor.Faultf(monitor.Invalid, "name", "Write a name of 1 to %d characters, in one line.", maxNameLength)
	}
	if strings.TrimSpace(safetext.StripInvisible(name)) == "" {
		return "", monitor.Faultf(monitor.Invalid, "name", "Write a name that can be seen: this one has only invisible characters.")
	}
	if resemblesProgramName(name) {
		return "", monitor.Faultf(monitor.Invalid, "name", "A name must not begin like the name of a program, such as “%s”: choose another name.", commandLine)
	}
	if bad, found := safetext.FirstUnsafe(name); found {
		return "", monitor.Faultf(monitor.Invalid, "name",
			"The name contains the character %U, which breaks the line or changes the text direction: write it in one line without this character.", bad)
	}
	return name, nil
}

// ValidateEmail returns an address as it is stored, or a fault of the field email.
func ValidateEmail(email string) (string, *monitor.Fault) {
	email = strings.TrimSpace(email)
	parsed, err := mail.ParseAddress(email)
	_, unsafe := safetext.FirstUnsafe(email)
	if err != nil || unsafe || parsed.Address != email || len(email) > maxEmailLength {
		return "", monitor.Faultf(monitor.Invalid, "email", "Write an email address of at most %d characters, such as ada@example.com.", maxEmailLength)
	}
	return email, nil
}

// newToken makes what a link proves: 260 random bits. Only its hash is kept.
func newToken() string { return rand.Text() + rand.Text() }
