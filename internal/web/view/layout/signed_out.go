package layout

import "overdue/internal/web/view/ui"

// SignedOutShell has the data of the frame around a page for readers who are not
// signed in.
type SignedOutShell struct {
	ui.Clock
	Theme         string // as in [Shell]
	PingURLPrefix string // start of all ping URLs; only setup shows it
	Version       string
}
