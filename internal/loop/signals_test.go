package loop

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestSend_CallsOnlyTheFunctionsThatTheEffectsConcern(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var got []string
	s := Signals{
		Due:     func(next time.Time) { got = append(got, "due "+next.Format("15:04")) },
		Pending: func() { got = append(got, "pending") },
		Pinged:  func(keys []int64) { got = append(got, fmt.Sprint("pinged ", keys)) },
		Changed: func(keys []int64) { got = append(got, fmt.Sprint("changed ", keys)) },
	}
	for want, e := range map[string]Effects{
		"[]":            {},
		"[due 12:00]":   {NextDue: noon},
		"[pending]":     {Pending: true},
		"[pinged [7]]":  {Pinged: []int64{7}},
		"[changed [7]]": {Changed: []int64{7}},
		"[due 12:00 pending pinged [1 2] changed [2]]": {NextDue: noon, Pending: true, Pinged: []int64{1, 2}, Changed: []int64{2}},
	} {
		got = nil
		s.Send(e)
		if fmt.Sprint(got) != want {
			t.Errorf("%+v: %v; want %s", e, got, want)
		}
	}
	Signals{}.Send(Effects{NextDue: noon, Pending: true, Changed: slices.Repeat([]int64{1}, 3)}) // must not panic
}
