package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"overdue/internal/store"
)

// knownBrowserLife is the period after a sign-in for which a browser is known.
const knownBrowserLife = 30 * 24 * time.Hour

// The token of a browser contains the id of the person who signed in, random
// bytes that identify the browser, the time in seconds, and an HMAC.
const (
	browserPerson = 16
	browserName   = browserPerson + 16
	browserAt     = browserName + 8
	browserLength = browserAt + sha256.Size
)

// knownBrowsers recognizes browsers with a recent sign-in by a signed cookie.
// The cookie gives no access. Wrong passwords from such a browser are counted
// separately, so other clients cannot lock the person out.
type knownBrowsers struct {
	db     *store.DB
	cookie string // name of the cookie
	secure bool

	mu  sync.Mutex
	key []byte // loaded on first use; the same on every node
}

// newKnownBrowsers returns the known browsers of a database. secure marks the cookie
// for https only.
func newKnownBrowsers(db *store.DB, secure bool) *knownBrowsers {
	b := &knownBrowsers{db: db, cookie: "overdue-browser", secure: secure}
	if secure {
		b.cookie = "__Host-" + b.cookie
	}
	return b
}

// secret returns the key that signs tokens.
func (b *knownBrowsers) secret(ctx context.Context) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key != nil {
		return b.key, nil
	}
	secret, err := b.db.Secret(ctx, store.KnownBrowserSecret)
	if err != nil {
		return nil, fmt.Errorf("key of known browsers: %w", err)
	}
	b.key = []byte(secret)
	return b.key, nil
}

// sign appends an HMAC to the content of a token.
func sign(key, fields []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("browser\x00"))
	h.Write(fields)
	return h.Sum(fields)
}

// token returns a new token for a person who has just signed in.
func (b *knownBrowsers) token(ctx context.Context, person string, now time.Time) (string, error) {
	id, err := uuid.Parse(person)
	if err != nil {
		return "", fmt.Errorf("token of a browser: %w", err)
	}
	key, err := b.secret(ctx)
	if err != nil {
		return "", err
	}
	fields := make([]byte, browserAt)
	copy(fields, id[:])
	_, _ = rand.Read(fields[browserPerson:browserName]) // never fails, see crypto/rand
	binary.BigEndian.PutUint64(fields[browserName:], uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(sign(key, fields)), nil
}

// name returns the key of a browser's counter, or "" if the person has not signed
// in with it within knownBrowserLife.
func (b *knownBrowsers) name(ctx context.Context, token, person string, now time.Time) (string, error) {
	id, err := uuid.Parse(person)
	if err != nil || token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != browserLength || uuid.UUID(raw[:browserPerson]) != id {
		return "", nil
	}
	at := time.Unix(int64(binary.BigEndian.Uint64(raw[browserName:browserAt])), 0)
	if now.Sub(at) > knownBrowserLife {
		return "", nil
	}
	key, err := b.secret(ctx)
	if err != nil {
		return "", err
	}
	if !hmac.Equal(raw, sign(key, raw[:browserAt:browserAt])) {
		return "", nil
	}
	return hex.EncodeToString(raw[browserPerson:browserName]), nil
}

// BrowserToken returns the browser token of a request, for [ClientInfo].
func (p *People) BrowserToken(r *http.Request) string {
	c, err := r.Cookie(p.knownBrowsers.cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// BrowserCookie returns the cookie that makes the browser of a request known. Call
// it only after a sign-in.
func (p *People) BrowserCookie(ctx context.Context, now time.Time) (*http.Cookie, error) {
	person, _ := p.Sessions.current(ctx)
	token, err := p.knownBrowsers.token(ctx, person, now)
	if err != nil {
		return nil, err
	}
	return &http.Cookie{
		Name: p.knownBrowsers.cookie, Value: token, Path: "/", MaxAge: int(knownBrowserLife / time.Second),
		HttpOnly: true, Secure: p.knownBrowsers.secure, SameSite: http.SameSiteLaxMode,
	}, nil
}
