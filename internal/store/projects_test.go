package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestFeedbackScores_CountsByPageAndListsComments(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for n, f := range []monitor.Feedback{
			{Page: "a", Helpful: true}, {Page: "a", Helpful: false, Comment: "why \x00?", Person: "Ada", Project: w.project.Key}, {Page: "b", Helpful: true, Comment: "good"},
		} {
			f.At = w.at(time.Duration(n) * time.Minute)
			w.update(func(tx *store.Tx) error { return tx.AddFeedback(f) })
		}
		scores := view(w, (*store.Tx).FeedbackScores)
		if diff := cmp.Diff([]store.FeedbackScore{{Page: "a", Yes: 1, No: 1}, {Page: "b", Yes: 1}}, scores); diff != "" {
			w.Errorf("scores (-want +got):\n%s", diff)
		}
		comments := func(before string) []monitor.Feedback {
			return view(w, func(tx *store.Tx) ([]monitor.Feedback, error) { return tx.FeedbackComments(before, 1) })
		}
		newest := comments("")
		if len(newest) != 1 || newest[0].Comment != "good" || newest[0].Project != 0 {
			w.Fatalf("newest comment %+v", newest)
		}
		next := comments(newest[0].ID)
		if len(next) != 1 || next[0].Comment != "why \uFFFD?" || next[0].Person != "Ada" || next[0].Project != w.project.Key || !next[0].At.Equal(w.at(time.Minute)) {
			w.Fatalf("the one before %+v", next)
		}
		if end := comments(next[0].ID); len(end) != 0 {
			w.Errorf("more comments %+v", end)
		}
	})
}

func TestAddProject_EveryFieldIsReadBack(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		other := w.addProject("other")
		if diff := cmp.Diff([]monitor.Project{w.project, other}, view(w, (*store.Tx).Projects)); diff != "" {
			w.Errorf("projects (-want +got):\n%s", diff)
		}
		for _, name := range []string{"other", "Project other"} {
			if got := view(w, func(tx *store.Tx) (monitor.Project, error) { return tx.ProjectBySlugOrName(name) }); got != other {
				w.Errorf("%q is project %+v; want %+v", name, got, other)
			}
		}
		if got := view(w, func(tx *store.Tx) (monitor.Project, error) { return tx.Project(other.Key) }); got != other {
			w.Errorf("by its key it is %+v; want %+v", got, other)
		}
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Project(99); return err }), monitor.NotFound)
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.ProjectBySlugOrName("%"); return err }), monitor.NotFound)
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			_, err := tx.AddProject(monitor.Project{Slug: "other", Created: w.start})
			return err
		})
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("a second project %q: %v; want ErrTaken", "other", err)
		}
	})
}
