package view

import "time"

// AuditPage is the record of who changed what, newest first.
type AuditPage struct {
	Shell
	Query   string
	Actor   string // whose entries are shown, as their newest entry names them; empty: everybody's
	AllPath string // the log of everybody
	Entries []AuditEntry
	Pager   Pager
}

// AuditEntry is one change.
type AuditEntry struct {
	At         time.Time
	Actor      string // their name at that time, which they may have chosen
	ActorKind  string // "Person", "API key": what nobody can choose; empty for old entries
	ActorID    string // end of the actor's id, empty for a command
	ActorPath  string // all entries of the same actor; empty for old entries
	Action     string // "changed the grace period of"
	Target     string // the thing: "Nightly database backup"
	TargetPath string // its page; empty when it is gone
	Detail     string // "10m to 30m"
	Address    string // address it came from
}
