package view

// SignedOutShell is what surrounds a page for someone who is not signed in.
type SignedOutShell struct {
	Clock
	Theme         string // as in [Shell]
	PingURLPrefix string // what ping URLs start with; only setup shows it
	Version       string
}
