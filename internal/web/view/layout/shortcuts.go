package layout

import "overdue/internal/web/view/paths"

// shortcut is a keyboard shortcut that opens a page. The script reads it from the
// dialog, so the dialog lists exactly what works.
type shortcut struct{ keys, label, path string }

// shortcuts returns the shortcuts of a person.
func (s Shell) shortcuts() []shortcut {
	all := []shortcut{
		{"g h", "Heartbeats", paths.Heartbeats},
		{"g i", "Incidents", paths.Incidents},
		{"g c", "Channels", paths.Channels},
		{"g t", "Team", paths.Team},
		{"g d", "Docs", paths.Docs},
	}
	if s.User.Edits() {
		all = append([]shortcut{{"n", "New heartbeat", paths.NewHeartbeat}}, all...)
	}
	return all
}
