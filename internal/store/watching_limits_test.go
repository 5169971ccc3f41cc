package store_test

import (
	"context"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

func TestPeers_NothingIsEvaluatedPastABlackoutThatIsNotRecordedOrHasJustEnded(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		db.SetNode("a")
		record := func() time.Time {
			now := time.Now().UTC().Truncate(time.Microsecond)
			if _, err := db.RecordWatching(context.Background(), now, store.Evidence{}, func(*store.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
			return now
		}
		expect := func(when string, evaluable, held time.Time) {
			t.Helper()
			now := time.Now().UTC().Truncate(time.Microsecond)
			err := db.Update(context.Background(), func(tx *store.Tx) error {
				peers, err := tx.Peers(now)
				if got := peers.Watermark("x", now); !got.Equal(evaluable) {
					t.Errorf("%s: evaluations are possible until %s; want %s", when, got, evaluable)
				}
				if got := peers.HeldWatermark("x", now); !got.Equal(held) {
					t.Errorf("%s: pings end silences until %s; want %s", when, got, held)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		from := record()
		time.Sleep(3 * time.Second)
		now := time.Now().UTC().Truncate(time.Microsecond)
		expect("three seconds later", now, now)
		time.Sleep(5 * time.Second)
		expect("before the record", from, from)
		end := record()
		expect("just after the record", from.Add(-monitor.Precision), end)
		time.Sleep(2*time.Second - time.Millisecond)
		expect("two seconds after it", from.Add(-monitor.Precision), end.Add(2*time.Second-time.Millisecond))
		time.Sleep(time.Millisecond)
		expect("later", end.Add(2*time.Second), end.Add(2*time.Second))
	})
}
