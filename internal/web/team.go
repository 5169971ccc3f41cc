package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// peopleRoutes are the pages about who belongs to a project.
func (s *Site) peopleRoutes() []route {
	return []route{
		{pattern: "GET /team", right: auth.Read, handle: showTeam},
		{pattern: "POST /team/invitations", right: auth.ManagePeople, handle: invite},
		{pattern: "POST /team/invitations/{id}/withdraw", right: auth.ManagePeople, handle: withdrawInvitation},
		{pattern: "POST /team/{id}/role", right: auth.ManagePeople, handle: changeRole},
		// Anybody may leave; the desk decides about others.
		{pattern: "POST /team/{id}/remove", right: auth.Read, handle: removeMember},
	}
}

// teamPage is who belongs to the project.
func (v *request) teamPage() (view.TeamPage, error) {
	team, err := v.site.Service.Team(v.ctx(), v.actor)
	if err != nil {
		return view.TeamPage{}, err
	}
	p := view.TeamPage{Shell: v.shell(""), Role: auth.Member.String(), SendsMail: v.site.SendMail != nil}
	for _, m := range team.Members {
		last := m.Role == auth.Owner && team.IsLastOwner(m.ID)
		p.Members = append(p.Members, view.Member{
			ID: m.ID, Name: m.Name, Email: m.Email, Role: m.Role.String(), LastSeen: m.LastSeen,
			You: m.ID == v.person.ID, RoleFixed: last || !v.actor.Role.MayGrant(m.Role),
		})
	}
	for _, i := range team.Invitations {
		p.Invitations = append(p.Invitations, view.SentInvitation{
			ID: i.ID, Email: i.Email, Role: i.Role.String(), SentBy: i.InvitedBy, Sent: i.Created, Expires: i.ExpiresAt,
		})
	}
	for _, k := range team.OrphanedKeys {
		p.OrphanedKeys = append(p.OrphanedKeys, APIKey(k))
	}
	return p, nil
}

// showTeam shows it.
func showTeam(v *request) error {
	p, err := v.teamPage()
	if err != nil {
		return err
	}
	return v.render(view.Team(p))
}

// invite asks somebody into the project. The link is shown in the answer itself
// and nowhere else: kept for a next page it would lie in the database.
func invite(v *request) error {
	i, token, err := v.site.Service.Invite(v.ctx(), v.actor, v.formValue("email"), v.formValue("role"))
	wrong, form := fieldErrors(err)
	if err != nil && !form {
		return err
	}
	link, mailed := "", true
	if !form {
		link = v.site.BaseURL + view.InvitationPath(token)
		mailed = v.mailInvitation(i, link)
	}
	p, err2 := v.teamPage()
	if err2 != nil {
		return err2
	}
	if form {
		p.Email, p.Role = view.Input{Value: v.formValue("email"), Error: wrong["email"]}, v.formValue("role")
		if p.Email.Error == "" {
			p.Email.Error = wrong["role"]
		}
		status := statusInvalid
		if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
			status = v.setRetryAfter(rest.Wait)
		}
		return v.renderStatus(status, view.Team(p))
	}
	p.InvitationLink, p.SendsMail = link, p.SendsMail && mailed
	return v.render(view.Team(p))
}

// mailTimeout bounds how long somebody waits for the mail server.
const mailTimeout = 15 * time.Second

// mailInvitation sends the link. It reports false when it could not: then the
// page asks to hand it over, and the log says why.
func (v *request) mailInvitation(i monitor.Invitation, link string) bool {
	if v.site.SendMail == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(v.ctx(), mailTimeout)
	defer cancel()
	project, sender := removeLinks(v.actor.Project.Name), removeLinks(i.InvitedBy)
	text := fmt.Sprintf(`%s invites you to the project “%s” on Overdue, as %s.

%s

The link works once, until %s. If you do not know what this is about, ignore it.
`, sender, project, i.Role, link, v.clock.ShortDateTime(i.ExpiresAt)+" "+v.clock.ZoneName())
	if err := v.site.SendMail(ctx, i.Email, "Invitation to “"+project+"” on Overdue", text); err != nil {
		v.site.Logger.Warn("invitation not mailed", "error", err)
		return false
	}
	return true
}

// linkPattern finds what a mail program makes a link of.
var linkPattern = regexp.MustCompile(`\S*://\S*`)

// removeLinks returns a name without links, for emails to strangers: the only link
// in them must be ours.
func removeLinks(name string) string {
	return linkPattern.ReplaceAllLiteralString(name, "(link removed)")
}

// withdrawInvitation ends an invitation.
func withdrawInvitation(v *request) error {
	if err := v.site.Service.WithdrawInvitation(v.ctx(), v.actor, v.r.PathValue("id")); err != nil {
		return err
	}
	v.toast("Invitation withdrawn.", "")
	return v.redirect(view.TeamPath)
}

// changeRole makes a member something else.
func changeRole(v *request) error {
	m, err := v.site.Service.ChangeRole(v.ctx(), v.actor, v.r.PathValue("id"), v.formValue("role"), v.formValue(view.VersionField))
	if isStale(err) {
		return v.staleRole(m)
	}
	if err != nil {
		return err
	}
	v.toast(fmt.Sprintf("%s is %s now.", m.Name, m.Role), "")
	return v.redirect(view.TeamPath)
}

// staleRole answers a change of a role that was changed in the meantime.
func (v *request) staleRole(m monitor.ProjectMember) error {
	by, err := v.site.Service.LastChange(v.ctx(), v.actor, "member.role", m.Name)
	if err != nil {
		return err
	}
	return v.renderConflict(staleForm{
		title: "The role of " + m.Name, formPath: view.MemberPath(m.ID) + "/role", backPath: view.TeamPath, version: m.Role.String(), lastChange: by,
		fields: []view.Option{{Value: "role", Label: "Role"}}, saved: url.Values{"role": {m.Role.String()}}, submitted: url.Values{"role": {v.formValue("role")}},
	})
}

// removeMember takes somebody out of the project, or lets them leave.
func removeMember(v *request) error {
	id := v.r.PathValue("id")
	m, err := v.site.Service.RemoveMember(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	if id == v.person.ID {
		v.toast("You left "+v.actor.Project.Name+".", "")
		return v.redirect(view.AccountPath)
	}
	v.toast(m.Name+" was removed.", "")
	return v.redirect(view.TeamPath)
}
