package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

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

// AddAPIKey keeps a new API key, by the hash of its secret.
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

// APIKeys lists the API keys of a project that were not revoked, newest first.
func (tx *Tx) APIKeys(project int64) ([]monitor.APIKey, error) {
	return queryAll(tx, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys WHERE project = $1 AND revoked IS NULL ORDER BY created DESC, id DESC`, project)
}

// RevokeAPIKey ends a key of a project. It reports false when there is none to end.
func (tx *Tx) RevokeAPIKey(project int64, id string, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE api_keys SET revoked = $3 WHERE id = $2 AND project = $1 AND revoked IS NULL`, project, id, micros(now))
	if err != nil {
		return false, fmt.Errorf("revoke API key: %w", err)
	}
	return n > 0, nil
}

// RecordAPIKeyUse notes when a key was last used.
func (tx *Tx) RecordAPIKeyUse(id string, at time.Time) error {
	if _, err := tx.exec(`UPDATE api_keys SET last_used = $2 WHERE id = $1`, id, micros(at)); err != nil {
		return fmt.Errorf("use of API key: %w", err)
	}
	return nil
}
