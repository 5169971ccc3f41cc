package channelview

// Kind is a kind of channel, such as Slack or email.
type Kind struct {
	Name  string // "slack"; part of the name of its icon
	Label string // "Slack"
	About string // "Post to a channel or person"
}

// Icon returns the icon of the kind. It is generic, never the logo of a brand.
func (k Kind) Icon() string { return kindIcon(k.Name) }

// kindsWithIcon lists the kinds with an icon. All others have the webhook icon.
var kindsWithIcon = map[string]bool{
	"email": true, "slack": true, "teams": true, "discord": true, "telegram": true, "mattermost": true,
	"googlechat": true, "webhook": true, "pagerduty": true, "opsgenie": true, "ntfy": true, "gotify": true,
	"pushover": true, "matrix": true, "sms": true, "phone": true,
}

// kindIcon returns the icon of a kind. A kind without one has the webhook icon,
// because most kinds are webhooks internally.
func kindIcon(kind string) string {
	if kindsWithIcon[kind] {
		return "ch-" + kind
	}
	return "ch-webhook"
}
