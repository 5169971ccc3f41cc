package layout

// ChannelWarning describes why alerts do not reach anyone. Every page about
// heartbeats and incidents shows it: monitoring without alerts is useless.
type ChannelWarning struct {
	NoChannels    bool // the project has no channel
	CanAddChannel bool // the role of the reader may add one

	FailingChannels int // channels that do not deliver; only on lists, other pages name them
}
