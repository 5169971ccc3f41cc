package view

// SettingsPage is about the project itself.
type SettingsPage struct {
	Shell
	Version, OriginalValues string // of the project, see [VersionField]
	Name, Zone              Input
	Zones                   []string
	NewName                 Input // of a project to create
	NewZone                 Input
	PingURLPrefix           string // what ping URLs start with; set by the operator, shown here
	CanDelete               bool   // an owner may, while it is not the last project
}

// ProjectDeletion says what deleting a project means, while so many of its
// incidents are not resolved.
func ProjectDeletion(open int) string {
	const lost = "Everything in it is removed, and every job that still pings gets 404. This cannot be undone."
	switch open {
	case 0:
		return lost + " No one is notified."
	case 1:
		return lost + " 1 incident is not resolved: it ends with the project, and no one is notified, here or at a provider."
	}
	return lost + " " + Count(open) + " incidents are not resolved: they end with the project, and no one is notified, here or at a provider."
}
