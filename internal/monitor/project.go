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
	ID          string
	Project     int64
	Name        string
	Prefix      string // the beginning of the secret, to recognise it by
	CreatedBy   string // who made it, as people know them
	CreatedByID string // their person, empty for the command line
	ReadOnly    bool
	Created     time.Time
	LastUsed    time.Time
}

// ActorKind says what kind of actor an audit entry names. Unlike a name, it
// cannot be chosen by the actor.
type ActorKind string

// The kinds of actors.
const (
	ActorPerson      ActorKind = "person"       // signed in, or acting through a link that was sent to them
	ActorAPIKey      ActorKind = "api_key"      // a program
	ActorAlertLink   ActorKind = "alert_link"   // whoever opened the link in an alert
	ActorCommandLine ActorKind = "command_line" // an operator with access to the database
	ActorAnonymous   ActorKind = "anyone"       // a visitor who has not signed in
)

// AuditEntry is one line of the record of who changed what.
type AuditEntry struct {
	Project int64
	At      time.Time
	Actor   string    // name of the actor at that time
	Kind    ActorKind // empty for entries that are older than kinds
	// ActorID identifies the actor whatever they are called now: the id of the
	// person or API key, the id of the channel for an alert link, the name of
	// the operating system's user for a command.
	ActorID string
	Source  string // address that they acted from, empty when there was none
	Action  string // such as heartbeat.create
	Target  string // what it was done to
	Detail  string
}
