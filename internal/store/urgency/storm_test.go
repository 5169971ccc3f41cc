package urgency

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestStorm_FourAloneThenGroups(t *testing.T) {
	for _, c := range []struct {
		name string
		due  map[int]int // number of alerts by second
		want string
	}{
		{"calm", map[int]int{0: 1, 20: 1, 40: 1}, "0:1 20:1 40:1"},
		{"four are alone", map[int]int{0: 2, 9: 2}, "0:2 9:2"},
		{"the fifth is collected", map[int]int{0: 4, 5: 1}, "0:4 5:group at 35"},
		{"many at once are sent at once", map[int]int{0: 20_000}, "0:group at 0"},
		{"and the rest is collected", map[int]int{0: 5, 1: 19_995}, "0:group at 0 1:group at 31"},
		{"the storm lasts while alerts come", map[int]int{0: 5, 9: 1, 18: 1}, "0:group at 0 9:group at 39 18:group at 48"},
		{"and ends after ten seconds without any", map[int]int{0: 5, 10: 1}, "0:group at 0 10:1"},
		{"a window of alerts ends", map[int]int{0: 4, 10: 4}, "0:4 10:4"},
	} {
		var s Storm
		got := ""
		for second := range 60 {
			if n := c.due[second]; n > 0 {
				var alone bool
				var at time.Time
				s, alone, at = s.Add(n, start.Add(time.Duration(second)*time.Second))
				if got += fmt.Sprintf(" %d:", second); alone {
					got += fmt.Sprint(n)
				} else {
					got += fmt.Sprintf("group at %.0f", at.Sub(start).Seconds())
				}
			}
		}
		if got != " "+c.want {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
	}
}

// TestStorm_AnyStormOfASecondIsAtMostFiveMessages sends random storms at random times after other alerts.
func TestStorm_AnyStormOfASecondIsAtMostFiveMessages(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		var s Storm
		now := start
		for range r.IntN(4) { // alerts before the storm
			now = now.Add(time.Duration(r.IntN(int(8 * time.Second))))
			s, _, _ = s.Add(1, now)
		}
		messages, sendAt, begin := 0, time.Time{}, now.Add(time.Duration(r.IntN(int(20*time.Second))))
		for i := range 1000 {
			at := begin.Add(time.Duration(i) * time.Millisecond)
			n := r.IntN(4)
			if n == 0 {
				continue
			}
			var alone bool
			var next time.Time
			s, alone, next = s.Add(n, at)
			switch {
			case alone:
				messages += n
			case sendAt.Before(at) || !sendAt.After(at): // no group collects
				messages, sendAt = messages+1, next
			}
		}
		if last := sendAt.Sub(begin); messages > 5 || last > time.Minute {
			t.Fatalf("seed %d: %d messages, the last after %s", seed, messages, last)
		}
	}
}

func TestStorm_AClockThatWasSetBackDelaysNothing(t *testing.T) {
	s, _, _ := Storm{}.Add(100, start)
	s, alone, _ := s.Add(1, start.Add(-time.Hour))
	if !alone {
		t.Error("an alert an hour before a storm is collected")
	}
	if _, _, at := s.Add(100, start.Add(-time.Hour)); at.After(start.Add(-time.Hour + collectFor)) {
		t.Errorf("sent at %s", at)
	}
}
