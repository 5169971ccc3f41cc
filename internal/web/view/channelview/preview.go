package channelview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// EventPreview shows what the channel sends for one event.
type EventPreview struct {
	Name     string // value of the tab: "opened"
	Label    string // "Down"
	Selected bool
	Message  MessagePreview
	Request  RequestPreview // zero if the kind has none
}

// MessagePreview shows how an alert will look in the channel.
type MessagePreview struct {
	Status  string // down, late or up; empty for an alert about none of these
	At      string // time of day
	Title   string
	Text    string
	Facts   []ui.Option // Label is the name of the fact
	Actions []string    // texts of its links
}

// RequestPreview is what is sent for an alert: HTTP requests, with masked secrets.
type RequestPreview struct {
	Host string // destination; may be empty
	Text string
}

// caption returns the destination.
func (r RequestPreview) caption() string {
	if r.Host == "" {
		return "Exact request"
	}
	return "Exact request to " + r.Host
}

// PreviewField is the form field with the selected tab of the preview.
const PreviewField = "preview"

// tabForm connects a tab to the form of the channel, if the page has one.
func tabForm(edits bool) templ.Attributes {
	if !edits {
		return nil
	}
	return templ.Attributes{"form": "channel"}
}
