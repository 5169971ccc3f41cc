package auth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// noteEvery is how exact "last used" of a key is. Noting every use would turn
// each read into a write.
const noteEvery = time.Minute

// Keys knows the API keys. It is safe for concurrent use.
type Keys struct {
	db *store.DB

	mu    sync.Mutex
	noted map[string]time.Time // by id of key; bounded by how many keys there are
}

// NewKeys returns the keys of a database.
func NewKeys(db *store.DB) *Keys {
	return &Keys{db: db, noted: map[string]time.Time{}}
}

// Actor returns who presents the key at now from an address, and false when
// there is no such key or it was revoked. It returns an error if the key cannot be
// looked up.
func (k *Keys) Actor(ctx context.Context, secret, source string, now time.Time) (Actor, bool, error) {
	if !LooksLikeKey(secret) {
		return Actor{}, false, nil
	}
	var key monitor.APIKey
	var project monitor.Project
	var found bool
	err := k.db.View(ctx, func(tx *store.Tx) (err error) {
		if key, found, err = tx.Key(HashKey(secret)); err != nil || !found {
			return err
		}
		project, err = tx.Project(key.Project)
		return err
	})
	if err != nil {
		return Actor{}, false, fmt.Errorf("API key: %w", err)
	}
	if !found {
		return Actor{}, false, nil
	}
	k.note(ctx, key, now)
	role := Member
	if key.ReadOnly {
		role = Viewer
	}
	return Actor{
		Project: project, Name: "API key " + key.Name, Kind: monitor.ActorAPIKey, ID: key.ID, Role: role, Source: source,
	}, true, nil
}

// note writes down that a key was used, at most once a minute.
func (k *Keys) note(ctx context.Context, key monitor.APIKey, now time.Time) {
	if !k.stale(key, now) {
		return
	}
	// Best effort: whoever may read must not be refused because this could not
	// be written.
	_ = k.db.Update(ctx, func(tx *store.Tx) error { return tx.KeyUsed(key.ID, now) })
}

// stale reports whether the use at now is to be written down, and counts it as
// written, so that of many requests at once only one does it.
func (k *Keys) stale(key monitor.APIKey, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := key.Used
	if noted := k.noted[key.ID]; noted.After(last) {
		last = noted
	}
	if now.Sub(last) < noteEvery {
		return false
	}
	k.noted[key.ID] = now
	return true
}
