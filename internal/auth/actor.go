package auth

import "overdue/internal/monitor"

// Role is what somebody is in a project. A higher role may all that a lower
// one may.
type Role int

// The roles, lowest first. The zero Role is none and may nothing.
const (
	Viewer Role = iota + 1
	Member
	Admin
	Owner
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
	ChangeProject                     // its name and time zone
	DeleteProject
)

// least is the lowest role that has each right.
var least = map[Right]Role{
	Read:             Viewer,
	SeePingURLs:      Member,
	ChangeHeartbeats: Member,
	ChangeIncidents:  Member,
	ChangeChannels:   Member,
	ManageKeys:       Admin,
	ManagePeople:     Admin,
	ChangeProject:    Admin,
	DeleteProject:    Owner,
}

// Actor is somebody who acts for one project: a person who is signed in, or a
// program with an API key. The zero Actor may nothing.
type Actor struct {
	Project monitor.Project
	// Name is how the audit log names them, such as "API key deploy".
	Name string
	Role Role
}

// May reports whether the actor has the right.
func (a Actor) May(r Right) bool {
	role, known := least[r]
	return known && a.Role >= role
}

// SeesPingURLs reports whether ids and URLs that can ping may be shown.
func (a Actor) SeesPingURLs() bool { return a.May(SeePingURLs) }

// Operator is whoever can run commands on the server's own database. No
// credential is asked of them: they could read the file.
func Operator(p monitor.Project) Actor {
	return Actor{Project: p, Name: "command line", Role: Owner}
}
