package monitor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// slowWait is the second model of a heartbeat with windows. It looks at every second and every slot.
// Runs in progress and early pings are not part of it.
type slowWait struct {
	interval, grace, threshold int
	slots                      []int // of a calendar
	windows                    [][2]int

	from, shift, failed, lastPing, excused int // from: slots after it are expected; shift: of deadlines
	restarted, down                        bool
	held                                   bool
	incidents                              []expectedIncident
}

// expected returns the expected slots up to a second.
func (m *slowWait) expected(until int) (all []int) {
	if m.slots == nil {
		for s := m.from + m.interval; s <= until; s += m.interval {
			all = append(all, s)
		}
		return all
	}
	for _, s := range m.slots {
		if s > m.from && s <= until {
			all = append(all, s)
		}
	}
	return all
}

// open opens an incident.
func (m *slowWait) open(cause Cause, at int) {
	m.down = true
	m.incidents = append(m.incidents, expectedIncident{Cause: cause, Opened: seconds(at)})
}

// window returns the window that contains a second.
func (m *slowWait) window(at int) (w [2]int, ok bool) {
	for _, w := range m.windows {
		if w[0] <= at && at < w[1] {
			return w, true
		}
	}
	return w, false
}

// leave applies the end of a window, or its part before a ping.
func (m *slowWait) leave(from, to int, ping bool) {
	touched, missed := -1, 0
	for _, s := range m.expected(to + m.interval) {
		if end := s + m.grace + m.shift; end < from {
			missed++
		} else if s < to && touched < 0 {
			touched = s
		}
	}
	if touched < 0 {
		return
	}
	if m.slots == nil && !ping {
		due := m.from + m.interval
		deadline := due + (m.threshold-m.failed-1)*m.interval + m.grace + m.shift
		period := m.interval + deadline - due - m.shift
		if m.restarted && from-m.lastPing-m.excused >= period {
			m.shift += to + max(0, deadline-max(from, due)) - deadline
			return
		}
	}
	m.failed += missed
	m.from, m.shift, m.restarted = to, 0, true
	if m.slots != nil {
		m.from = to - 1
	}
}

// ping applies a ping.
func (m *slowWait) ping(at int, ok bool) {
	w, inside := m.window(at)
	if inside && !m.down {
		m.leave(w[0], at, true)
	}
	for _, w := range m.windows {
		if w[1] == at && !m.down {
			m.leave(w[0], at, true)
		}
	}
	if ok && m.down {
		m.incidents[len(m.incidents)-1].Resolved, m.incidents[len(m.incidents)-1].How = seconds(at), ResolvedByPing
		m.down = false
	}
	if !ok && m.down {
		m.incidents[len(m.incidents)-1].Failures++
	}
	m.held = !ok && inside && !m.down
	if !ok && !inside && !m.down {
		m.open(CauseFailure, at)
	}
	m.from, m.shift, m.failed, m.lastPing, m.excused, m.restarted = at, 0, 0, at, 0, false
}

// second applies what time alone changes at a second, after its pings.
func (m *slowWait) second(at int) {
	for _, w := range m.windows {
		if w[1] == at && w[0] < at {
			if !m.down {
				m.leave(w[0], at, false)
			}
			m.excused += max(0, at-max(w[0], m.lastPing))
			if m.held && !m.down {
				m.open(CauseFailure, at)
			}
			m.held = false
		}
	}
	if _, inside := m.window(at); inside || m.down {
		return
	}
	n := m.failed
	for _, s := range m.expected(at) {
		if s+m.grace+m.shift > at {
			break
		}
		if n++; n >= m.threshold {
			m.open(CauseMissed, s+m.grace+m.shift)
			return
		}
	}
}

// Nothing that Evaluate and ApplyPing do with windows differs from the slow model, however often the
// heartbeat is evaluated.
func TestEvaluate_AgreesWithASlowModelOfWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := slowWait{
			interval: rapid.IntRange(1, 12).Draw(t, "interval"), grace: rapid.IntRange(0, 8).Draw(t, "grace"), threshold: rapid.IntRange(1, 3).Draw(t, "threshold"),
		}
		rule := Rule{Interval: seconds(m.interval), Grace: seconds(m.grace), AlertAfter: m.threshold, Methods: AnyMethod}
		if rapid.Bool().Draw(t, "calendar") {
			at := 0
			for range 80 {
				at += rapid.SampledFrom([]int{1, 2, 3, 5, 8, 13}).Draw(t, "gap")
				m.slots = append(m.slots, at)
			}
			rule.Interval, rule.Calendar, rule.Early = 0, calendarOf(m.slots), 0
		}
		at := 0
		var windows []Window
		for range rapid.IntRange(0, 8).Draw(t, "windows") {
			from := at + rapid.IntRange(1, 20).Draw(t, "from")
			at = from + rapid.IntRange(1, 30).Draw(t, "length")
			m.windows = append(m.windows, [2]int{from, at})
			windows = append(windows, Window{From: epoch.Add(seconds(from)), To: epoch.Add(seconds(at))})
		}
		end := at + 80
		pings := map[int]bool{} // whether it succeeded
		for range rapid.IntRange(0, 8).Draw(t, "pings") {
			ok := m.threshold > 1 || rapid.IntRange(0, 2).Draw(t, "ok") > 0
			pings[rapid.IntRange(1, end).Draw(t, "at")] = ok
		}
		s := play(t, rule)
		s.h = s.h.changeMaintenance(func(m *MaintenanceState) { m.Windows = windows })
		pingAt(PingSuccess, 0)(s)
		m.ping(0, true)
		for at := 1; at <= end; at++ {
			if ok, pinged := pings[at]; pinged {
				kind := PingSuccess
				if !ok {
					kind = PingFail
				}
				pingAt(kind, seconds(at))(s)
				m.ping(at, ok)
			}
			m.second(at)
			if rapid.IntRange(0, 3).Draw(t, "evaluate") == 0 || at == end {
				evaluateAt(seconds(at))(s)
			}
			if due := s.h.EvaluationDue(); at == end && !due.IsZero() && !due.After(epoch.Add(seconds(at))) {
				t.Fatalf("due at %v after it was evaluated at %d s", sinceEpoch(due), at)
			}
		}
		if diff := cmp.Diff(m.incidents, s.incidents); diff != "" {
			t.Fatalf("incidents (-model +monitor):\n%s", diff)
		}
		if m.down != (s.h.Status == Down) {
			t.Fatalf("down: %v in the model, %s", m.down, s.h.Status)
		}
	})
}
