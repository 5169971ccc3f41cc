package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// ProjectSettingsPage is about the project itself.
type ProjectSettingsPage struct {
	layout.Shell
	Version, OriginalValues string // of the project, see [ui.VersionField]
	Name, Zone              ui.Input
	Zones                   []string
	NewName                 ui.Input // of a project to create
	NewZone                 ui.Input
	PingURLPrefix           string // what ping URLs start with; set by the operator, shown here
	CanDelete               bool   // an owner may, while it is not the last project
}

// ProjectDeletionText says what deleting a project means, while so many of its
// incidents are not resolved.
func ProjectDeletionText(open int) string {
	const lost = "Everything in it is removed, and every job that still pings gets 404. This cannot be undone."
	switch open {
	case 0:
		return lost + " No one is notified."
	case 1:
		return lost + " 1 incident is not resolved: it ends with the project, and no one is notified, here or at a provider."
	}
	return lost + " " + ui.Count(open) + " incidents are not resolved: they end with the project, and no one is notified, here or at a provider."
}
