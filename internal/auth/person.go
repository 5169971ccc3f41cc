package auth

import "overdue/internal/monitor"

// Person is a signed-in person. The zero Person means that no one is signed in.
type Person struct {
	monitor.Person
	Memberships     []monitor.Membership // ordered by project name
	Session         string               // id of the session
	Address         string               // client address
	SelectedProject string               // slug of the selected project

	Toast, Undo string // from the previous page
}

// SignedIn reports whether a person is signed in.
func (p Person) SignedIn() bool { return p.ID != "" }

// Actor returns the person as an actor in the project with the given key. Key 0
// means the selected project, or the first one. An actor outside the project
// has no rights.
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

// actorIn returns the person as an actor in one project.
func (p Person) actorIn(m monitor.Membership, source string) Actor {
	return Actor{
		Project: m.Project, Name: p.Name, Kind: monitor.ActorPerson, ID: p.ID, Role: m.Role, Person: p.ID, Session: p.Session, Source: source,
	}
}
