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
	p.Created = timeFromMicros(created)
	return p, err
}

// Projects lists all projects, oldest first.
func (tx *Tx) Projects() ([]monitor.Project, error) {
	return queryAll(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE deleted IS NULL ORDER BY key`)
}

// Project returns the one with the given key, also when it was deleted: what is
// still being told of it names it.
func (tx *Tx) Project(key int64) (monitor.Project, error) {
	p, found, err := queryOne(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE key = $1`, key)
	if err == nil && !found {
		err = notFound("project")
	}
	return p, err
}

// ProjectBySlugOrName returns the one with the given slug or name.
func (tx *Tx) ProjectBySlugOrName(name string) (monitor.Project, error) {
	p, found, err := queryOne(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE (slug = $1 OR name = $1) AND deleted IS NULL ORDER BY key LIMIT 1`, name)
	if err == nil && !found {
		err = monitor.Faultf(monitor.NotFound, "project", "There is no project %q.", name)
	}
	return p, err
}

// AddProject keeps a new project and gives it its key.
func (tx *Tx) AddProject(p monitor.Project) (monitor.Project, error) {
	key, err := tx.nextKey("projects")
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

// SaveProject keeps what people may change of a project.
func (tx *Tx) SaveProject(p monitor.Project) error {
	if _, err := tx.exec(`UPDATE projects SET name = $2, zone = $3 WHERE key = $1`, p.Key, p.Name, p.Zone); err != nil {
		return fmt.Errorf("save project: %w", err)
	}
	return nil
}

// DeleteProject ends a project with all that is in it: its heartbeats are not
// judged and not pinged, nobody belongs to it, no key opens it, nothing is owed
// to its channels. The row stays, because slugs are never used again.
func (tx *Tx) DeleteProject(p monitor.Project, now time.Time) error {
	for _, text := range []string{
		`UPDATE projects SET deleted = $2 WHERE key = $1`,
		`UPDATE heartbeats SET deleted = $2, status = 'paused', next_at = NULL, runs = NULL, incident = NULL, cause = ''
			WHERE project = $1 AND deleted IS NULL`,
		`UPDATE incidents SET resolved = $2, resolution = 'deleted' WHERE project = $1 AND resolved IS NULL`,
		`UPDATE channels SET deleted = $2 WHERE project = $1 AND deleted IS NULL`,
		`UPDATE api_keys SET revoked = $2 WHERE project = $1 AND revoked IS NULL`,
	} {
		if _, err := tx.exec(text, p.Key, micros(now)); err != nil {
			return fmt.Errorf("delete project: %w", err)
		}
	}
	for _, text := range []string{
		`UPDATE alerts SET state = 'failed', holder = NULL WHERE project = $1 AND state = 'pending'`,
		`DELETE FROM members WHERE project = $1`,
		`DELETE FROM invitations WHERE project = $1`,
	} {
		if _, err := tx.exec(text, p.Key); err != nil {
			return fmt.Errorf("delete project: %w", err)
		}
	}
	return nil
}
