package view

// SettingsPage is about the project itself.
type SettingsPage struct {
	Shell
	Name, Zone Input
	Zones      []string
	NewName    Input // of a project to create
	NewZone    Input
	PingBase   string // what ping URLs start with; set by the operator, shown here
	CanDelete  bool   // an owner may, while it is not the last project
}
