package store_test

import (
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestLockPassword_APasswordChangeSeesEverySession(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada := w.addPerson("ada")
		for range 20 {
			var before string
			started, replaced := make(chan struct{}), make(chan error)
			w.update(func(tx *store.Tx) (err error) {
				before, err = tx.LockPassword(ada.ID)
				return err
			})
			err := w.db.Update(w.Context(), func(tx *store.Tx) error {
				hash, err := tx.LockPassword(ada.ID)
				if err != nil || hash != before {
					return err
				}
				go func() {
					close(started)
					replaced <- w.db.Update(w.Context(), func(tx *store.Tx) error {
						if err := tx.SetPassword(ada.ID, before+"x"); err != nil {
							return err
						}
						return tx.EndOtherSessions(ada.ID, "")
					})
				}()
				<-started
				for range 30 { // long enough for the other one, if it did not have to wait
					if _, err := tx.CountPeople(); err != nil {
						return err
					}
				}
				s := monitor.Session{ID: before, Person: ada.ID, Created: w.start, LastSeen: w.start, ExpiresAt: w.at(time.Hour)}
				return tx.AddSession(s, before, "{}")
			})
			if err != nil {
				w.Fatal(err)
			}
			if err := <-replaced; err != nil {
				w.Fatal(err)
			}
			if left := w.sessionIDs(ada, 0); len(left) > 0 {
				w.Fatalf("%v outlived the password that it was checked by", left)
			}
		}
	})
}

func TestUseQuota_CountsPerNameAndWindow(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		use := func(name string, at time.Duration) (wait time.Duration) {
			w.update(func(tx *store.Tx) (err error) {
				wait, err = tx.UseQuota(name, 2, time.Hour, w.at(at))
				return err
			})
			return wait
		}
		for _, c := range []struct {
			name string
			at   time.Duration
			want time.Duration
		}{
			{"a", 0, 0},
			{"a", 10 * time.Minute, 0},
			{"a", 20 * time.Minute, 40 * time.Minute},
			{"b", 20 * time.Minute, 0},
			{"a", time.Hour - time.Microsecond, time.Microsecond},
			{"a", time.Hour, 0},
			{"a", time.Hour, 10 * time.Minute},
		} {
			if got := use(c.name, c.at); got != c.want {
				w.Errorf("%s after %s: wait %s; want %s", c.name, c.at, got, c.want)
			}
		}
	})
}
