package view

// ChannelWarning is whether a project has no channel at all. Then no page that shows
// what is watched may leave it unsaid: to watch and to tell nobody is to not
// watch.
type ChannelWarning struct {
	NoChannels    bool // there is no channel
	CanAddChannel bool // the reader's role may add one

	FailingChannels int // channels that do not deliver; set on lists, the other pages name them
}
