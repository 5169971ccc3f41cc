package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// Maintenance is planned work, once or recurring. Expected runs in its windows are excused.
type Maintenance struct {
	ID      string
	Number  int64 // counts from 1 in the project
	Project int64
	Created time.Time
	By      string // who created it
	Reason  string
	Scope   MaintenanceScope

	// From and To are the window if Calendar is nil. Otherwise, windows start at the slots of the
	// calendar from From on and before To; a zero To means that they do not stop.
	From, To time.Time
	Calendar *Calendar
	Length   time.Duration // of each recurring window

	// Changed are recurring windows that a user ended early, extended or skipped: the start of each by
	// the calendar, and its end. The other windows are not affected.
	Changed  []Window
	Revision int64 // counts its edits, from 1
}

// MaintenanceScope selects the heartbeats of a project that are in maintenance: those that match
// any of its parts.
type MaintenanceScope struct {
	All        bool
	Tags       []string
	Heartbeats []int64 // keys
}

// Window is a time of maintenance. From is in it, To is not: a slot at the end of the window is
// expected.
type Window struct {
	From, To time.Time
	Reason   string // of the maintenance; several are separated by semicolons
}

// Contains reports whether a time is in the window.
func (w Window) Contains(at time.Time) bool { return !at.Before(w.From) && at.Before(w.To) }

// Limits of maintenance.
const (
	MinMaintenance     = time.Minute
	MaxMaintenance     = 90 * 24 * time.Hour // of one window
	MaxRecurringLength = 7 * 24 * time.Hour  // of each recurring window
	checkedStarts      = 400                 // starts of a calendar whose distance Check compares with the length
)

// Covers reports whether a heartbeat is in the scope. It depends on the current tags only, so a
// heartbeat that gets a tag during a window is covered from then on.
func (m Maintenance) Covers(h Heartbeat) bool {
	return h.Project == m.Project && (m.Scope.All || slices.Contains(m.Scope.Heartbeats, h.Key) ||
		slices.ContainsFunc(h.Tags, func(tag string) bool { return slices.Contains(m.Scope.Tags, tag) }))
}

// Check returns the fault of settings that are invalid, or nil. Windows of a calendar must not
// touch: a failure of a heartbeat that is always in maintenance would never be noticed.
func (m Maintenance) Check(now time.Time) *Fault {
	if !m.Scope.All && len(m.Scope.Tags)+len(m.Scope.Heartbeats) == 0 {
		return Faultf(Invalid, "scope", "Name a tag or a heartbeat, or choose all heartbeats of the project.")
	}
	if m.Calendar == nil {
		if length := m.To.Sub(m.From); length < MinMaintenance || length > MaxMaintenance {
			return Faultf(Invalid, "to", "The window must be between %s and %s long.", schedule.FormatDuration(MinMaintenance), schedule.FormatDuration(MaxMaintenance))
		}
		return nil
	}
	if m.Length < MinMaintenance || m.Length > MaxRecurringLength {
		return Faultf(Invalid, "duration", "The duration must be between %s and %s.", schedule.FormatDuration(MinMaintenance), schedule.FormatDuration(MaxRecurringLength))
	}
	start, found := m.Calendar.schedule.Next(laterOf(now, m.From).Add(-Precision))
	if !found || !m.To.IsZero() && !start.Before(m.To) {
		return Faultf(Invalid, "schedule", "The schedule has no start in the future.")
	}
	for range checkedStarts {
		next, more := m.Calendar.schedule.Next(start)
		if !more {
			break
		}
		if next.Sub(start) <= m.Length {
			return Faultf(Invalid, "duration", "The window that starts at %s would still be open at the next start, %s later. Choose a shorter duration.", formatTime(start), schedule.FormatDuration(next.Sub(start)))
		}
		start = next
	}
	return nil
}

// Windows returns the windows that have an instant in common with the time from from to to, oldest
// first, and at most the given number of them.
func (m Maintenance) Windows(from, to time.Time, most int) []Window {
	if m.Calendar == nil {
		if m.To.After(from) && m.From.Before(to) && m.From.Before(m.To) && most > 0 {
			return []Window{{m.From, m.To, m.Reason}}
		}
		return nil
	}
	longest := m.Length
	for _, c := range m.Changed {
		longest = max(longest, c.To.Sub(c.From))
	}
	var all []Window
	after := laterOf(from.Add(-longest), m.From.Add(-Precision))
	for len(all) < most {
		start, found := m.Calendar.schedule.Next(after)
		if !found || !start.Before(to) || !m.To.IsZero() && !start.Before(m.To) {
			break
		}
		after = start
		if w := m.window(start); w.From.Before(w.To) && w.To.After(from) {
			all = append(all, w)
		}
	}
	return all
}

// window returns the recurring window that starts at a slot, with the end that a user chose.
func (m Maintenance) window(start time.Time) Window {
	for _, c := range m.Changed {
		if c.From.Equal(start) {
			return Window{start, c.To, m.Reason}
		}
	}
	return Window{start, start.Add(m.Length), m.Reason}
}

// InProgress returns the window that contains now.
func (m Maintenance) InProgress(now time.Time) (Window, bool) {
	all := m.Windows(now, now.Add(Precision), 1)
	if len(all) == 0 {
		return Window{}, false
	}
	return all[0], true
}

// Describe returns when the windows are, in one line.
func (m Maintenance) Describe() string {
	if m.Calendar == nil {
		return formatTime(m.From) + " to " + formatTime(m.To)
	}
	text := fmt.Sprintf("%s for %s, from %s", Rule{Calendar: m.Calendar}.Describe(), schedule.FormatDuration(m.Length), formatTime(m.From))
	if !m.To.IsZero() {
		text += " to " + formatTime(m.To)
	}
	return text
}

// WithEnd returns the maintenance after a user chose another end of a window that Windows returned. If
// it is the start, the window is skipped.
func (m Maintenance) WithEnd(w Window, end, now time.Time) Maintenance {
	if m.Calendar == nil {
		m.To = end
		return m
	}
	kept := slices.DeleteFunc(slices.Clone(m.Changed), func(c Window) bool {
		return c.From.Equal(w.From) || c.From.Add(MaxMaintenance).Before(now)
	})
	m.Changed = append(kept, Window{From: w.From, To: end})
	return m
}

// MergeWindows returns the times that are in any of the windows, in order. Windows that overlap or
// touch become one, so the wait of a heartbeat starts again once, after the last of them.
func MergeWindows(all []Window) []Window {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Window) int { return a.From.Compare(b.From) })
	var merged []Window
	for _, w := range sorted {
		if n := len(merged) - 1; n >= 0 && !w.From.After(merged[n].To) {
			merged[n].To, merged[n].Reason = laterOf(merged[n].To, w.To), joinReasons(merged[n].Reason, w.Reason)
			continue
		}
		merged = append(merged, w)
	}
	return merged
}

// maxReasons is the length of a text with several reasons, in bytes.
const maxReasons = 300

// joinReasons returns the reasons of both texts, each once.
func joinReasons(a, b string) string {
	for _, reason := range strings.Split(b, "; ") {
		if reason != "" && !slices.Contains(strings.Split(a, "; "), reason) && len(a)+len(reason) < maxReasons {
			a = strings.TrimPrefix(a+"; "+reason, "; ")
		}
	}
	return a
}

// slotAfterWindow returns when the first run after a window is expected whose runs were excused. The
// slots of a calendar are fixed; an interval is counted from the end of the window.
func (h Heartbeat) slotAfterWindow(w Window) time.Time {
	if h.Rule.Calendar == nil {
		return w.To.Add(h.Rule.intervalStep())
	}
	return h.slotFrom(w.To.Add(-Precision))
}
