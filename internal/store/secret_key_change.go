package store

import (
	"context"
	"fmt"

	"overdue/internal/seal"
)

// storedSecret is one value that is sealed, as it is stored.
type storedSecret struct{ table, key, name, value string }

// eachSecret hands every value that is sealed to each: those of deleted channels
// too.
func (tx *Tx) eachSecret(each func(storedSecret) error) error {
	for _, of := range []struct {
		table, query string
		about        func(string) string
	}{
		{"channels", `SELECT id, settings FROM channels ORDER BY id` + tx.d.forUpdate, channelSettingsName},
		{"secrets", `SELECT name, value FROM secrets ORDER BY name` + tx.d.forUpdate, secretName},
	} {
		query := of.query
		if !tx.writable {
			query = query[:len(query)-len(tx.d.forUpdate)]
		}
		all, err := queryAll(tx, func(row scanner) (storedSecret, error) {
			s := storedSecret{table: of.table}
			err := row.Scan(&s.key, &s.value)
			s.name = of.about(s.key)
			return s, err
		}, query)
		if err != nil {
			return fmt.Errorf("sealed %s: %w", of.table, err)
		}
		for _, s := range all {
			if err := each(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyChange is a way from one key to another.
type keyChange struct {
	from, to  *seal.Key
	discard   bool // what from does not open is removed
	discarded *int
}

// resealAll seals everything with another key, or what is in plain text with the
// same, and returns how many values it changed.
func (tx *Tx) resealAll(r keyChange) (changed int, err error) {
	err = tx.eachSecret(func(s storedSecret) error {
		text := s.value
		if seal.IsSealed(s.value) {
			if text, err = r.open(s); err != nil {
				if !r.discard {
					return nameSecret(s.name, err)
				}
				*r.discarded++
				return tx.discardSecret(s, r.to)
			}
			if r.from == r.to {
				return nil
			}
		}
		changed++
		return tx.replaceSecret(s, r.to.Seal(s.name, text))
	})
	return changed, err
}

// open opens a value with the old key, or with the new one if an earlier change
// has sealed it already.
func (r keyChange) open(s storedSecret) (string, error) {
	text, err := r.to.Open(s.name, s.value)
	if err == nil || r.from == nil {
		return text, err
	}
	return r.from.Open(s.name, s.value)
}

// replaceSecret replaces the stored value of a secret.
func (tx *Tx) replaceSecret(s storedSecret, value string) error {
	text := `UPDATE channels SET settings = $2 WHERE id = $1`
	if s.table == "secrets" {
		text = `UPDATE secrets SET value = $2 WHERE name = $1`
	}
	if _, err := tx.exec(text, s.key, value); err != nil {
		return fmt.Errorf("seal %s: %w", s.name, err)
	}
	return nil
}

// discardSecret removes a value that no key opens. A channel keeps its row with empty
// settings and is shown as failing; a secret of the server is created again.
func (tx *Tx) discardSecret(s storedSecret, key *seal.Key) error {
	if s.table == "channels" {
		return tx.replaceSecret(s, key.Seal(s.name, "{}"))
	}
	if _, err := tx.exec(`DELETE FROM secrets WHERE name = $1`, s.key); err != nil {
		return fmt.Errorf("discard %s: %w", s.name, err)
	}
	return nil
}

// setSecureDelete makes SQLite overwrite what is deleted, on the connection that
// writes: plain text must not stay in the file once it is sealed. What was deleted
// before stays in free pages until VACUUM.
func (db *DB) setSecureDelete(ctx context.Context, on bool) error {
	if db.path == "" {
		return nil
	}
	if _, err := db.writer.ExecContext(ctx, fmt.Sprintf(`PRAGMA secure_delete = %t`, on)); err != nil {
		return fmt.Errorf("secure_delete: %w", db.dialect.classify(err))
	}
	return nil
}

// truncateSQLiteWAL empties SQLite's write-ahead log, which still holds pages as they were.
func (db *DB) truncateSQLiteWAL(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	if _, err := db.writer.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("checkpoint: %w", db.dialect.classify(err))
	}
	return nil
}
