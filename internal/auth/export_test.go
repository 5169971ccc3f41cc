package auth

import (
	"context"
	"strings"
	"time"
)

// HoldChecks makes every check of a password call at after it has read the hash and
// before it compares.
func (p *People) HoldChecks(at func()) {
	compare := p.hasher.compare
	p.hasher.compare = func(password, hash string) (bool, error) {
		at()
		return compare(password, hash)
	}
}

// NoteChecks calls note before each check of a password, with the length of the password
// that is hashed and with the cost of its hash.
func (p *People) NoteChecks(note func(length int, cost string)) {
	compare := p.hasher.compare
	p.hasher.compare = func(password, hash string) (bool, error) {
		note(len(password), strings.Join(strings.Split(hash, "$")[:4], "$"))
		return compare(password, hash)
	}
}

// QuickChecks makes checks of passwords compare with right, without hashing.
func (p *People) QuickChecks(right string) {
	p.hasher.compare = func(password, hash string) (bool, error) { return password == right && hash != p.hasher.dummy, nil }
}

// HoldHashes makes every hash of a new password call at first.
func (p *People) HoldHashes(at func()) {
	create := p.hasher.create
	p.hasher.create = func(password string) (string, error) {
		at()
		return create(password)
	}
}

// FillHasher occupies the hasher until the returned function is called. Other requests
// wait meanwhile; Queued counts them.
func (p *People) FillHasher(ctx context.Context) (free func(), err error) {
	var all []func()
	for range cap(p.hasher.places) {
		done, err := p.hasher.acquire(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, done)
	}
	return func() {
		for _, done := range all {
			done()
		}
	}, nil
}

// Queued returns the number of requests that hash a password or wait to do so.
func (p *People) Queued() int { return len(p.hasher.queue) }

// MaxQueued is the maximum number of requests that wait.
const MaxQueued = maxQueued

// MaxSessions is the maximum number of sessions of a person.
const MaxSessions = maxSessions

// RecordDelays calls note with each delay of an answer, and does not wait.
func (p *People) RecordDelays(note func(time.Duration)) {
	p.delays.sleep = func(_ context.Context, d time.Duration) error {
		note(d)
		return nil
	}
}

// PasswordFault returns the reason why a new password is rejected, or "".
func PasswordFault(password, name, email string) string {
	if f := passwordFault("password", password, name, email); f != nil {
		return f.Message
	}
	return ""
}
