package store

import (
	"database/sql"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// projectColumns are in the order of scanProject.
const projectColumns = `key, slug, name, zone, created`

// scanProject reads projectColumns.
func scanProject(row scanner) (monitor.Project, error) {
	var p monitor.Project
	var created sql.NullInt64
	err := row.Scan(&p.Key, &p.Slug, &p.Name, &p.Zone, &created)
	p.Created = moment(created)
	return p, err
}

// Projects lists all projects, oldest first.
func (tx *Tx) Projects() ([]monitor.Project, error) {
	return many(tx, scanProject, `SELECT `+projectColumns+` FROM projects ORDER BY key`)
}

// Project returns the one with the given key.
func (tx *Tx) Project(key int64) (monitor.Project, error) {
	p, found, err := one(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE key = $1`, key)
	if err == nil && !found {
		err = missing("project")
	}
	return p, err
}

// ProjectNamed returns the one with the given slug or name.
func (tx *Tx) ProjectNamed(name string) (monitor.Project, error) {
	p, found, err := one(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE slug = $1 OR name = $1 ORDER BY key LIMIT 1`, name)
	if err == nil && !found {
		err = monitor.Wrong(monitor.Missing, "project", "There is no project %q.", name)
	}
	return p, err
}

// AddProject keeps a new project and gives it its key.
func (tx *Tx) AddProject(p monitor.Project) (monitor.Project, error) {
	key, err := tx.count("projects")
	if err != nil {
		return p, err
	}
	p.Key = key
	_, err = tx.exec(`INSERT INTO projects (key, slug, name, zone, incidents, created) VALUES ($1, $2, $3, $4, 0, $5)`,
		p.Key, p.Slug, p.Name, p.Zone, micros(p.Created))
	if err != nil {
		return p, fmt.Errorf("add project: %w", err)
	}
	return p, nil
}

// AddKey keeps a new API key, by the hash of its secret.
func (tx *Tx) AddKey(k monitor.APIKey, hash string) (monitor.APIKey, error) {
	k.ID = newID()
	_, err := tx.exec(`INSERT INTO api_keys (id, project, name, hash, read_only, created) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.ID, k.Project, k.Name, hash, k.ReadOnly, micros(k.Created))
	if err != nil {
		return k, fmt.Errorf("add API key: %w", err)
	}
	return k, nil
}

// Key returns the API key with the given hash, unless it was revoked, and
// whether there is one.
func (tx *Tx) Key(hash string) (monitor.APIKey, bool, error) {
	return one(tx, func(row scanner) (monitor.APIKey, error) {
		var k monitor.APIKey
		var created, used sql.NullInt64
		err := row.Scan(&k.ID, &k.Project, &k.Name, &k.ReadOnly, &created, &used)
		k.Created, k.Used = moment(created), moment(used)
		return k, err
	}, `SELECT id, project, name, read_only, created, last_used FROM api_keys WHERE hash = $1 AND revoked IS NULL`, hash)
}

// KeyUsed notes when a key was last used.
func (tx *Tx) KeyUsed(id string, at time.Time) error {
	if _, err := tx.exec(`UPDATE api_keys SET last_used = $2 WHERE id = $1`, id, micros(at)); err != nil {
		return fmt.Errorf("use of API key: %w", err)
	}
	return nil
}

// Audit keeps who changed what.
func (tx *Tx) Audit(e monitor.AuditEntry) error {
	_, err := tx.exec(`INSERT INTO audit (id, project, at, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		newID(), e.Project, micros(e.At), e.Actor, e.Action, e.Target, e.Detail)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}
