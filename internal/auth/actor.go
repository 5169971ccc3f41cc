package auth

import (
	"time"

	"overdue/internal/monitor"
)

// Role is what somebody is in a project.
type Role = monitor.Role

// The roles, lowest first.
const (
	Viewer = monitor.Viewer
	Member = monitor.Member
	Admin  = monitor.Admin
	Owner  = monitor.Owner
)

// Right is one thing that not everybody may do.
type Right int

// The rights.
const (
	Read             Right = iota + 1 // everything of the project but what could ping
	SeePingURLs                       // ids and URLs that can ping
	ChangeHeartbeats                  // also pause, resume and delete them
	ChangeIncidents                   // acknowledge them, and write notes
	ChangeChannels                    // also send test alerts
	ManageKeys                        // create and revoke API keys
	ManagePeople                      // invite, change roles, remove
	SeeAudit                          // the record of who changed what
	ChangeProject                     // its name and time zone
	DeleteProject
	ReadFeedback // what readers of the manual answered
)

// minRole is the lowest role that has each right.
var minRole = map[Right]Role{
	Read:             Viewer,
	SeePingURLs:      Member,
	ChangeHeartbeats: Member,
	ChangeIncidents:  Member,
	ChangeChannels:   Member,
	ManageKeys:       Admin,
	ManagePeople:     Admin,
	SeeAudit:         Admin,
	ChangeProject:    Admin,
	DeleteProject:    Owner,
	ReadFeedback:     Owner,
}

// Actor is somebody who acts for one project: a person who is signed in, or a
// program with an API key. The zero Actor may nothing.
type Actor struct {
	Project monitor.Project
	// Name is what people call them, such as "API key deploy". Kind and ID
	// identify them, see monitor.AuditEntry.
	Name string
	Kind monitor.ActorKind
	ID   string
	Role Role
	// Person is the id of the person who is signed in, empty for a program.
	Person string
	// Session is the id of the session that they act by, empty for a program.
	Session string
	// Source is the address that they act from, for the audit log.
	Source string
}

// May reports whether the actor has the right.
func (a Actor) May(r Right) bool {
	role, known := minRole[r]
	return known && a.Role >= role
}

// SeesPingURLs reports whether ids and URLs that can ping may be shown.
func (a Actor) SeesPingURLs() bool { return a.May(SeePingURLs) }

// commandLine is the name of a command in the audit log.
const commandLine = "command line"

// Operator is whoever can run commands on the server's own database. No
// credential is asked of them: they could read the file. user is their name on
// the operating system.
func Operator(p monitor.Project, user string) Actor {
	return Actor{Project: p, Name: commandLine, Kind: monitor.ActorCommandLine, ID: user, Role: Owner}
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
