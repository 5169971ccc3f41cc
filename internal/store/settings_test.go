package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestEnsureSetting_StoresOnceAndDeletesOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		setting := func() lookup[string] {
			return lookUp(w, func(tx *store.Tx) (string, bool, error) { return tx.Setting("s") })
		}
		if setting().Found {
			w.Error("set before anything was")
		}
		for _, value := range []string{"first", "second"} {
			if kept := updateValue(w, func(tx *store.Tx) (string, error) { return tx.EnsureSetting("s", value) }); kept != "first" {
				w.Errorf("kept %q; want the first", kept)
			}
		}
		w.update(func(tx *store.Tx) error { return tx.SetSetting("s", "third") })
		if got := setting(); got.Value != "third" {
			w.Errorf("%q", got.Value)
		}
		for _, step := range []struct {
			value string
			want  bool
		}{{"first", false}, {"third", true}, {"third", false}} {
			if got := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.DeleteSetting("s", step.value) }); got != step.want {
				w.Errorf("dropping %s: %t; want %t", step.value, got, step.want)
			}
		}
		if setting().Found {
			w.Error("there after it was dropped")
		}
	})
}

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
