package auth

import "overdue/internal/monitor"

// Person is somebody who is signed in. The zero Person is nobody.
type Person struct {
	monitor.Person
	Memberships     []monitor.Membership // by name of project
	Session         string               // id of the session that they are here by
	Address         string               // that they act from
	SelectedProject string               // slug of the project that they chose to look at

	Toast, Undo string // kept for this page by the one before
}

// SignedIn reports whether somebody is signed in.
func (p Person) SignedIn() bool { return p.ID != "" }

// Actor is the person in the project with the given key, and in the one they
// chose for 0, or else their first. The zero Actor is in none of them.
func (p Person) Actor(project int64, source string) Actor {
	var found *monitor.Membership
	for i, m := range p.Memberships {
		switch {
		case project != 0 && m.Project.Key == project, project == 0 && m.Project.Slug == p.SelectedProject:
			return p.actorIn(m, source)
		case project == 0 && found == nil:
			found = &p.Memberships[i]
		}
	}
	if found == nil {
		return Actor{Name: p.Name, Kind: monitor.ActorPerson, ID: p.ID, Person: p.ID, Session: p.Session, Source: source}
	}
	return p.actorIn(*found, source)
}

// actorIn is the person in one project.
func (p Person) actorIn(m monitor.Membership, source string) Actor {
	return Actor{
		Project: m.Project, Name: p.Name, Kind: monitor.ActorPerson, ID: p.ID, Role: m.Role, Person: p.ID, Session: p.Session, Source: source,
	}
}
