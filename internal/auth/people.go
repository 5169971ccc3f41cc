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

	"github.com/alexedwards/argon2id"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/store"
)

// People manages accounts and sign-in. It is safe for concurrent use.
type People struct {
	Sessions *Sessions
	// Log receives sign-ins and failed sign-ins; nil discards them.
	Log *slog.Logger

	db            *store.DB
	hasher        *hasher
	throttle      *throttle
	resets        *throttle // of password reset links
	knownBrowsers *knownBrowsers
	delays        delayedResponses
	hasAccounts   atomic.Bool // an account exists; never reset
}

// NewPeople returns the people of a database. secure is true if the pages use
// https only. cost is [PasswordCost], except in tests.
func NewPeople(db *store.DB, secure bool, cost argon2id.Params) *People {
	return &People{
		Sessions: NewSessions(db, secure), db: db, hasher: newHasher(cost), throttle: newThrottle(), resets: newThrottle(),
		knownBrowsers: newKnownBrowsers(db, secure), delays: newDelayedResponses(),
	}
}

// ClientInfo describes the client of a sign-in.
type ClientInfo struct {
	Address      string // client address
	UserAgent    string // User-Agent header
	BrowserToken string // see [People.BrowserToken]
	KeepSignedIn bool   // stay signed in after the browser is closed
}

// HasAccounts reports whether there is any account.
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

// lastSeenInterval is the precision of "last active".
const lastSeenInterval = time.Minute

// Current returns the signed-in person of the request, or the zero Person, and
// records activity.
func (p *People) Current(ctx context.Context, address string, now time.Time) (Person, error) {
	who, s, err := p.signedIn(ctx, now)
	if err == nil && who.SignedIn() {
		who.Address = address
		p.recordActivity(ctx, s, address, now)
	}
	return who, err
}

// CurrentWithoutActivity is Current for automatic requests, such as live streams. They do
// not count as activity: otherwise the session of an open page would never end.
func (p *People) CurrentWithoutActivity(ctx context.Context, now time.Time) (Person, error) {
	who, _, err := p.signedIn(ctx, now)
	return who, err
}

// CurrentRole returns the role of the signed-in person in a project, 0 for none.
// signedIn is false if the session has ended. It reads a single row, because live
// pages call it often.
func (p *People) CurrentRole(ctx context.Context, project int64, now time.Time) (role monitor.Role, signedIn bool, err error) {
	_, session := p.Sessions.current(ctx)
	err = p.db.View(ctx, func(tx *store.Tx) (err error) {
		role, signedIn, err = tx.SessionRole(session, project, now)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("role: %w", err)
	}
	return role, signedIn, nil
}

// signedIn returns the signed-in person and session of a request.
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

// recordActivity records the time and address of an active session, at most once a
// minute.
func (p *People) recordActivity(ctx context.Context, s monitor.Session, address string, now time.Time) {
	if now.Sub(s.LastSeen) < lastSeenInterval && s.LastAddress == address {
		return
	}
	s.LastSeen, s.LastAddress, s.ExpiresAt = now, address, s.ExpiryFrom(now)
	// Best effort: a failed write must not reject a page.
	_ = p.db.Update(ctx, func(tx *store.Tx) error { return tx.RecordSessionUse(s) })
}

// Maximum length of names in characters, and of email addresses in bytes (RFC
// 5321, section 4.5.3.1).
const (
	maxNameLength  = 100
	maxEmailLength = 254
)

// validateName returns a name in its stored form, or a fault.
func validateName(name string) (string, *monitor.Fault) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxNameLength {
		return "", monitor.Faultf(monitor.Invalid, "name", "Enter a name of 1 to %d characters, in one line.", maxNameLength)
	}
	if strings.TrimSpace(safetext.StripInvisible(name)) == "" {
		return "", monitor.Faultf(monitor.Invalid, "name", "The name has only invisible characters. Enter a visible name.")
	}
	if resemblesProgramName(name) {
		return "", monitor.Faultf(monitor.Invalid, "name", "Names that begin like “%s” are reserved for programs. Choose another name.", commandLine)
	}
	if bad, found := safetext.FirstUnsafe(name); found {
		return "", monitor.Faultf(monitor.Invalid, "name",
			"The name contains the character %U, which breaks the line or changes the text direction. Remove it.", bad)
	}
	return name, nil
}

// ValidateEmail returns an email address in its stored form, or a fault of the field
// email.
func ValidateEmail(email string) (string, *monitor.Fault) {
	email = strings.TrimSpace(email)
	parsed, err := mail.ParseAddress(email)
	_, unsafe := safetext.FirstUnsafe(email)
	if err != nil || unsafe || parsed.Address != email || len(email) > maxEmailLength {
		return "", monitor.Faultf(monitor.Invalid, "email", "Write an email address of at most %d characters, such as ada@example.com.", maxEmailLength)
	}
	return email, nil
}

// newToken returns a new token with 260 random bits. Only its hash is stored.
func newToken() string { return rand.Text() + rand.Text() }
