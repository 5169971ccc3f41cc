package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"overdue/internal/seal"
)

// keyIDSetting is the name of the setting that holds the id of the database's key.
const keyIDSetting = "secret-key"

// ErrKeyNotLoaded means that a secret was read or written without the secret key.
var ErrKeyNotLoaded = errors.New("the database is sealed, and the secret key is not loaded")

// SecretKeyID returns the id of the key that the database is sealed with; found is
// false before the first start with a key.
func (db *DB) SecretKeyID(ctx context.Context) (id string, found bool, err error) {
	err = db.viewTables(ctx, func(tx *Tx) (err error) {
		id, found, err = tx.Setting(keyIDSetting)
		return err
	})
	return id, found, err
}

// UseSecretKey seals and opens secrets with a key from now on. It seals what is stored
// in plain text: everything at the first start with a key, later what a node of
// an older version wrote. Another key than the database is sealed with is an
// error. Secrets are opened once, so that damage is noticed at start.
func (db *DB) UseSecretKey(ctx context.Context, key *seal.Key) (sealed int, err error) {
	if err := db.setSecureDelete(ctx, true); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.setSecureDelete(context.WithoutCancel(ctx), false)) }()
	err = db.Update(ctx, func(tx *Tx) error {
		kept, err := tx.EnsureSetting(keyIDSetting, key.ID())
		if err != nil {
			return err
		}
		if kept != key.ID() {
			return fmt.Errorf("the database is sealed with the secret key %s, not %s", kept, key.ID())
		}
		sealed, err = tx.resealAll(keyChange{from: key, to: key})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("secret key: %w", err)
	}
	db.key = key
	if sealed > 0 {
		err = db.truncateSQLiteWAL(ctx)
	}
	return sealed, err
}

// ChangeSecretKey seals everything with another key, in one transaction: until it is
// committed all is sealed with from, and after it with to. With discard, what
// from does not open is removed; from may then be nil. It must be called while no
// server uses the database, see [DB.ClaimWithoutServer].
func (db *DB) ChangeSecretKey(ctx context.Context, from, to *seal.Key, discard bool) (changed, discarded int, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		discarded = 0
		r := keyChange{from: from, to: to, discard: discard, discarded: &discarded}
		if err := tx.SetSetting(keyIDSetting, to.ID()); err != nil {
			return err
		}
		changed, err = tx.resealAll(r)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("change of the secret key: %w", err)
	}
	db.key = to
	return changed, discarded, nil
}

// LoadSecretKey opens secrets with a key, which must be that of the database, and
// stores nothing.
func (db *DB) LoadSecretKey(key *seal.Key) { db.key = key }

// ClaimWithoutServer returns an error if a server uses the database. On SQLite, no server
// can start until the database is closed.
func (db *DB) ClaimWithoutServer(ctx context.Context, now time.Time) error {
	if db.path != "" {
		lock, err := lockServer(ctx, db.path, nil)
		if err != nil {
			return err
		}
		db.serverLock = lock // it says whether a server runs, also of one that was killed a moment ago
		return nil
	}
	return db.viewTables(ctx, func(tx *Tx) error {
		peers, err := tx.Peers(now)
		if err == nil && peers.Count > 0 {
			err = fmt.Errorf("the database is in use (running servers: %d): stop them, wait %s, then try again", peers.Count, nodeTimeout)
		}
		return err
	})
}

// CheckSealed verifies that every sealed value can be opened. It stores nothing.
func (db *DB) CheckSealed(ctx context.Context, key *seal.Key) error {
	return db.viewTables(ctx, func(tx *Tx) error {
		return tx.eachSecret(func(s storedSecret) error {
			if !seal.IsSealed(s.value) {
				return fmt.Errorf("%s is stored in plain text; the next start of the server seals it", s.name)
			}
			_, err := key.Open(s.name, s.value)
			return nameSecret(s.name, err)
		})
	})
}

// sealText is a text as it is stored: sealed, if the database has a key. A program
// whose key is no longer that of the database cannot store secrets.
func (tx *Tx) sealText(about, text string) (string, error) {
	id, found, err := queryOne(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) },
		`SELECT value FROM settings WHERE name = $1`+tx.d.forUpdate, keyIDSetting)
	switch key := tx.db.key; {
	case err != nil:
		return "", err
	case !found && key == nil:
		return text, nil // no server has started with a key yet
	case key == nil:
		return "", ErrKeyNotLoaded
	case id != key.ID():
		return "", fmt.Errorf("the database is sealed with the secret key %s now, not %s: restart with the new key", id, key.ID())
	default:
		return key.Seal(about, text), nil
	}
}

// openText returns the plain text of a stored value.
func (tx *Tx) openText(about, value string) (string, error) {
	if !seal.IsSealed(value) {
		return value, nil // from before there was a key
	}
	if tx.db.key == nil {
		return "", nameSecret(about, ErrKeyNotLoaded)
	}
	text, err := tx.db.key.Open(about, value)
	return text, nameSecret(about, err)
}

// nameSecret adds the name of the secret to an error.
func nameSecret(about string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", about, err)
	}
	return nil
}

// What sealed values are bound to.
func channelSettingsName(id string) string { return "settings of channel " + id }
func secretName(name string) string        { return "secret " + name }
