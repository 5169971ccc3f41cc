package view

// Untold is whether a project has no channel at all. Then no page that shows
// what is watched may leave it unsaid: to watch and to tell nobody is to not
// watch.
type Untold struct {
	Silent bool // there is no channel
	MayAdd bool // the reader's role may add one

	Failing int // channels that do not deliver; set on lists, the other pages name them
}
