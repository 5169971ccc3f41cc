package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/alexedwards/argon2id"
)

// PasswordCost is the cost of a password hash. It follows the OWASP Password Storage
// Cheat Sheet for argon2id: 19 MiB, two passes, one lane.
var PasswordCost = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// maxQueued is the maximum number of requests that wait for the hasher. A hash
// takes about 50 ms, so the last one waits a few seconds.
const maxQueued = 64

// ErrBusy means that too many passwords are waiting to be checked. Retry after
// [BusyWait].
var ErrBusy = errors.New("password hasher: queue is full")

// hasher limits how many passwords are hashed at once: each takes 19 MiB and a
// processor, and must not delay pings.
type hasher struct {
	places  chan struct{} // one for each password that is being hashed
	queue   chan struct{} // one for each request that hashes or waits
	create  func(password string) (hash string, err error)
	compare func(password, hash string) (same bool, err error)
	// dummy matches no password. A check against it takes as long as against a real
	// hash, so the time does not reveal whether an account exists.
	dummy string
}

// newHasher returns a hasher that uses at most half of the processors and a small
// part of a limited heap.
func newHasher(cost argon2id.Params) *hasher {
	const part = 8
	each := int64(cost.Memory) << 10
	places := int(max(1, min(int64(runtime.GOMAXPROCS(0)/2), debug.SetMemoryLimit(-1)/part/each)))
	return &hasher{
		places: make(chan struct{}, places), queue: make(chan struct{}, places+maxQueued),
		create:  func(password string) (string, error) { return argon2id.CreateHash(password, &cost) },
		compare: argon2id.ComparePasswordAndHash,
		dummy: fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", cost.Memory, cost.Iterations, cost.Parallelism,
			encodedZeros(cost.SaltLength), encodedZeros(cost.KeyLength)),
	}
}

// encodedZeros returns n bytes of zero as they are written in a hash.
func encodedZeros(n uint32) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }

// acquire waits for a free place. The caller releases it with done. It returns
// [ErrBusy] if too many callers wait.
func (h *hasher) acquire(ctx context.Context) (done func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case h.places <- struct{}{}:
		return func() { <-h.places; <-h.queue }, nil
	case <-ctx.Done():
		<-h.queue
		return nil, fmt.Errorf("hash of a password: %w", ctx.Err())
	}
}

// hash returns the hash of a password in the stored format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	done, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	hash, err := h.create(password)
	if err != nil {
		return "", fmt.Errorf("hash of a password: %w", err)
	}
	return hash, nil
}

// verify reports whether a password matches the stored hash, and returns that
// hash. It reads the hash after the wait, because the password may change
// during the wait. An empty hash means that there is no account; the check
// takes as long.
func (h *hasher) verify(ctx context.Context, password string, stored func() (string, error)) (hash string, same bool, err error) {
	done, err := h.acquire(ctx)
	if err != nil {
		return "", false, err
	}
	defer done()
	if hash, err = stored(); err != nil {
		return "", false, err
	}
	against := hash
	if hash == "" || len(password) > maxPasswordLength {
		against, password = h.dummy, ""
	}
	same, err = h.compare(password, against)
	if err != nil {
		return "", false, fmt.Errorf("check of a password: %w", err)
	}
	return hash, same && against != h.dummy, nil
}
