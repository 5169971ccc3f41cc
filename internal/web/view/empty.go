package view

// EmptyListPage is the list of a project that has no heartbeats yet: the path from
// nothing to the first ping. A viewer is told to wait.
type EmptyListPage struct {
	Shell
	Updates               ListUpdates
	PingURLPrefix         string // what ping URLs start with, up to the id
	Name, Interval, Grace Input  // what was written, when it came back with errors
}
