package monitor

import "time"

// Project is what heartbeats, channels and people belong to.
type Project struct {
	Key     int64
	Slug    string
	Name    string
	Zone    string // IANA name, for showing times
	Created time.Time
}

// APIKey lets a program act for a project. Its secret is kept only as a hash.
type APIKey struct {
	ID       string
	Project  int64
	Name     string
	Prefix   string // the beginning of the secret, to recognise it by
	By       string // who made it, as people know them
	ByID     string // their person, empty for the command line
	ReadOnly bool
	Created  time.Time
	Used     time.Time
}

// AuditEntry is one line of the record of who changed what.
type AuditEntry struct {
	Project int64
	At      time.Time
	Actor   string // who, as people know them
	Source  string // the address they acted from, empty when there was none
	Action  string // such as heartbeat.create
	Target  string // what it was done to
	Detail  string
}
