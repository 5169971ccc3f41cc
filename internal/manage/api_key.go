package manage

import (
	"context"
	"slices"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// keyPrefixLength is how much of a key is kept to recognise it by, in bytes. It has
// 20 of the 200 random bits.
const keyPrefixLength = 8

// CreateKey makes an API key for the actor's project. The secret is returned
// here and kept nowhere.
func (d *Service) CreateKey(ctx context.Context, a auth.Actor, name string, readOnly bool) (key monitor.APIKey, secret string, err error) {
	if err := authorize(a, auth.ManageKeys); err != nil {
		return key, "", err
	}
	f := &validator{}
	name = f.singleLine("name", "name", name, maxNameLength)
	if err := f.err(); err != nil {
		return key, "", err
	}
	secret = auth.NewKey()
	now := currentTime()
	err = d.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.ManageKeys, now); err != nil {
			return effects{}, err
		}
		keys, err := tx.APIKeys(a.Project.Key)
		if err == nil && len(keys) >= maxKeys {
			err = limitReached("name", maxKeys, "API keys", "Revoke one that is no longer used.")
		}
		if err != nil {
			return effects{}, err
		}
		key, err = tx.AddAPIKey(monitor.APIKey{
			Project: a.Project.Key, Name: name, Prefix: secret[:keyPrefixLength], CreatedBy: a.Name, CreatedByID: a.Person, ReadOnly: readOnly, Created: now,
		}, auth.HashKey(secret))
		if err != nil {
			return effects{}, err
		}
		access := "read-write"
		if readOnly {
			access = "read-only"
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{"key.create", name, access})
	})
	if err != nil {
		return key, "", err
	}
	return key, secret, nil
}

// APIKeys lists those of the actor's project that work, newest first.
func (d *Service) APIKeys(ctx context.Context, a auth.Actor) (keys []monitor.APIKey, err error) {
	if err := authorize(a, auth.ManageKeys); err != nil {
		return nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.APIKeys(a.Project.Key)
		return err
	})
	return keys, err
}

// RevokeKey ends an API key of the actor's project, at once and permanently.
func (d *Service) RevokeKey(ctx context.Context, a auth.Actor, id string) error {
	if err := authorize(a, auth.ManageKeys); err != nil {
		return err
	}
	now := currentTime()
	return d.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.ManageKeys, now); err != nil {
			return effects{}, err
		}
		keys, err := tx.APIKeys(a.Project.Key)
		if err != nil {
			return effects{}, err
		}
		at := slices.IndexFunc(keys, func(k monitor.APIKey) bool { return k.ID == id })
		if at < 0 {
			return effects{}, notFound("API key")
		}
		if _, err := tx.RevokeAPIKey(a.Project.Key, id, now); err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{action: "key.revoke", target: keys[at].Name})
	})
}
