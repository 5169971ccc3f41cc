package auth

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"overdue/internal/monitor"
)

// How long a password may be. A few words in a row are better than any rule
// about kinds of characters; the upper end only bounds the work.
const (
	shortestPassword = 12   // in characters
	longestPassword  = 1000 // in bytes
)

// passwordCost is what the OWASP Password Storage Cheat Sheet names for
// argon2id: 19 MiB, two passes, one lane.
var passwordCost = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobody is a hash that no password has. Checking against it takes as long as
// against one that somebody has, which hides who has an account.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// hasher bounds how many passwords are hashed at once: each takes 19 MiB and a
// processor, and pings must not wait for them.
type hasher chan struct{}

// newHasher leaves half of the processors to others, and most of a limited heap.
func newHasher() hasher {
	const each, part = 19 << 20, 8
	places := min(int64(runtime.GOMAXPROCS(0)/2), debug.SetMemoryLimit(-1)/part/each)
	return make(hasher, max(1, places))
}

// turn waits for a free place. The caller gives it back by receiving.
func (h hasher) turn(ctx context.Context) error {
	select {
	case h <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hash of a password: %w", ctx.Err())
	}
}

// hash returns what is stored of a password.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.turn(ctx); err != nil {
		return "", err
	}
	defer func() { <-h }()
	hash, err := argon2id.CreateHash(password, &passwordCost)
	if err != nil {
		return "", fmt.Errorf("hash of a password: %w", err)
	}
	return hash, nil
}

// matches reports whether a password has a hash; an empty hash is nobody's, and
// takes as long.
func (h hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	if err := h.turn(ctx); err != nil {
		return false, err
	}
	defer func() { <-h }()
	if hash == "" || len(password) > longestPassword {
		hash, password = nobody, ""
	}
	same, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return false, fmt.Errorf("check of a password: %w", err)
	}
	return same && hash != nobody, nil
}

// soundPassword returns a fault of a field unless the password may be chosen by
// the person with the address.
func soundPassword(field, password, email string) *monitor.Fault {
	switch {
	case utf8.RuneCountInString(password) < shortestPassword:
		return monitor.Wrong(monitor.Invalid, field, "Choose a password of at least %d characters.", shortestPassword)
	case len(password) > longestPassword:
		return monitor.Wrong(monitor.Invalid, field, "Choose a password of at most %d bytes.", longestPassword)
	case strings.EqualFold(password, email):
		return monitor.Wrong(monitor.Invalid, field, "Choose a password that is not the email address.")
	case strings.Trim(password, password[:1]) == "":
		return monitor.Wrong(monitor.Invalid, field, "Choose a password of more than one character repeated.")
	}
	return nil
}
