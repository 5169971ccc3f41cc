package store

import (
	"database/sql"
	"fmt"

	"overdue/internal/monitor"
)

// AddFeedback keeps what a reader thought of a page of the manual.
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

// FeedbackScore is how many readers said yes and no to a page.
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

// FeedbackComments lists up to n of the answers with a comment, newest first,
// from before the one with the given id; empty begins with the newest.
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
