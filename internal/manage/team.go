package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Team is who belongs to a project, and who was asked to.
type Team struct {
	Members     []monitor.ProjectMember
	Invitations []monitor.Invitation // only for those who may invite
	// OrphanedKeys are API keys whose creator could no longer create them: they left
	// the project or have a lower role. Set only for actors who may revoke keys.
	OrphanedKeys []monitor.APIKey
}

// Team lists who belongs to the actor's project.
func (d *Service) Team(ctx context.Context, a auth.Actor) (t Team, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return t, err
	}
	now := currentTime()
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if t.Members, err = tx.Members(a.Project.Key); err != nil || !a.May(auth.ManagePeople) {
			return err
		}
		if t.Invitations, err = tx.Invitations(a.Project.Key, now); err != nil {
			return err
		}
		keys, err := tx.APIKeys(a.Project.Key)
		t.OrphanedKeys = slices.DeleteFunc(keys, func(k monitor.APIKey) bool {
			maker, _ := t.member(k.CreatedByID)
			return k.CreatedByID == "" || auth.Actor{Role: maker.Role}.May(auth.ManageKeys)
		})
		return err
	})
	return t, err
}

// IsLastOwner reports whether a person is the only owner of the team.
func (t Team) IsLastOwner(person string) bool {
	return !slices.ContainsFunc(t.Members, func(m monitor.ProjectMember) bool { return m.Role == auth.Owner && m.ID != person })
}

// member returns one of the team, by person.
func (t Team) member(person string) (monitor.ProjectMember, bool) {
	at := slices.IndexFunc(t.Members, func(m monitor.ProjectMember) bool { return m.ID == person })
	if at < 0 {
		return monitor.ProjectMember{}, false
	}
	return t.Members[at], true
}

// Invite asks an address into the actor's project. The token is returned here
// and kept nowhere. An invitation that the address had before ends.
func (d *Service) Invite(ctx context.Context, a auth.Actor, email, role string) (i monitor.Invitation, token string, err error) {
	if err := authorize(a, auth.ManagePeople); err != nil {
		return i, "", err
	}
	f := &validator{}
	email, fault := auth.ValidateEmail(email)
	if fault != nil {
		f.add(fault)
	}
	wanted := f.role(a, role)
	if err := f.err(); err != nil {
		return i, "", err
	}
	token = auth.NewInvitationToken()
	now := currentTime()
	err = d.update(ctx, func(tx *store.Tx) (effects, error) {
		sender, err := reauthorize(tx, a, auth.ManagePeople, now)
		if err != nil {
			return effects{}, err
		}
		if f.checkMayAssign(sender, wanted); f.err() != nil {
			return effects{}, f.err()
		}
		if err := d.requireNonMember(tx, a, email); err != nil {
			return effects{}, err
		}
		if err := countInvitation(tx, a, now); err != nil {
			return effects{}, err
		}
		i, err = tx.AddInvitation(monitor.Invitation{
			Project: a.Project.Key, Email: email, Role: wanted, InvitedBy: a.Name, InvitedByID: a.Person, Created: now, ExpiresAt: now.Add(monitor.InvitationLifetime),
		}, auth.HashKey(token))
		if err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{"member.invite", email, wanted.String()})
	})
	if err != nil {
		return i, "", err
	}
	return i, token, nil
}

// maxInvitations is how many invitations a person may send per hour: each may be
// an email to a stranger.
const maxInvitations = 20

// countInvitation counts an invitation, and returns a [auth.ThrottleError] when the person
// sent too many.
func countInvitation(tx *store.Tx, a auth.Actor, now time.Time) error {
	if a.Person == "" {
		return nil
	}
	if _, err := tx.LockPassword(a.Person); err != nil { // one person, several projects
		return err
	}
	wait, err := tx.UseQuota("invitations of "+a.Person, maxInvitations, time.Hour, now)
	if err != nil || wait <= 0 {
		return err
	}
	return auth.NewThrottleError(wait, "email", "You sent %d invitations within the last hour, which is the maximum.", maxInvitations)
}

// role reads a role that the actor may give.
func (f *validator) role(a auth.Actor, name string) monitor.Role {
	role, known := monitor.ParseRole(name)
	if !known {
		f.reject("role", "Choose a role: owner, admin, member or viewer.")
		return role
	}
	f.checkMayAssign(a, role)
	return role
}

// checkMayAssign records a fault if the actor may not give the role.
func (f *validator) checkMayAssign(a auth.Actor, role monitor.Role) {
	if !a.Role.MayGrant(role) {
		f.reject("role", "You cannot give a role above your own: choose a lower one.")
	}
}

// requireNonMember returns a fault when an address belongs to a member already.
func (d *Service) requireNonMember(tx *store.Tx, a auth.Actor, email string) error {
	person, _, found, err := tx.PersonByEmail(email)
	if err != nil || !found {
		return err
	}
	members, err := tx.Members(a.Project.Key)
	if err != nil {
		return err
	}
	if _, in := (Team{Members: members}).member(person.ID); in {
		return monitor.Faultf(monitor.Conflict, "email", "%s belongs to this project already.", person.Name)
	}
	return nil
}

// WithdrawInvitation ends an invitation of the actor's project.
func (d *Service) WithdrawInvitation(ctx context.Context, a auth.Actor, id string) error {
	if err := authorize(a, auth.ManagePeople); err != nil {
		return err
	}
	now := currentTime()
	return d.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.ManagePeople, now); err != nil {
			return effects{}, err
		}
		all, err := tx.Invitations(a.Project.Key, now)
		if err != nil {
			return effects{}, err
		}
		at := slices.IndexFunc(all, func(i monitor.Invitation) bool { return i.ID == id })
		if at < 0 {
			return effects{}, notFound("invitation")
		}
		if _, err := tx.UseInvitation(id); err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{action: "member.withdraw", target: all[at].Email})
	})
}

// ChangeRole makes a member something else. The last owner stays one, and
// nobody changes who is higher than themselves. madeOn are the roles that it may
// replace; any when there are none.
func (d *Service) ChangeRole(ctx context.Context, a auth.Actor, person, role string, madeOn ...string) (m monitor.ProjectMember, err error) {
	if err := authorize(a, auth.ManagePeople); err != nil {
		return m, err
	}
	f := &validator{}
	wanted := f.role(a, role)
	if err := f.err(); err != nil {
		return m, err
	}
	err = d.updateMember(ctx, a, person, func(tx *store.Tx, t Team, found monitor.ProjectMember, now time.Time) error {
		m = found
		if m.Role == wanted {
			return nil
		}
		if err := checkVersion(m.Role.String(), madeOn); err != nil {
			return err
		}
		if err := t.protectLastOwner(m, "The last owner cannot become less: make somebody else an owner first."); err != nil {
			return err
		}
		before := m.Role
		m.Role = wanted
		if err := tx.SetMember(a.Project.Key, person, wanted, now); err != nil {
			return err
		}
		if err := revokeExcessInvitations(tx, a.Project.Key, m, now); err != nil {
			return err
		}
		return writeAudit(tx, a, now, auditEntry{"member.role", m.Name, before.String() + " to " + wanted.String()})
	})
	return m, err
}

// revokeExcessInvitations ends the invitations of a member to roles that they may no longer
// give.
func revokeExcessInvitations(tx *store.Tx, project int64, m monitor.ProjectMember, now time.Time) error {
	all, err := tx.Invitations(project, now)
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.InvitedByID != m.ID || m.Role.MayGrant(i.Role) {
			continue
		}
		if _, err := tx.UseInvitation(i.ID); err != nil {
			return err
		}
	}
	return nil
}

// RemoveMember takes a person out of the actor's project, with the invitations
// that they sent for it. Anybody may leave; the last owner cannot.
func (d *Service) RemoveMember(ctx context.Context, a auth.Actor, person string) (m monitor.ProjectMember, err error) {
	right := auth.ManagePeople
	if a.Person != "" && person == a.Person {
		right = auth.Read
	}
	if err := authorize(a, right); err != nil {
		return m, err
	}
	err = d.updateMember(ctx, a, person, func(tx *store.Tx, t Team, found monitor.ProjectMember, now time.Time) error {
		m = found
		if err := t.protectLastOwner(m, "The last owner cannot leave: make somebody else an owner first, or delete the project."); err != nil {
			return err
		}
		if err := tx.RemoveMember(a.Project.Key, person); err != nil {
			return err
		}
		if err := tx.DeleteInvitationsBy(a.Project.Key, person); err != nil {
			return err
		}
		return writeAudit(tx, a, now, auditEntry{"member.remove", m.Name, m.Role.String()})
	})
	return m, err
}

// protectLastOwner returns a fault when the member is the last owner.
func (t Team) protectLastOwner(m monitor.ProjectMember, text string) error {
	if m.Role == auth.Owner && t.IsLastOwner(m.ID) {
		return monitor.Faultf(monitor.Conflict, "", "%s", text)
	}
	return nil
}

// updateMember runs a change of one member, while nobody else changes the team. The
// actor's role is read again then: two who change each other must not both win.
func (d *Service) updateMember(ctx context.Context, a auth.Actor, person string, fn func(*store.Tx, Team, monitor.ProjectMember, time.Time) error) error {
	now := currentTime()
	return d.update(ctx, func(tx *store.Tx) (effects, error) {
		// Anybody may leave; the role decides about others below.
		me, err := reauthorize(tx, a, auth.Read, now)
		if err != nil {
			return effects{}, err
		}
		members, err := tx.Members(a.Project.Key)
		if err != nil {
			return effects{}, err
		}
		team := Team{Members: members}
		m, found := team.member(person)
		if !found {
			return effects{}, notFound("member")
		}
		if person != a.Person && !me.Role.MayGrant(m.Role) {
			return effects{}, monitor.Faultf(monitor.Forbidden, "", "You cannot change somebody whose role is higher than yours.")
		}
		return effects{}, fn(tx, team, m, now)
	})
}
