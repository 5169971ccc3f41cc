package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// sessionColumns are in the order of scanSession.
const sessionColumns = `id, person, created, seen, ends, keep, address, agent`

// scanSession reads sessionColumns.
func scanSession(row scanner) (monitor.Session, error) {
	var s monitor.Session
	var created, seen, ends sql.NullInt64
	err := row.Scan(&s.ID, &s.Person, &created, &seen, &ends, &s.KeepSignedIn, &s.LastAddress, &s.UserAgent)
	s.Created, s.LastSeen, s.ExpiresAt = timeFromMicros(created), timeFromMicros(seen), timeFromMicros(ends)
	return s, err
}

// AddSession stores a new session by the hash of its token, with its content, and
// deletes expired ones. It updates when the person was last seen.
func (tx *Tx) AddSession(s monitor.Session, hash, content string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE ends <= $1`, micros(s.Created)); err != nil {
		return fmt.Errorf("delete ended sessions: %w", err)
	}
	_, err := tx.exec(`INSERT INTO sessions (id, hash, person, created, seen, ends, keep, address, agent, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, s.ID, hash, s.Person, micros(s.Created), micros(s.LastSeen), micros(s.ExpiresAt),
		s.KeepSignedIn, validText(s.LastAddress), validText(s.UserAgent), content)
	if err != nil {
		return fmt.Errorf("add session: %w", err)
	}
	return tx.recordPersonSeen(s)
}

// recordPersonSeen records when a person was last seen.
func (tx *Tx) recordPersonSeen(s monitor.Session) error {
	if _, err := tx.exec(`UPDATE people SET seen = $2 WHERE id = $1`, s.Person, micros(s.LastSeen)); err != nil {
		return fmt.Errorf("record when person was seen: %w", err)
	}
	return nil
}

// SessionContent returns the content that the web package stores in a session, unless
// the session ended.
func (tx *Tx) SessionContent(hash string, now time.Time) (string, bool, error) {
	return queryOne(tx, func(row scanner) (content string, err error) { return content, row.Scan(&content) },
		`SELECT content FROM sessions WHERE hash = $1 AND ends > $2`, hash, micros(now))
}

// SaveSessionContent stores the content of a session. A session that ended meanwhile
// stays ended.
func (tx *Tx) SaveSessionContent(hash, content string) error {
	if _, err := tx.exec(`UPDATE sessions SET content = $2 WHERE hash = $1`, hash, content); err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// Session returns a session by id, unless it ended.
func (tx *Tx) Session(id string, now time.Time) (monitor.Session, bool, error) {
	return queryOne(tx, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE id = $1 AND ends > $2`, id, micros(now))
}

// SessionRole returns the role in a project of the person of a session, 0 for
// none. found is false if the session has ended.
func (tx *Tx) SessionRole(id string, project int64, now time.Time) (role monitor.Role, found bool, err error) {
	name, found, err := queryOne(tx, func(row scanner) (name sql.NullString, err error) { return name, row.Scan(&name) },
		`SELECT (SELECT m.role FROM members m JOIN projects o ON o.key = m.project WHERE m.project = $2 AND m.person = s.person AND o.deleted IS NULL)
		FROM sessions s WHERE s.id = $1 AND s.ends > $3`, id, project, micros(now))
	role, _ = monitor.ParseRole(name.String) // an unknown role allows nothing
	return role, found, err
}

// Sessions lists a person's sessions that have not ended, last seen first.
func (tx *Tx) Sessions(person string, now time.Time) ([]monitor.Session, error) {
	return queryAll(tx, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE person = $1 AND ends > $2 ORDER BY seen DESC, id`,
		person, micros(now))
}

// LockSession returns one of a person's sessions unless it ended, and prevents its
// end until this transaction ends.
func (tx *Tx) LockSession(person, id string, now time.Time) (monitor.Session, bool, error) {
	return queryOne(tx, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE id = $1 AND person = $2 AND ends > $3`+tx.d.ForUpdate,
		id, person, micros(now))
}

// RecordSessionUse records when and from where a session was used. It updates the
// person first, in the same order as operations that end all sessions of a person.
func (tx *Tx) RecordSessionUse(s monitor.Session) error {
	if err := tx.recordPersonSeen(s); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE sessions SET seen = $2, ends = $3, address = $4 WHERE id = $1`,
		s.ID, micros(s.LastSeen), micros(s.ExpiresAt), validText(s.LastAddress))
	if err != nil {
		return fmt.Errorf("record use of session: %w", err)
	}
	return nil
}

// EndSession ends the session with the hash of its token, if there is one.
func (tx *Tx) EndSession(hash string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE hash = $1`, hash); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndPersonSession ends one of a person's sessions, by id.
func (tx *Tx) EndPersonSession(person, id string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE person = $1 AND id = $2`, person, id); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndOtherSessions ends all sessions of a person except one.
func (tx *Tx) EndOtherSessions(person, except string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE person = $1 AND id <> $2`, person, except); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// EndOldestSessions leaves a person the given number of sessions: the one with the
// id, and those that were seen last.
func (tx *Tx) EndOldestSessions(person, id string, keep int) error {
	_, err := tx.exec(`DELETE FROM sessions WHERE person = $1 AND id <> $2 AND id NOT IN (
		SELECT id FROM sessions WHERE person = $1 AND id <> $2 ORDER BY seen DESC, id LIMIT $3)`, person, id, keep-1)
	if err != nil {
		return fmt.Errorf("end oldest sessions: %w", err)
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
