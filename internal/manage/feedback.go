package manage

import (
	"context"
	"strings"
	"unicode/utf8"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// longestComment is in characters.
const longestComment = 2000

// Feedback is what readers thought of the manual.
type Feedback struct {
	Scores   []store.FeedbackScore
	Comments Listing[monitor.Feedback] // newest first
}

// AddFeedback keeps what a reader thought of a page of the manual. Everybody
// may read the manual, and so may everybody answer; the actor is zero for
// somebody who is not signed in.
func (d *Desk) AddFeedback(ctx context.Context, a auth.Actor, page string, helpful bool, comment string) error {
	f := &faults{}
	comment = strings.TrimSpace(comment)
	switch {
	case utf8.RuneCountInString(comment) > longestComment:
		f.wrong("comment", "The comment is longer than %d characters: shorten it.", longestComment)
	case !printable(comment, "\t\r\n"):
		f.wrong("comment", "A comment may not have control characters: write plain text.")
	}
	if err := f.err(); err != nil {
		return err
	}
	answer := monitor.Feedback{
		Project: a.Project.Key, At: stamp(), Page: page, Helpful: helpful, Comment: comment, Person: a.Name,
	}
	return d.change(ctx, func(tx *store.Tx) (stir, error) { return stir{}, tx.AddFeedback(answer) })
}

// Feedback tells what readers thought of the manual, on the whole installation:
// the manual belongs to no project.
func (d *Desk) Feedback(ctx context.Context, a auth.Actor, p Page) (Feedback, error) {
	var told Feedback
	if err := may(a, auth.ReadFeedback); err != nil {
		return told, err
	}
	from, limit, err := p.place("feedback")
	if err != nil {
		return told, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		if told.Scores, err = tx.FeedbackScores(); err != nil {
			return err
		}
		comments, err := tx.FeedbackComments(from.Value, limit+1)
		told.Comments = Listing[monitor.Feedback]{Items: comments}
		if len(comments) > limit {
			last := comments[limit-1]
			// The key only says that this is a place at all.
			told.Comments = Listing[monitor.Feedback]{Items: comments[:limit], Next: place{"feedback", store.Cursor{Key: 1, Value: last.ID}}.String()}
		}
		return err
	})
	return told, err
}
