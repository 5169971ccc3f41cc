package view

// Gate is what surrounds a page for someone who is not signed in.
type Gate struct {
	Clock
	Theme    string // as in [Shell]
	PingBase string // what ping URLs start with; only setup shows it
	Version  string
}
