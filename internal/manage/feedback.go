package manage

import (
	"context"
	"strings"
	"unicode/utf8"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maxCommentLength is in characters.
const maxCommentLength = 2000

// Feedback is what readers thought of the manual.
type Feedback struct {
	Scores   []store.FeedbackScore
	Comments ListPage[monitor.Feedback] // newest first
}

// AddFeedback keeps what a reader thought of a page of the manual. Everybody
// may read the manual, and so may everybody answer; the actor is zero for
// somebody who is not signed in.
func (d *Service) AddFeedback(ctx context.Context, a auth.Actor, page string, helpful bool, comment string) error {
	f := &validator{}
	comment = strings.TrimSpace(comment)
	switch {
	case utf8.RuneCountInString(comment) > maxCommentLength:
		f.reject("comment", "The comment is longer than %d characters: shorten it.", maxCommentLength)
	case !isPrintable(comment, "\t\r\n"):
		f.reject("comment", "A comment may not have control characters: write plain text.")
	}
	if err := f.err(); err != nil {
		return err
	}
	answer := monitor.Feedback{
		Project: a.Project.Key, At: currentTime(), Page: page, Helpful: helpful, Comment: comment, Person: a.Name,
	}
	return d.update(ctx, func(tx *store.Tx) (effects, error) { return effects{}, tx.AddFeedback(answer) })
}

// Feedback tells what readers thought of the manual, on the whole installation:
// the manual belongs to no project.
func (d *Service) Feedback(ctx context.Context, a auth.Actor, p PageQuery) (Feedback, error) {
	var told Feedback
	if err := authorize(a, auth.ReadFeedback); err != nil {
		return told, err
	}
	from, limit, err := p.position("feedback")
	if err != nil {
		return told, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		if told.Scores, err = tx.FeedbackScores(); err != nil {
			return err
		}
		comments, err := tx.FeedbackComments(from.Value, limit+1)
		told.Comments = ListPage[monitor.Feedback]{Items: comments}
		if len(comments) > limit {
			last := comments[limit-1]
			// The key only says that this is a place at all.
			told.Comments = ListPage[monitor.Feedback]{Items: comments[:limit], Next: listCursor{"feedback", store.Cursor{Key: 1, Value: last.ID}}.String()}
		}
		return err
	})
	return told, err
}
