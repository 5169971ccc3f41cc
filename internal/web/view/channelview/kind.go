package channelview

import (
	"slices"
	"strings"

	"overdue/internal/web/view/ui"
)

// Kind is a kind of channel, such as Slack or email.
type Kind struct {
	Name  string // "slack"
	Label string // "Slack"
	About string // "Post to a channel or person"
	Off   string // why this server does not offer it; empty if it does
}

// Icon returns the icon of the kind. It is generic, never the logo of a brand.
func (k Kind) Icon() string { return kindIcon(k.Name) }

// KindGroup is a section of the gallery.
type KindGroup struct {
	Name  string
	Kinds []Kind
}

// id returns the id of the heading of the group.
func (g KindGroup) id() string { return "g-" + strings.ReplaceAll(strings.ToLower(g.Name), " ", "-") }

// matches reports whether each word of a search is part of the texts of a kind.
func (g KindGroup) matches(k Kind, search string) bool {
	text := strings.ToLower(strings.Join([]string{k.Name, k.Label, k.About, g.Name}, " "))
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(search)), func(word string) bool { return !strings.Contains(text, word) })
}

// FindKinds returns the groups with the kinds that match a search, without empty groups.
func FindKinds(all []KindGroup, search string) []KindGroup {
	var found []KindGroup
	for _, g := range all {
		some := KindGroup{Name: g.Name}
		for _, k := range g.Kinds {
			if g.matches(k, search) {
				some.Kinds = append(some.Kinds, k)
			}
		}
		if len(some.Kinds) > 0 {
			found = append(found, some)
		}
	}
	return found
}

// countKinds returns the number of kinds in words.
func countKinds(groups []KindGroup) string {
	n := 0
	for _, g := range groups {
		n += len(g.Kinds)
	}
	return ui.Plural(n, "kind")
}

// kindIcons are the icons of kinds. All others have the webhook icon, because most kinds are
// webhooks internally.
var kindIcons = map[string]string{
	"email": "ch-email", "slack": "ch-slack", "teams": "ch-teams", "discord": "ch-discord", "telegram": "ch-telegram",
	"mattermost": "ch-mattermost", "google_chat": "ch-googlechat", "rocketchat": "ch-rocketchat", "zulip": "ch-zulip", "webex": "ch-webex",
	"matrix": "ch-matrix", "signal": "ch-signal", "twilio": "ch-sms", "ntfy": "ch-ntfy", "gotify": "ch-gotify", "pushover": "ch-pushover",
	"pagerduty": "ch-pagerduty", "opsgenie": "ch-opsgenie", "jsm": "ch-pager", "victorops": "ch-rota", "incidentio": "ch-flame",
	"rootly": "ch-route", "squadcast": "ch-pager", "goalert": "ch-rota", "alertmanager": "channels", "apprise": "ch-apprise",
	"exec": "terminal", "webhook": "ch-webhook",
}

// kindIcon returns the icon of a kind.
func kindIcon(kind string) string {
	if icon, known := kindIcons[kind]; known {
		return icon
	}
	return "ch-webhook"
}

// textPart is a part of a setup step. The names of menus and buttons are strong.
type textPart struct {
	text   string
	strong bool
}

// stepParts splits a setup step at its "**".
func stepParts(step string) []textPart {
	var parts []textPart
	for i, text := range strings.Split(step, "**") {
		if text != "" {
			parts = append(parts, textPart{text, i%2 == 1})
		}
	}
	return parts
}
