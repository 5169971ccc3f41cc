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

// Project returns the project with the given key, including deleted ones: pending
// alerts name them.
func (tx *Tx) Project(key int64) (monitor.Project, error) {
	p, found, err := queryOne(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE key = $1`, key)
	if err == nil && !found {
		err = notFound("project")
	}
	return p, err
}

// ProjectBySlugOrName returns the project with the given slug or name.
func (tx *Tx) ProjectBySlugOrName(name string) (monitor.Project, error) {
	p, found, err := queryOne(tx, scanProject, `SELECT `+projectColumns+` FROM projects WHERE (slug = $1 OR name = $1) AND deleted IS NULL ORDER BY key LIMIT 1`, name)
	if err == nil && !found {
		err = monitor.Faultf(monitor.NotFound, "project", "There is no project %q.", name)
	}
	return p, err
}

// AddProject stores a new project and sets its key.
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

// SaveProject stores the fields of a project that users can edit.
func (tx *Tx) SaveProject(p monitor.Project) error {
	if _, err := tx.exec(`UPDATE projects SET name = $2, zone = $3 WHERE key = $1`, p.Key, p.Name, p.Zone); err != nil {
		return fmt.Errorf("save project: %w", err)
	}
	return nil
}

// DeleteProject deletes a project with everything in it: its heartbeats are neither
// evaluated nor pinged, it has no members, its keys are revoked, and its pending
// alerts fail. The row stays, because slugs are never used again.
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

// AddFeedback stores a reader's feedback on a page of the manual.
func (tx *Tx) AddFeedback(f monitor.Feedback) error {
	var project any
	if f.Project != 0 {
		project = f.Project
	}
	_, err := tx.exec(`INSERT INTO feedback (id, project, at, page, helpful, comment, person) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		newID(), project, micros(f.At), f.Page, f.Helpful, validText(f.Comment), f.Person)
	if err != nil {
		return fmt.Errorf("feedback: %w", err)
	}
	return nil
}

// FeedbackScore counts the positive and negative answers to a page.
type FeedbackScore struct {
	Page    string
	Yes, No int
}

// FeedbackScores counts the answers to each page.
func (tx *Tx) FeedbackScores() ([]FeedbackScore, error) {
	return queryAll(tx, func(row scanner) (s FeedbackScore, err error) {
		return s, row.Scan(&s.Page, &s.Yes, &s.No)
	}, `SELECT page, SUM(CASE WHEN helpful THEN 1 ELSE 0 END), SUM(CASE WHEN helpful THEN 0 ELSE 1 END) FROM feedback GROUP BY page ORDER BY page`)
}

// FeedbackComments lists up to n answers with a comment, newest first, older than the
// one with the given id; empty begins with the newest.
func (tx *Tx) FeedbackComments(before string, n int) ([]monitor.Feedback, error) {
	return queryAll(tx, func(row scanner) (monitor.Feedback, error) {
		var f monitor.Feedback
		var project, at sql.NullInt64
		err := row.Scan(&f.ID, &project, &at, &f.Page, &f.Helpful, &f.Comment, &f.Person)
		f.Project, f.At = project.Int64, timeFromMicros(at)
		return f, err
	}, `SELECT id, project, at, page, helpful, comment, person FROM feedback WHERE comment <> '' AND ($1 = '' OR id < $1) ORDER BY id DESC LIMIT $2`,
		before, n)
}
