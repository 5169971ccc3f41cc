package store_test

import (
	"slices"
	"testing"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestNewestHeartbeats_ListsThoseOfTheProjectNewestFirst(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.newSavedHeartbeat("first")
		w.newSavedHeartbeat("second")
		gone := w.newSavedHeartbeat("gone")
		w.newSavedHeartbeat("third")
		other := w.addProject("other")
		gone.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(gone) })
		newest := func(project monitor.Project, n int) (names []string) {
			if err := w.db.View(w.Context(), func(tx *store.Tx) error {
				list, err := tx.NewestHeartbeats(project.Key, n)
				for _, h := range list {
					names = append(names, h.Slug)
				}
				return err
			}); err != nil {
				w.Fatal(err)
			}
			return names
		}
		if got := newest(w.project, 2); !slices.Equal(got, []string{"third", "second"}) {
			w.Errorf("the newest two are %v", got)
		}
		if got := newest(w.project, 9); !slices.Equal(got, []string{"third", "second", "first"}) {
			w.Errorf("the newest are %v", got)
		}
		if got := newest(other, 9); got != nil {
			w.Errorf("another project has %v", got)
		}
	})
}
