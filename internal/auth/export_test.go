package auth

import (
	"context"
	"time"
)

// HoldChecks makes every check of a password stop: before it compares, with the
// hash read, it calls at.
func (p *People) HoldChecks(at func()) {
	compare := p.hasher.compare
	p.hasher.compare = func(password, hash string) (bool, error) {
		at()
		return compare(password, hash)
	}
}

// QuickChecks takes the work out of checks of passwords: right is the password.
func (p *People) QuickChecks(right string) {
	p.hasher.compare = func(password, hash string) (bool, error) { return password == right && hash != p.hasher.dummy, nil }
}

// HoldHashes makes every hash of a new password stop: at is called before it.
func (p *People) HoldHashes(at func()) {
	create := p.hasher.create
	p.hasher.create = func(password string) (string, error) {
		at()
		return create(password)
	}
}

// TakePlaces fills the hasher, so that others wait for their turn, until the
// returned function is called. Queued says how many hash or wait.
func (p *People) TakePlaces(ctx context.Context) (free func(), err error) {
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

// Queued is how many requests hash a password or wait for it.
func (p *People) Queued() int { return len(p.hasher.queue) }

// MaxQueued is how many of them may wait.
const MaxQueued = maxQueued

// MaxSessions is how many sessions a person may have.
const MaxSessions = maxSessions

// NoteDelays makes delayed answers come at once, and calls note with each delay.
func (p *People) NoteDelays(note func(time.Duration)) {
	p.delays.sleep = func(_ context.Context, d time.Duration) error {
		note(d)
		return nil
	}
}

// PasswordFault is the rule for a new password.
func PasswordFault(password, name, email string) string {
	if f := passwordFault("password", password, name, email); f != nil {
		return f.Message
	}
	return ""
}
