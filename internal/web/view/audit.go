package view

import "time"

// AuditPage is the record of who changed what, newest first.
type AuditPage struct {
	Shell
	Query   string
	Entries []AuditEntry
	Pager   Pager
}

// AuditEntry is one change.
type AuditEntry struct {
	At     time.Time
	Who    string // a person's name, or "API key deploy"
	Did    string // "changed the grace period of"
	What   string // the thing: "Nightly database backup"
	Path   string // its page; empty when it is gone
	Detail string // "10m to 30m"
	Source string // address it came from
}
