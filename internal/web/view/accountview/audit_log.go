package accountview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// AuditLogPage has the changes of the project, newest first.
type AuditLogPage struct {
	layout.Shell
	Query   string
	Actor   string // name in the newest entry of the selected actor; empty means all actors
	AllPath string // the log of all actors
	Entries []AuditEntry
	Pager   ui.Pager
	Kept    string // sentence: when entries are deleted; empty: never
}

// AuditEntry is one change.
type AuditEntry struct {
	At         time.Time
	Actor      string // name at that time; users choose their names
	ActorKind  string // "Person" or "API key"; empty for old entries
	ActorID    string // end of the id; empty for a command
	ActorPath  string // entries of this actor; empty for old entries
	Action     string // "changed the grace period of"
	Target     string // "Nightly database backup"
	TargetPath string // page of the target; empty if deleted
	Detail     string // "10m to 30m"
	Address    string // IP address of the request
}
