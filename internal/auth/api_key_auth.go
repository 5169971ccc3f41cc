package auth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// lastUsedInterval is the precision of "last used". Recording every use would turn
// each read into a write.
const lastUsedInterval = time.Minute

// Keys authenticates API keys. It is safe for concurrent use.
type Keys struct {
	db *store.DB

	mu           sync.Mutex
	usesRecorded map[string]time.Time // by id of the key; at most one entry per key
}

// NewKeys returns the keys of a database.
func NewKeys(db *store.DB) *Keys {
	return &Keys{db: db, usesRecorded: map[string]time.Time{}}
}

// Actor returns the actor of a key that is used from an address, or false if the
// key does not exist or was revoked. It returns an error if the lookup fails.
func (k *Keys) Actor(ctx context.Context, secret, source string, now time.Time) (Actor, bool, error) {
	if !LooksLikeKey(secret) {
		return Actor{}, false, nil
	}
	var key monitor.APIKey
	var project monitor.Project
	var found bool
	err := k.db.View(ctx, func(tx *store.Tx) (err error) {
		if key, found, err = tx.APIKeyByHash(HashKey(secret)); err != nil || !found {
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
	k.recordUse(ctx, key, now)
	role := Member
	if key.ReadOnly {
		role = Viewer
	}
	return Actor{
		Project: project, Name: "API key " + key.Name, Kind: monitor.ActorAPIKey, ID: key.ID, Role: role, Source: source,
	}, true, nil
}

// recordUse records that a key was used, at most once a minute.
func (k *Keys) recordUse(ctx context.Context, key monitor.APIKey, now time.Time) {
	if !k.shouldRecord(key, now) {
		return
	}
	// Best effort: a failed write must not reject a read.
	_ = k.db.Update(ctx, func(tx *store.Tx) error { return tx.RecordAPIKeyUse(key.ID, now) })
}

// shouldRecord reports whether to record a use at now. It returns true for only one
// of several concurrent requests.
func (k *Keys) shouldRecord(key monitor.APIKey, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := key.LastUsed
	if noted := k.usesRecorded[key.ID]; noted.After(last) {
		last = noted
	}
	if now.Sub(last) < lastUsedInterval {
		return false
	}
	k.usesRecorded[key.ID] = now
	return true
}
