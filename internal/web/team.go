package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/present"
	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// invitationPage is the page behind an invitation's link, and whether it can be
// taken up.
func (req *request) invitationPage(token string) (accountview.InvitationPage, bool, error) {
	i, found, err := req.site.People.Invitation(req.ctx(), token, req.now)
	if err != nil || !found {
		return accountview.InvitationPage{SignedOutShell: req.signedOutShell(), Expired: true}, false, err
	}
	return accountview.InvitationPage{
		SignedOutShell: req.signedOutShell(), Token: token, Email: i.Email, Project: i.Target.Name, Role: i.Role.String(), InvitedBy: i.InvitedBy, HasAccount: i.HasAccount,
	}, true, nil
}

// showInvitation shows it. Looking does not use it up: mail programs look too.
func showInvitation(req *request) error {
	p, there, err := req.invitationPage(req.r.PathValue("token"))
	if err != nil {
		return err
	}
	if !there {
		return req.renderStatus(http.StatusGone, accountview.Invitation(p))
	}
	return req.render(accountview.Invitation(p))
}

// acceptInvitation takes the invitation up.
func acceptInvitation(req *request) error {
	token := req.r.PathValue("token")
	err := req.site.People.AcceptInvitation(req.ctx(), token, req.formValue("name"), req.formValue("password"), req.clientInfo(), req.now)
	if err == nil {
		return req.redirectSignedIn(paths.Heartbeats)
	}
	fault, theirs := errors.AsType[*monitor.Fault](err)
	wrong, form := fieldErrors(err)
	if !form && !(theirs && fault.Kind == monitor.NotFound) {
		return err
	}
	p, there, err2 := req.invitationPage(token)
	if err2 != nil {
		return err2
	}
	if !there {
		return req.renderStatus(http.StatusGone, accountview.Invitation(p))
	}
	p.Name = ui.Input{Value: req.formValue("name"), Error: wrong["name"]}
	p.Password.Error = wrong["password"]
	status := statusInvalid
	if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
		status = req.setRetryAfter(rest.Wait)
	}
	return req.renderStatus(status, accountview.Invitation(p))
}

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
func (req *request) teamPage() (accountview.TeamPage, error) {
	team, err := req.site.Service.Team(req.ctx(), req.actor)
	if err != nil {
		return accountview.TeamPage{}, err
	}
	p := accountview.TeamPage{Shell: req.shell(""), Role: auth.Member.String(), SendsMail: req.site.SendMail != nil}
	for _, m := range team.Members {
		last := m.Role == auth.Owner && team.IsLastOwner(m.ID)
		p.Members = append(p.Members, accountview.Member{
			ID: m.ID, Name: m.Name, Email: m.Email, Role: m.Role.String(), LastSeen: m.LastSeen,
			You: m.ID == req.person.ID, RoleFixed: last || !req.actor.Role.MayGrant(m.Role),
		})
	}
	for _, i := range team.Invitations {
		p.Invitations = append(p.Invitations, accountview.SentInvitation{
			ID: i.ID, Email: i.Email, Role: i.Role.String(), SentBy: i.InvitedBy, Sent: i.Created, Expires: i.ExpiresAt,
		})
	}
	for _, k := range team.OrphanedKeys {
		p.OrphanedKeys = append(p.OrphanedKeys, present.APIKey(k))
	}
	return p, nil
}

// showTeam shows it.
func showTeam(req *request) error {
	p, err := req.teamPage()
	if err != nil {
		return err
	}
	return req.render(accountview.Team(p))
}

// invite asks somebody into the project. The link is shown in the answer itself
// and nowhere else: kept for a next page it would lie in the database.
func invite(req *request) error {
	i, token, err := req.site.Service.Invite(req.ctx(), req.actor, req.formValue("email"), req.formValue("role"))
	wrong, form := fieldErrors(err)
	if err != nil && !form {
		return err
	}
	link, mailed := "", true
	if !form {
		link = req.site.BaseURL + paths.Invitation(token)
		mailed = req.mailInvitation(i, link)
	}
	p, err2 := req.teamPage()
	if err2 != nil {
		return err2
	}
	if form {
		p.Email, p.Role = ui.Input{Value: req.formValue("email"), Error: wrong["email"]}, req.formValue("role")
		if p.Email.Error == "" {
			p.Email.Error = wrong["role"]
		}
		status := statusInvalid
		if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
			status = req.setRetryAfter(rest.Wait)
		}
		return req.renderStatus(status, accountview.Team(p))
	}
	p.InvitationLink, p.SendsMail = link, p.SendsMail && mailed
	return req.render(accountview.Team(p))
}

// mailTimeout bounds how long somebody waits for the mail server.
const mailTimeout = 15 * time.Second

// mailInvitation sends the link. It reports false when it could not: then the
// page asks to hand it over, and the log says why.
func (req *request) mailInvitation(i monitor.Invitation, link string) bool {
	if req.site.SendMail == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(req.ctx(), mailTimeout)
	defer cancel()
	project, sender := removeLinks(req.actor.Project.Name), removeLinks(i.InvitedBy)
	text := fmt.Sprintf(`%s invites you to the project “%s” on Overdue, as %s.

%s

The link works once, until %s. If you do not know what this is about, ignore it.
`, sender, project, i.Role, link, req.clock.ShortDateTime(i.ExpiresAt)+" "+req.clock.ZoneName())
	if err := req.site.SendMail(ctx, i.Email, "Invitation to “"+project+"” on Overdue", text); err != nil {
		req.site.Logger.Warn("invitation not mailed", "error", err)
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
func withdrawInvitation(req *request) error {
	if err := req.site.Service.WithdrawInvitation(req.ctx(), req.actor, req.r.PathValue("id")); err != nil {
		return err
	}
	req.toast("Invitation withdrawn.", "")
	return req.redirect(paths.Team)
}

// changeRole makes a member something else.
func changeRole(req *request) error {
	m, err := req.site.Service.ChangeRole(req.ctx(), req.actor, req.r.PathValue("id"), req.formValue("role"), req.formValue(ui.VersionField))
	if isStale(err) {
		return req.staleRole(m)
	}
	if err != nil {
		return err
	}
	req.toast(fmt.Sprintf("%s is %s now.", m.Name, m.Role), "")
	return req.redirect(paths.Team)
}

// staleRole answers a change of a role that was changed in the meantime.
func (req *request) staleRole(m monitor.ProjectMember) error {
	by, err := req.site.Service.LastChange(req.ctx(), req.actor, "member.role", m.Name)
	if err != nil {
		return err
	}
	return req.renderConflict(editConflict{
		title: "The role of " + m.Name, formPath: paths.TeamMember(m.ID) + "/role", backPath: paths.Team, version: m.Role.String(), lastChange: by,
		fields: []ui.Option{{Value: "role", Label: "Role"}}, saved: url.Values{"role": {m.Role.String()}}, submitted: url.Values{"role": {req.formValue("role")}},
	})
}

// removeMember takes somebody out of the project, or lets them leave.
func removeMember(req *request) error {
	id := req.r.PathValue("id")
	m, err := req.site.Service.RemoveMember(req.ctx(), req.actor, id)
	if err != nil {
		return err
	}
	if id == req.person.ID {
		req.toast("You left "+req.actor.Project.Name+".", "")
		return req.redirect(paths.Account)
	}
	req.toast(m.Name+" was removed.", "")
	return req.redirect(paths.Team)
}
