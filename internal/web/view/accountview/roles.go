package accountview

import "overdue/internal/web/view/ui"

// RoleDescription returns what a role may do.
func RoleDescription(role string) string {
	switch role {
	case "owner":
		return "Everything, including deleting the project."
	case "admin":
		return "Everything except deleting the project and changing owners."
	case "member":
		return "Can change heartbeats, incidents and channels."
	default:
		return "Can view everything except ping URLs."
	}
}

// roles lists the roles, the most powerful first.
var roles = []ui.Option{{Value: "owner", Label: "Owner"}, {Value: "admin", Label: "Admin"}, {Value: "member", Label: "Member"}, {Value: "viewer", Label: "Viewer"}}
