package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/seal"
	"overdue/internal/store/filelock"
)

// keyIDSetting is the name of the setting that holds the id of the database's key.
const keyIDSetting = "secret-key"

// ErrKeyNotLoaded means that a secret was read or written without the secret key.
var ErrKeyNotLoaded = errors.New("the database is encrypted, and the secret key is not loaded")

// SecretKeyID returns the id of the key that the database is sealed with. found is
// false before the first start with a key.
func (db *DB) SecretKeyID(ctx context.Context) (id string, found bool, err error) {
	err = db.viewTables(ctx, func(tx *Tx) (err error) {
		id, found, err = tx.Setting(keyIDSetting)
		return err
	})
	return id, found, err
}

// UseSecretKey seals and opens secrets with a key from now on. It seals secrets that
// are stored in plain text: at the first start with a key all of them, later those
// that a node of an older version stored. It fails if the database is sealed with
// another key. It opens every secret once, so that a start detects damage.
func (db *DB) UseSecretKey(ctx context.Context, key *seal.Key) (sealed int, err error) {
	if err := db.setSecureDelete(ctx, true); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.setSecureDelete(context.WithoutCancel(ctx), false)) }()
	err = db.Update(ctx, func(tx *Tx) error {
		id, err := tx.EnsureSetting(keyIDSetting, key.ID())
		if err != nil {
			return err
		}
		if id != key.ID() {
			return fmt.Errorf("the database is encrypted with the secret key %s, not %s", id, key.ID())
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

// ChangeSecretKey seals everything with another key, in one transaction: before its
// commit all secrets are sealed with from, and after it with to. With discard, it
// removes secrets that from does not open; from can then be nil. No server can use
// the database meanwhile, see [DB.ClaimWithoutServer].
func (db *DB) ChangeSecretKey(ctx context.Context, from, to *seal.Key, discard bool) (changed, discarded int, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		discarded = 0
		c := keyChange{from: from, to: to, discard: discard, discarded: &discarded}
		if err := tx.SetSetting(keyIDSetting, to.ID()); err != nil {
			return err
		}
		changed, err = tx.resealAll(c)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("change of the secret key: %w", err)
	}
	db.key = to
	return changed, discarded, nil
}

// LoadSecretKey sets the key that opens secrets, which must be the key of the
// database. It stores nothing.
func (db *DB) LoadSecretKey(key *seal.Key) { db.key = key }

// ClaimWithoutServer returns an error if a server uses the database. On SQLite, no
// server can start until the database is closed.
func (db *DB) ClaimWithoutServer(ctx context.Context, now time.Time) error {
	if db.path != "" {
		lock, err := filelock.LockServer(ctx, db.path, nil)
		if err != nil {
			return err
		}
		db.serverLock = lock
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
				return fmt.Errorf("%s is stored in plain text; the next start of the server encrypts it", s.name)
			}
			_, err := key.Open(s.name, s.value)
			return nameSecret(s.name, err)
		})
	})
}

// The names of the secrets that all nodes share.
const (
	AckLinkSecret      = "acknowledge" // signs the links in alerts that acknowledge an incident
	FormSecret         = "forms"       // encrypts what the forms of the pages carry
	KnownBrowserSecret = "browsers"    // signs the tokens of known browsers
)

// Secret returns the secret with the given name. The first call generates it, with 260
// random bits.
func (db *DB) Secret(ctx context.Context, name string) (secret string, err error) {
	err = db.Update(ctx, func(tx *Tx) (err error) {
		secret, err = tx.EnsureSecret(name, rand.Text()+rand.Text())
		return err
	})
	return secret, err
}

// EnsureSecret returns the secret with the given name. If there is none, it stores
// fresh. All nodes get the same secret.
func (tx *Tx) EnsureSecret(name, fresh string) (string, error) {
	fresh, err := tx.sealText(secretName(name), fresh)
	if err != nil {
		return "", err
	}
	if _, err := tx.exec(`INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, fresh); err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	value, _, err := queryOne(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) },
		`SELECT value FROM secrets WHERE name = $1`, name)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	return tx.openText(secretName(name), value)
}

// sealText returns a text as it is stored: sealed, if the database has a key. A
// program whose key is no longer the key of the database cannot store secrets.
func (tx *Tx) sealText(name, text string) (string, error) {
	id, found, err := queryOne(tx, func(row scanner) (s string, err error) { return s, row.Scan(&s) },
		`SELECT value FROM settings WHERE name = $1`+tx.d.ForUpdate, keyIDSetting)
	switch key := tx.db.key; {
	case err != nil:
		return "", err
	case !found && key == nil:
		return text, nil // no server has started with a key yet
	case key == nil:
		return "", ErrKeyNotLoaded
	case id != key.ID():
		return "", fmt.Errorf("the database is encrypted with the secret key %s now, not %s: restart with the new key", id, key.ID())
	default:
		return key.Seal(name, text), nil
	}
}

// openText returns the plain text of a stored value.
func (tx *Tx) openText(name, value string) (string, error) {
	if !seal.IsSealed(value) {
		return value, nil // stored before there was a key
	}
	if tx.db.key == nil {
		return "", nameSecret(name, ErrKeyNotLoaded)
	}
	text, err := tx.db.key.Open(name, value)
	return text, nameSecret(name, err)
}

// nameSecret adds the name of the secret to an error.
func nameSecret(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// The names that sealed values are bound to.
func channelSettingsName(id string) string { return "settings of channel " + id }
func secretName(name string) string        { return "secret " + name }

// storedSecret is a sealed value, as it is stored.
type storedSecret struct{ table, key, name, value string }

// eachSecret calls each for every sealed value, including those of deleted channels.
func (tx *Tx) eachSecret(each func(storedSecret) error) error {
	for _, source := range []struct {
		table, query string
		name         func(string) string
	}{
		{"channels", `SELECT id, settings FROM channels WHERE project > 0 ORDER BY id`, channelSettingsName},
		{"secrets", `SELECT name, value FROM secrets ORDER BY name`, secretName},
	} {
		query := source.query
		if tx.writable {
			query += tx.d.ForUpdate
		}
		all, err := queryAll(tx, func(row scanner) (storedSecret, error) {
			s := storedSecret{table: source.table}
			err := row.Scan(&s.key, &s.value)
			s.name = source.name(s.key)
			return s, err
		}, query)
		if err != nil {
			return fmt.Errorf("encrypted %s: %w", source.table, err)
		}
		for _, s := range all {
			if err := each(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyChange is a change from one key to another.
type keyChange struct {
	from, to  *seal.Key
	discard   bool // remove secrets that from does not open
	discarded *int
}

// resealAll seals everything with another key, or plain text with the same key,
// and returns the number of changed values.
func (tx *Tx) resealAll(c keyChange) (changed int, err error) {
	err = tx.eachSecret(func(s storedSecret) error {
		text := s.value
		if seal.IsSealed(s.value) {
			if text, err = c.open(s); err != nil {
				if !c.discard {
					return nameSecret(s.name, err)
				}
				*c.discarded++
				return tx.discardSecret(s, c.to)
			}
			if c.from == c.to {
				return nil
			}
		}
		changed++
		return tx.replaceSecret(s, c.to.Seal(s.name, text))
	})
	return changed, err
}

// open opens a value with the old key, or with the new one if an earlier change
// has sealed it already.
func (c keyChange) open(s storedSecret) (string, error) {
	text, err := c.to.Open(s.name, s.value)
	if err == nil || c.from == nil {
		return text, err
	}
	return c.from.Open(s.name, s.value)
}

// replaceSecret replaces the stored value of a secret.
func (tx *Tx) replaceSecret(s storedSecret, value string) error {
	text := `UPDATE channels SET settings = $2 WHERE id = $1`
	if s.table == "secrets" {
		text = `UPDATE secrets SET value = $2 WHERE name = $1`
	}
	if _, err := tx.exec(text, s.key, value); err != nil {
		return fmt.Errorf("encrypt %s: %w", s.name, err)
	}
	return nil
}

// discardSecret removes a value that no key opens. A channel keeps its row with
// empty settings and is shown as failing; a secret of the server is created again.
func (tx *Tx) discardSecret(s storedSecret, key *seal.Key) error {
	if s.table == "channels" {
		return tx.replaceSecret(s, key.Seal(s.name, "{}"))
	}
	if _, err := tx.exec(`DELETE FROM secrets WHERE name = $1`, s.key); err != nil {
		return fmt.Errorf("discard %s: %w", s.name, err)
	}
	return nil
}

// setSecureDelete makes SQLite overwrite deleted data, on the connection that
// writes: plain text must not stay in the file after it is sealed. Data that was
// deleted before stays in free pages until VACUUM.
func (db *DB) setSecureDelete(ctx context.Context, on bool) error {
	if db.path == "" {
		return nil
	}
	if _, err := db.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA secure_delete = %t`, on)); err != nil {
		return fmt.Errorf("secure_delete: %w", db.dialect.Classify(err))
	}
	return nil
}

// truncateSQLiteWAL empties SQLite's write-ahead log, which still holds old pages.
func (db *DB) truncateSQLiteWAL(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	if _, err := db.writer.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("checkpoint: %w", db.dialect.Classify(err))
	}
	return nil
}

// apiKeyColumns are in the order of scanAPIKey.
const apiKeyColumns = `id, project, name, prefix, made_by, made_by_id, read_only, created, last_used`

// scanAPIKey reads apiKeyColumns.
func scanAPIKey(row scanner) (monitor.APIKey, error) {
	var k monitor.APIKey
	var created, used sql.NullInt64
	err := row.Scan(&k.ID, &k.Project, &k.Name, &k.Prefix, &k.CreatedBy, &k.CreatedByID, &k.ReadOnly, &created, &used)
	k.Created, k.LastUsed = timeFromMicros(created), timeFromMicros(used)
	return k, err
}

// AddAPIKey stores a new API key by the hash of its secret.
func (tx *Tx) AddAPIKey(k monitor.APIKey, hash string) (monitor.APIKey, error) {
	k.ID = newID()
	_, err := tx.exec(`INSERT INTO api_keys (id, project, name, hash, prefix, made_by, made_by_id, read_only, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, k.ID, k.Project, k.Name, hash, k.Prefix, k.CreatedBy, k.CreatedByID, k.ReadOnly, micros(k.Created))
	if err != nil {
		return k, fmt.Errorf("add API key: %w", err)
	}
	return k, nil
}

// APIKeyByHash returns the API key with the given hash, unless it was revoked, and
// whether there is one.
func (tx *Tx) APIKeyByHash(hash string) (monitor.APIKey, bool, error) {
	return queryOne(tx, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys WHERE hash = $1 AND revoked IS NULL`, hash)
}

// APIKeys lists the API keys of a project that are not revoked, newest first.
func (tx *Tx) APIKeys(project int64) ([]monitor.APIKey, error) {
	return queryAll(tx, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys WHERE project = $1 AND revoked IS NULL ORDER BY created DESC, id DESC`, project)
}

// RevokeAPIKey revokes a key of a project. It reports false if there is no such key.
func (tx *Tx) RevokeAPIKey(project int64, id string, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE api_keys SET revoked = $3 WHERE id = $2 AND project = $1 AND revoked IS NULL`, project, id, micros(now))
	if err != nil {
		return false, fmt.Errorf("revoke API key: %w", err)
	}
	return n > 0, nil
}

// RecordAPIKeyUse records when a key was last used.
func (tx *Tx) RecordAPIKeyUse(id string, at time.Time) error {
	if _, err := tx.exec(`UPDATE api_keys SET last_used = $2 WHERE id = $1`, id, micros(at)); err != nil {
		return fmt.Errorf("record use of API key: %w", err)
	}
	return nil
}
