package channelview

import "overdue/internal/web/view/ui"

// MessagePreview is how a message will look in the channel.
type MessagePreview struct {
	Status  string // down or up
	At      string // time of day
	Title   string
	Text    string
	Facts   []ui.Option // Label names the fact
	Actions []string    // words of its links
}
