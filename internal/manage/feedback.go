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

// Feedback contains the answers and comments of readers of the manual.
type Feedback struct {
	Scores   []store.FeedbackScore
	Comments ListPage[monitor.Feedback] // newest first
}

// AddFeedback stores the feedback of a reader about a page of the manual. Anyone who can
// read the manual may add feedback; the actor is zero for a reader who is not signed in.
func (svc *Service) AddFeedback(ctx context.Context, a auth.Actor, page string, helpful bool, comment string) error {
	v := &validator{}
	comment = strings.TrimSpace(comment)
	switch {
	case utf8.RuneCountInString(comment) > maxCommentLength:
		v.reject("comment", "The comment is longer than %d characters: shorten it.", maxCommentLength)
	case !isPrintable(comment, "\t\r\n"):
		v.reject("comment", "The comment contains a control character: use plain text.")
	}
	if err := v.err(); err != nil {
		return err
	}
	answer := monitor.Feedback{
		Project: a.Project.Key, At: svc.currentTime(), Page: page, Helpful: helpful, Comment: comment, Person: a.Name,
	}
	return svc.update(ctx, func(tx *store.Tx) (effects, error) { return effects{}, tx.AddFeedback(answer) })
}

// Feedback returns the feedback of the whole installation: the manual belongs to no
// project.
func (svc *Service) Feedback(ctx context.Context, a auth.Actor, p PageQuery) (Feedback, error) {
	var result Feedback
	if err := authorize(a, auth.ReadFeedback); err != nil {
		return result, err
	}
	from, limit, err := p.position("feedback")
	if err != nil {
		return result, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		if result.Scores, err = tx.FeedbackScores(); err != nil {
			return err
		}
		comments, err := tx.FeedbackComments(from.Value, limit+1)
		result.Comments = ListPage[monitor.Feedback]{Items: comments}
		if len(comments) > limit {
			last := comments[limit-1]
			// A valid cursor has a key; the comments are sorted by id.
			result.Comments = ListPage[monitor.Feedback]{Items: comments[:limit], Next: listCursor{"feedback", store.Cursor{Key: 1, Value: last.ID}}.String()}
		}
		return err
	})
	return result, err
}
