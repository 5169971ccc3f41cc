package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

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
		key, err = tx.AddKey(monitor.APIKey{Project: a.Project.Key, Name: name, ReadOnly: readOnly, Created: now}, auth.HashKey(secret))
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
