package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// The names of the values of a session. All values are strings, so they survive
// JSON unchanged.
const (
	sessionID       = "id"
	sessionPerson   = "person"
	sessionCreated  = "born"     // RFC 3339; only until it is first stored
	sessionVerified = "verified" // hash of the checked password; only until it is first stored
	sessionKeep     = "keep"
	sessionAddress  = "address"
	sessionAgent    = "agent"
	sessionProject  = "project"
	sessionToast    = "toast"
	sessionUndo     = "undo"
)

// Sessions manages the sessions of browsers. The library handles the cookie and
// the data of a request. The store is ours, so sessions can be listed and
// ended.
type Sessions struct {
	db      *store.DB
	manager *scs.SessionManager
}

// NewSessions returns the sessions of a database. secure restricts the cookie
// to https.
func NewSessions(db *store.DB, secure bool) *Sessions {
	// Not scs.New, which starts a goroutine for a memory store that is not used
	// here.
	m := &scs.SessionManager{
		Store: &sessionStore{db: db}, Codec: jsonCodec{}, HashTokenInStore: true, Lifetime: monitor.SessionLifetime,
		Cookie: scs.SessionCookie{Name: "overdue", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "The database is unavailable. Try again in a few seconds.", http.StatusServiceUnavailable)
		},
	}
	if secure {
		m.Cookie.Name = "__Host-overdue" // no other host can set it (RFC 6265bis, section 4.1.3.2)
	}
	return &Sessions{db: db, manager: m}
}

// Middleware loads the session of each request, and stores changes before the
// response is sent. A request without a session gets no cookie.
func (s *Sessions) Middleware(next http.Handler) http.Handler { return s.manager.LoadAndSave(next) }

// start starts a session for a person whose password was checked. The token is
// new, which prevents session fixation. The session is stored at once, and only
// if the password has not changed since the check. Otherwise the result is that
// of a wrong password.
func (s *Sessions) start(ctx context.Context, v verifiedPerson, e ClientInfo, now time.Time) error {
	if err := s.manager.Destroy(ctx); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := s.manager.RenewToken(ctx); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	s.manager.RememberMe(ctx, e.KeepSignedIn)
	keep := ""
	if e.KeepSignedIn {
		keep = "yes"
	}
	for name, value := range map[string]string{
		sessionID: uuid.NewString(), sessionPerson: v.person.ID, sessionCreated: now.Format(time.RFC3339Nano), sessionVerified: v.hash,
		sessionKeep: keep, sessionAddress: e.Address, sessionAgent: truncate(e.UserAgent, maxUserAgent),
	} {
		s.manager.Put(ctx, name, value)
	}
	if _, _, err := s.manager.Commit(ctx); err != nil {
		// After an error, the middleware must not store a session.
		err = errors.Join(err, s.manager.Destroy(ctx))
		if errors.Is(err, errPasswordChanged) {
			return errWrongCredentials()
		}
		return fmt.Errorf("session: %w", err)
	}
	// The stored session is valid without these values.
	s.manager.Remove(ctx, sessionCreated)
	s.manager.Remove(ctx, sessionVerified)
	return nil
}

// renew replaces the session of a browser. It keeps the selected project and
// the duration.
func (s *Sessions) renew(ctx context.Context, v verifiedPerson, e ClientInfo, now time.Time) error {
	e.KeepSignedIn = s.manager.GetString(ctx, sessionKeep) != ""
	project := s.manager.GetString(ctx, sessionProject)
	if err := s.start(ctx, v, e, now); err != nil {
		return err
	}
	s.SelectProject(ctx, project)
	return nil
}

// maxUserAgent is the maximum length of a stored User-Agent, in bytes.
const maxUserAgent = 300

// end ends the session of this browser.
func (s *Sessions) end(ctx context.Context) error {
	if err := s.manager.Destroy(ctx); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

// current returns the ids of the person and the session of a request, empty if there is
// none.
func (s *Sessions) current(ctx context.Context) (person, session string) {
	return s.manager.GetString(ctx, sessionPerson), s.manager.GetString(ctx, sessionID)
}

// SelectProject stores the selected project, by its slug.
func (s *Sessions) SelectProject(ctx context.Context, project string) {
	s.manager.Put(ctx, sessionProject, project)
}

// SetFlash stores a message for the next page, and the path that undoes the
// action. Without a session it does nothing.
func (s *Sessions) SetFlash(ctx context.Context, text, undo string) {
	if person, _ := s.current(ctx); person == "" {
		return
	}
	s.manager.Put(ctx, sessionToast, text)
	s.manager.Put(ctx, sessionUndo, undo)
}

// TakeFlash returns the message for this page, once.
func (s *Sessions) TakeFlash(ctx context.Context) (text, undo string) {
	if !s.manager.Exists(ctx, sessionToast) {
		return "", "" // reading an absent value must not store the session
	}
	return s.manager.PopString(ctx, sessionToast), s.manager.PopString(ctx, sessionUndo)
}

// jsonCodec encodes sessions as JSON, so they are readable in the database.
type jsonCodec struct{}

// sessionData is the JSON form of a session.
type sessionData struct {
	Deadline time.Time      `json:"deadline"`
	Values   map[string]any `json:"values"`
}

// Encode encodes the data of a session.
func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(sessionData{deadline, values})
}

// Decode decodes the data of a session.
func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var r sessionData
	err := json.Unmarshal(b, &r)
	return r.Deadline, r.Values, err
}

// text returns a string value.
func (r sessionData) text(name string) string {
	s, _ := r.Values[name].(string)
	return s
}

// errNoContext is the error of the methods without a context. The library never
// calls them.
var errNoContext = errors.New("session store: called without a context")

// sessionStore stores sessions in the database, by the hash of their token.
type sessionStore struct{ db *store.DB }

// FindCtx returns the data of a session that has not ended.
func (s *sessionStore) FindCtx(ctx context.Context, hash string) (b []byte, found bool, err error) {
	var content string
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		content, found, err = tx.SessionContent(hash, time.Now())
		return err
	})
	return []byte(content), found, err
}

// CommitCtx stores a session. Only a new session is added: a session that
// another request ended must not come back.
func (s *sessionStore) CommitCtx(ctx context.Context, hash string, b []byte, _ time.Time) error {
	var r sessionData
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	born, err := time.Parse(time.RFC3339Nano, r.text(sessionCreated))
	if err != nil {
		return s.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveSessionContent(hash, string(b)) })
	}
	verified := r.text(sessionVerified)
	delete(r.Values, sessionCreated)
	delete(r.Values, sessionVerified)
	if b, err = json.Marshal(r); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	session := monitor.Session{
		ID: r.text(sessionID), Person: r.text(sessionPerson), Created: born, LastSeen: born, KeepSignedIn: r.text(sessionKeep) != "",
		LastAddress: r.text(sessionAddress), UserAgent: r.text(sessionAgent),
	}
	session.ExpiresAt = session.ExpiryFrom(born)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := stillVerified(tx, session.Person, verified); err != nil {
			return err
		}
		if err := tx.AddSession(session, hash, string(b)); err != nil {
			return err
		}
		if err := auditSession(tx, session, "session.start", born); err != nil {
			return err
		}
		return tx.EndOldestSessions(session.Person, session.ID, maxSessions)
	})
}

// maxSessions is the maximum number of sessions of a person. A further sign-in
// ends the least recently used session.
const maxSessions = 50

// stillVerified returns errPasswordChanged if the password of a person changed
// since the check. It locks the password until the transaction ends.
func stillVerified(tx *store.Tx, person, hash string) error {
	stored, err := tx.LockPassword(person)
	if err == nil && stored != hash {
		err = errPasswordChanged
	}
	return err
}

// StillSignedIn returns [ErrSignedOut] if the session of a person has ended. It
// locks the session until the transaction ends. It locks the person first, in
// the same order as the code that ends all sessions.
func StillSignedIn(tx *store.Tx, person, session string, now time.Time) (monitor.Session, error) {
	if _, err := tx.LockPassword(person); err != nil {
		return monitor.Session{}, err
	}
	s, found, err := tx.LockSession(person, session, now)
	if err == nil && !found {
		err = ErrSignedOut
	}
	return s, err
}

// DeleteCtx ends a session.
func (s *sessionStore) DeleteCtx(ctx context.Context, hash string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.EndSession(hash) })
}

// Find, Commit and Delete complete the library's interface.
func (s *sessionStore) Find(string) ([]byte, bool, error)      { return nil, false, errNoContext }
func (s *sessionStore) Commit(string, []byte, time.Time) error { return errNoContext }
func (s *sessionStore) Delete(string) error                    { return errNoContext }

// truncate cuts a text to at most n bytes, at the end of a character.
func truncate(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
