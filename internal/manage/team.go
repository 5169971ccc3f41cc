package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Team is the members of a project and its invitations.
type Team struct {
	Members     []monitor.ProjectMember
	Invitations []monitor.Invitation // only for actors who may invite
	// OrphanedKeys are API keys whose creator could no longer create them: they left the
	// project or have a lower role. Set only for actors who may revoke keys.
	OrphanedKeys []monitor.APIKey
}

// Team lists the members of the actor's project.
func (svc *Service) Team(ctx context.Context, a auth.Actor) (t Team, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return t, err
	}
	now := svc.currentTime()
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
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

// member returns a member by person.
func (t Team) member(person string) (monitor.ProjectMember, bool) {
	at := slices.IndexFunc(t.Members, func(m monitor.ProjectMember) bool { return m.ID == person })
	if at < 0 {
		return monitor.ProjectMember{}, false
	}
	return t.Members[at], true
}

// Invite invites an email address into the actor's project. Only this result contains the
// token; it is not stored. An earlier invitation of the address ends.
func (svc *Service) Invite(ctx context.Context, a auth.Actor, email, role string) (i monitor.Invitation, token string, err error) {
	if err := authorize(a, auth.ManagePeople); err != nil {
		return i, "", err
	}
	v := &validator{}
	email, fault := auth.ValidateEmail(email)
	if fault != nil {
		v.add(fault)
	}
	wanted := v.role(a, role)
	if err := v.err(); err != nil {
		return i, "", err
	}
	token = auth.NewInvitationToken()
	now := svc.currentTime()
	err = svc.update(ctx, func(tx *store.Tx) (effects, error) {
		sender, err := reauthorize(tx, a, auth.ManagePeople, now)
		if err != nil {
			return effects{}, err
		}
		if v.checkMayAssign(sender, wanted); v.err() != nil {
			return effects{}, v.err()
		}
		if err := svc.requireNonMember(tx, a, email); err != nil {
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

// maxInvitations is the maximum number of invitations that a person can send per hour: each
// may send an email to an unknown person.
const maxInvitations = 20

// countInvitation counts an invitation, and returns a throttle error if the person has sent
// too many.
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
	return auth.NewThrottleError(wait, "email", "You sent %d invitations within the last hour, the maximum. Try again later.", maxInvitations)
}

// role parses a role that the actor may grant.
func (v *validator) role(a auth.Actor, name string) monitor.Role {
	role, known := monitor.ParseRole(name)
	if !known {
		v.reject("role", "There is no such role: use owner, admin, member or viewer.")
		return role
	}
	v.checkMayAssign(a, role)
	return role
}

// checkMayAssign adds a fault if the actor cannot grant the role.
func (v *validator) checkMayAssign(a auth.Actor, role monitor.Role) {
	if !a.Role.MayGrant(role) {
		v.reject("role", "You cannot grant a role above your own: choose a lower one.")
	}
}

// requireNonMember returns a fault if an address already belongs to a member.
func (svc *Service) requireNonMember(tx *store.Tx, a auth.Actor, email string) error {
	person, _, found, err := tx.PersonByEmail(email)
	if err != nil || !found {
		return err
	}
	members, err := tx.Members(a.Project.Key)
	if err != nil {
		return err
	}
	if _, in := (Team{Members: members}).member(person.ID); in {
		return monitor.Faultf(monitor.Conflict, "email", "%s is already a member of this project.", person.Name)
	}
	return nil
}

// WithdrawInvitation ends an invitation of the actor's project.
func (svc *Service) WithdrawInvitation(ctx context.Context, a auth.Actor, id string) error {
	if err := authorize(a, auth.ManagePeople); err != nil {
		return err
	}
	now := svc.currentTime()
	return svc.update(ctx, func(tx *store.Tx) (effects, error) {
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

// ChangeRole changes the role of a member. The last owner stays an owner, and no one
// changes a higher role than their own. ifRole lists the roles that the change may replace;
// empty: any.
func (svc *Service) ChangeRole(ctx context.Context, a auth.Actor, person, role string, madeOn ...string) (m monitor.ProjectMember, err error) {
	if err := authorize(a, auth.ManagePeople); err != nil {
		return m, err
	}
	v := &validator{}
	wanted := v.role(a, role)
	if err := v.err(); err != nil {
		return m, err
	}
	err = svc.updateMember(ctx, a, person, func(tx *store.Tx, t Team, found monitor.ProjectMember, now time.Time) error {
		m = found
		if m.Role == wanted {
			return nil
		}
		if err := checkVersion(m.Role.String(), madeOn); err != nil {
			return err
		}
		if err := t.protectLastOwner(m, "The last owner must keep this role: make another member an owner first."); err != nil {
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

// revokeExcessInvitations ends the invitations of a member to roles that they can no longer
// grant.
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

// RemoveMember removes a person from the actor's project, with the invitations that they
// sent for it. Every member except the last owner may leave.
func (svc *Service) RemoveMember(ctx context.Context, a auth.Actor, person string) (m monitor.ProjectMember, err error) {
	right := auth.ManagePeople
	if a.Person != "" && person == a.Person {
		right = auth.Read
	}
	if err := authorize(a, right); err != nil {
		return m, err
	}
	err = svc.updateMember(ctx, a, person, func(tx *store.Tx, t Team, found monitor.ProjectMember, now time.Time) error {
		m = found
		if err := t.protectLastOwner(m, "The last owner cannot leave: make another member an owner first, or delete the project."); err != nil {
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

// protectLastOwner returns a fault if the member is the last owner.
func (t Team) protectLastOwner(m monitor.ProjectMember, text string) error {
	if m.Role == auth.Owner && t.IsLastOwner(m.ID) {
		return monitor.Faultf(monitor.Conflict, "", "%s", text)
	}
	return nil
}

// updateMember runs a change of a member while the team is locked. It reads the role of the
// actor again: of two owners who change each other at the same time, one must fail.
func (svc *Service) updateMember(ctx context.Context, a auth.Actor, person string, fn func(*store.Tx, Team, monitor.ProjectMember, time.Time) error) error {
	now := svc.currentTime()
	return svc.update(ctx, func(tx *store.Tx) (effects, error) {
		// Every member may leave; the role for other changes is checked below.
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
			return effects{}, monitor.Faultf(monitor.Forbidden, "", "You cannot change a member with a higher role than yours: ask an owner.")
		}
		return effects{}, fn(tx, team, m, now)
	})
}
