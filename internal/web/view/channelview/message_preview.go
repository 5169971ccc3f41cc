package channelview

import "overdue/internal/web/view/ui"

// MessagePreview shows how an alert will look in the channel.
type MessagePreview struct {
	Status  string // down or up
	At      string // time of day
	Title   string
	Text    string
	Facts   []ui.Option // Label is the name of the fact
	Actions []string    // texts of its links
}
