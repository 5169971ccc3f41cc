package auth

import (
	"time"

	"overdue/internal/monitor"
)

// Role is the role of a person in a project.
type Role = monitor.Role

// The roles, lowest first.
const (
	Viewer = monitor.Viewer
	Member = monitor.Member
	Admin  = monitor.Admin
	Owner  = monitor.Owner
)

// Right is a permission.
type Right int

// The rights.
const (
	Read             Right = iota + 1 // everything of the project except ping URLs
	SeePingURLs                       // ids and URLs that can ping
	ChangeHeartbeats                  // also pause, resume and delete them
	ChangeIncidents                   // acknowledge them, and write notes
	ChangeChannels                    // also send test alerts
	RetryAlerts                       // make pending alerts due at once
	ManageKeys                        // create and revoke API keys
	ManagePeople                      // invite, change roles, remove
	SeeAudit                          // the record of who changed what
	ChangeProject                     // its name and time zone
	DeleteProject
	SeeNodes        // the nodes of the server, with the names of their machines
	ReadFeedback    // feedback of readers of the manual
	SeeServer       // the page about the server: also its canary, and the services that watch it
	SeeServerErrors // what the database and the disk reported: it can contain addresses
)

// minRole is the lowest role with each right.
var minRole = map[Right]Role{
	Read:             Viewer,
	SeePingURLs:      Member,
	ChangeHeartbeats: Member,
	ChangeIncidents:  Member,
	ChangeChannels:   Member,
	RetryAlerts:      Admin,
	ManageKeys:       Admin,
	ManagePeople:     Admin,
	SeeAudit:         Admin,
	ChangeProject:    Admin,
	DeleteProject:    Owner,
	ReadFeedback:     Owner,
	SeeNodes:         Member,
	SeeServerErrors:  Owner,
	SeeServer:        Owner,
}

// Actor acts in one project: a signed-in person, or a program with an API key.
// The zero Actor has no rights.
type Actor struct {
	Project monitor.Project
	// Name is the name for people, such as "API key deploy". Kind and ID
	// identify the actor, see monitor.AuditEntry.
	Name string
	Kind monitor.ActorKind
	ID   string
	Role Role
	// Person is the id of the signed-in person, empty for a program.
	Person string
	// Session is the id of the session, empty for a program.
	Session string
	// Source is the client address, for the audit log.
	Source string
}

// May reports whether the actor has the right.
func (a Actor) May(r Right) bool {
	role, known := minRole[r]
	if r == RetryAlerts && a.Kind == monitor.ActorAPIKey {
		role = Member // only admins create keys that can write
	}
	return known && a.Role >= role
}

// SeesPingURLs reports whether ids and URLs that can ping may be shown.
func (a Actor) SeesPingURLs() bool { return a.May(SeePingURLs) }

// commandLine is the name of a command in the audit log.
const commandLine = "command line"

// Operator returns the actor of a command on the database of the server. It
// needs no credentials, because it can read the database anyway. user is the
// name of the operating system's user.
func Operator(p monitor.Project, user string) Actor {
	return Actor{Project: p, Name: commandLine, Kind: monitor.ActorCommandLine, ID: user, Role: Owner}
}

// System returns the actor of changes that Overdue makes without a person, in a project.
func System(project int64) Actor {
	return Actor{Project: monitor.Project{Key: project}, Name: "Overdue", Kind: monitor.ActorSystem, ID: "overdue"}
}

// Visitor returns the actor of a request without a session, from an address.
func Visitor(source string) Actor {
	return Actor{Name: "a visitor", Kind: monitor.ActorAnonymous, ID: "visitor", Source: source}
}

// Audit returns an entry of the audit log for something that the actor does.
func (a Actor) Audit(at time.Time, action, target, detail string) monitor.AuditEntry {
	return monitor.AuditEntry{
		Project: a.Project.Key, At: at, Actor: a.Name, Kind: a.Kind, ActorID: a.ID, Source: a.Source,
		Action: action, Target: target, Detail: detail,
	}
}
