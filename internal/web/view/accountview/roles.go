package accountview

import "overdue/internal/web/view/ui"

// RoleDescription says what a role may do.
func RoleDescription(role string) string {
	switch role {
	case "owner":
		return "Everything, also deleting the project."
	case "admin":
		return "Everything but deleting the project and changing owners."
	case "member":
		return "Heartbeats, incidents and channels."
	default:
		return "Looks, and sees no ping URL."
	}
}

// roles from most to least.
var roles = []ui.Option{{Value: "owner", Label: "Owner"}, {Value: "admin", Label: "Admin"}, {Value: "member", Label: "Member"}, {Value: "viewer", Label: "Viewer"}}
