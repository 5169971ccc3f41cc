package provider

// GroupEmail contains email, which has no service behind it.
const GroupEmail Group = "Email"

// Groups returns the groups, in the order of the gallery.
func Groups() []Group {
	return []Group{GroupEmail, GroupChat, GroupPush, GroupOnCall, GroupPhone, GroupGeneric}
}
