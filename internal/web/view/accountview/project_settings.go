package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// ProjectSettingsPage has the settings of the project and the list of projects.
type ProjectSettingsPage struct {
	layout.Shell
	Version, OriginalValues string // of the project, see [ui.VersionField]
	Name, Zone              ui.Input
	Zones                   []string
	NewName                 ui.Input // name of a new project
	NewZone                 ui.Input
	PingURLPrefix           string // start of all ping URLs; set by the operator
	CanDelete               bool   // the reader is an owner, and it is not the last project
}

// ProjectDeletionText returns the consequences of deleting a project with open
// unresolved incidents.
func ProjectDeletionText(open int) string {
	const lost = "All its data is removed, and jobs that still ping get 404. This cannot be undone."
	switch open {
	case 0:
		return lost + " No one is notified."
	case 1:
		return lost + " 1 incident is unresolved. It ends without a notification, also at providers such as PagerDuty."
	}
	return lost + " " + ui.Count(open) + " incidents are unresolved. They end without a notification, also at providers such as PagerDuty."
}
