package channelview

// Kind is a kind of channel, as the gallery shows it.
type Kind struct {
	Name  string // "slack"; also names its icon
	Label string // "Slack"
	About string // "Post to a channel or person"
}

// Icon is the icon of a kind: generic, never a brand's logo.
func (k Kind) Icon() string { return kindIcon(k.Name) }

// kindsWithIcon have an icon of their own; any other kind is drawn as a webhook.
var kindsWithIcon = map[string]bool{
	"email": true, "slack": true, "teams": true, "discord": true, "telegram": true, "mattermost": true,
	"googlechat": true, "webhook": true, "pagerduty": true, "opsgenie": true, "ntfy": true, "gotify": true,
	"pushover": true, "matrix": true, "sms": true, "phone": true,
}

// kindIcon never fails: a kind that is not drawn yet looks like a webhook, which
// is what most kinds are underneath.
func kindIcon(kind string) string {
	if kindsWithIcon[kind] {
		return "ch-" + kind
	}
	return "ch-webhook"
}
