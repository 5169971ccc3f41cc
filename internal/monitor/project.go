package monitor

import "time"

// Project owns heartbeats, channels and memberships.
type Project struct {
	Key     int64
	Slug    string
	Name    string
	Zone    string // IANA name of the zone for displayed times
	Created time.Time
}

// APIKey lets a program act for a project. Its secret is stored only as a hash.
type APIKey struct {
	ID          string
	Project     int64
	Name        string
	Prefix      string // start of the secret, to recognise it
	CreatedBy   string // name of the person who created it
	CreatedByID string // id of that person, "" for the command line
	ReadOnly    bool
	Created     time.Time
	LastUsed    time.Time
}

// ActorKind is the kind of actor of an audit entry. Unlike the name, the actor cannot choose it.
type ActorKind string

// The kinds of actors.
const (
	ActorPerson      ActorKind = "person"       // signed in, or using a link from a message to them
	ActorAPIKey      ActorKind = "api_key"      // a program
	ActorAlertLink   ActorKind = "alert_link"   // a visitor with the link from an alert
	ActorCommandLine ActorKind = "command_line" // an operator with access to the database
	ActorAnonymous   ActorKind = "anyone"       // a visitor who is not signed in
	ActorSystem      ActorKind = "system"       // Overdue itself
)

// AuditEntry is one entry of the audit log.
type AuditEntry struct {
	Project int64
	At      time.Time
	Actor   string    // name of the actor at that time
	Kind    ActorKind // empty for entries from before kinds existed
	// ActorID identifies the actor after a change of name: the id of the person or API key, the id
	// of the channel for an alert link, the name of the operating system user for a command.
	ActorID string
	Source  string // client address, "" if none exists
	Action  string // such as heartbeat.create
	Target  string // the changed object
	Detail  string
}
