package manage

import (
	"context"
	"slices"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// shownOfKey is how much of a key is kept to recognise it by, in bytes. It has
// 20 of the 200 random bits.
const shownOfKey = 8

// CreateKey makes an API key for the actor's project. The secret is returned
// here and kept nowhere.
func (d *Desk) CreateKey(ctx context.Context, a auth.Actor, name string, readOnly bool) (key monitor.APIKey, secret string, err error) {
	if err := may(a, auth.ManageKeys); err != nil {
		return key, "", err
	}
	f := &faults{}
	name = f.line("name", "name", name, longestName)
	if err := f.err(); err != nil {
		return key, "", err
	}
	secret = auth.NewKey()
	now := stamp()
	err = d.change(ctx, func(tx *store.Tx) (stir, error) {
		if _, err := acting(tx, a, auth.ManageKeys, now); err != nil {
			return stir{}, err
		}
		keys, err := tx.Keys(a.Project.Key)
		if err == nil && len(keys) >= maxKeys {
			err = atMost("name", maxKeys, "API keys", "Revoke one that is no longer used.")
		}
		if err != nil {
			return stir{}, err
		}
		key, err = tx.AddKey(monitor.APIKey{
			Project: a.Project.Key, Name: name, Prefix: secret[:shownOfKey], By: a.Name, ByID: a.Person, ReadOnly: readOnly, Created: now,
		}, auth.HashKey(secret))
		if err != nil {
			return stir{}, err
		}
		access := "read-write"
		if readOnly {
			access = "read-only"
		}
		return stir{}, note(tx, a, now, deed{"key.create", name, access})
	})
	if err != nil {
		return key, "", err
	}
	return key, secret, nil
}

// APIKeys lists those of the actor's project that work, newest first.
func (d *Desk) APIKeys(ctx context.Context, a auth.Actor) (keys []monitor.APIKey, err error) {
	if err := may(a, auth.ManageKeys); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.Keys(a.Project.Key)
		return err
	})
	return keys, err
}

// RevokeKey ends an API key of the actor's project, at once and permanently.
func (d *Desk) RevokeKey(ctx context.Context, a auth.Actor, id string) error {
	if err := may(a, auth.ManageKeys); err != nil {
		return err
	}
	now := stamp()
	return d.change(ctx, func(tx *store.Tx) (stir, error) {
		if _, err := acting(tx, a, auth.ManageKeys, now); err != nil {
			return stir{}, err
		}
		keys, err := tx.Keys(a.Project.Key)
		if err != nil {
			return stir{}, err
		}
		at := slices.IndexFunc(keys, func(k monitor.APIKey) bool { return k.ID == id })
		if at < 0 {
			return stir{}, absent("API key")
		}
		if _, err := tx.RevokeKey(a.Project.Key, id, now); err != nil {
			return stir{}, err
		}
		return stir{}, note(tx, a, now, deed{action: "key.revoke", target: keys[at].Name})
	})
}
