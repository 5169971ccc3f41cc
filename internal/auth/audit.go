package auth

import (
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/store"
)

// accountAction is an action on an account, for the audit log.
type accountAction struct {
	actor  Actor // the entry is added to each project of the account
	action string
	target string
	detail string
}

// asActor returns the person as the actor of changes to their account.
func (p Person) asActor() Actor { return personActor(p.Person, p.Address) }

// personActor returns a person at an address as an actor, even before sign-in.
func personActor(p monitor.Person, address string) Actor {
	return Actor{Name: p.Name, Kind: monitor.ActorPerson, ID: p.ID, Person: p.ID, Source: address}
}

// auditAccount records an action on an account in the audit log of every
// project of the person, because the admins of each project rely on the
// account.
func auditAccount(tx *store.Tx, person string, a accountAction, at time.Time) error {
	memberships, err := tx.Memberships(person)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		a.actor.Project = m.Project
		if err := tx.AddAuditEntry(a.actor.Audit(at, a.action, a.target, a.detail)); err != nil {
			return err
		}
	}
	return nil
}

// auditSession records that a person started or ended a session.
func auditSession(tx *store.Tx, s monitor.Session, action string, at time.Time) error {
	person, found, err := tx.Person(s.Person)
	if err != nil || !found {
		return err
	}
	return auditAccount(tx, s.Person, accountAction{personActor(person, s.LastAddress), action, person.Name, s.UserAgent}, at)
}

// programNames are the prefixes of the names of actors that are not people.
var programNames = []string{"api key", "link from", commandLine}

// resemblesProgramName reports whether a name could be taken for that of a
// program where only names are shown, such as on an incident.
func resemblesProgramName(name string) bool {
	name = strings.Map(foldWidth, safetext.StripInvisible(name))
	name = strings.ToLower(strings.Join(strings.Fields(name), " "))
	for _, begins := range programNames {
		if strings.HasPrefix(name, begins) {
			return true
		}
	}
	return false
}

// foldWidth returns the ASCII character that looks like a full-width one, and every
// other character as it is.
func foldWidth(r rune) rune {
	if r >= '\uff01' && r <= '\uff5e' {
		return r - '\uff01' + '!'
	}
	return r
}
