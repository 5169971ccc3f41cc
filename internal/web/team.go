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

// peopleRoutes returns the routes of the team page.
func (s *Site) peopleRoutes() []route {
	return []route{
		{pattern: "GET /team", right: auth.Read, handle: showTeam},
		{pattern: "POST /team/invitations", right: auth.ManagePeople, handle: invite},
		{pattern: "POST /team/invitations/{id}/withdraw", right: auth.ManagePeople, handle: withdrawInvitation},
		{pattern: "POST /team/{id}/role", right: auth.ManagePeople, handle: changeRole},
		// Every member may leave; the service checks the right to remove others.
		{pattern: "POST /team/{id}/remove", right: auth.Read, handle: removeMember},
	}
}

// teamPage returns the page with members and invitations.
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

// showTeam shows members and invitations.
func showTeam(req *request) error {
	p, err := req.teamPage()
	if err != nil {
		return err
	}
	return req.render(accountview.Team(p))
}

// invite invites a person to the project. Only this response contains the link: a
// redirect would need to store it in the database.
func invite(req *request) error {
	i, token, err := req.site.Service.Invite(req.ctx(), req.actor, req.formValue("email"), req.formValue("role"))
	fieldErrs, invalid := fieldErrors(err)
	if err != nil && !invalid {
		return err
	}
	link, mailed := "", true
	if !invalid {
		link = req.site.BaseURL + paths.Invitation(token)
		mailed = req.mailInvitation(i, link)
	}
	p, err2 := req.teamPage()
	if err2 != nil {
		return err2
	}
	if invalid {
		p.Email, p.Role = ui.Input{Value: req.formValue("email"), Error: fieldErrs["email"]}, req.formValue("role")
		if p.Email.Error == "" {
			p.Email.Error = fieldErrs["role"]
		}
		status := statusInvalid
		if throttled, isThrottled := errors.AsType[*auth.ThrottleError](err); isThrottled {
			status = req.setRetryAfter(throttled.Wait)
		}
		return req.renderStatus(status, accountview.Team(p))
	}
	p.InvitationLink, p.SendsMail = link, p.SendsMail && mailed
	return req.render(accountview.Team(p))
}

// invitationPage returns the page of an invitation link, and whether the invitation
// is valid.
func (req *request) invitationPage(token string) (accountview.InvitationPage, bool, error) {
	i, found, err := req.site.People.Invitation(req.ctx(), token, req.now)
	if err != nil || !found {
		return accountview.InvitationPage{SignedOutShell: req.signedOutShell(), Expired: true}, false, err
	}
	return accountview.InvitationPage{
		SignedOutShell: req.signedOutShell(), Token: token, Email: i.Email, Project: i.Target.Name, Role: i.Role.String(), InvitedBy: i.InvitedBy, HasAccount: i.HasAccount,
	}, true, nil
}

// showInvitation shows an invitation. Opening the page does not use up the link,
// because mail programs open links too.
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

// acceptInvitation adds the person to the project, and creates their account if
// needed.
func acceptInvitation(req *request) error {
	token := req.r.PathValue("token")
	err := req.site.People.AcceptInvitation(req.ctx(), token, req.formValue("name"), req.formValue("password"), req.clientInfo(), req.now)
	if err == nil {
		return req.redirectSignedIn(paths.Heartbeats)
	}
	fault, theirs := errors.AsType[*monitor.Fault](err)
	fieldErrs, invalid := fieldErrors(err)
	if !invalid && !(theirs && fault.Kind == monitor.NotFound) {
		return err
	}
	p, there, err2 := req.invitationPage(token)
	if err2 != nil {
		return err2
	}
	if !there {
		return req.renderStatus(http.StatusGone, accountview.Invitation(p))
	}
	p.Name = ui.Input{Value: req.formValue("name"), Error: fieldErrs["name"]}
	p.Password.Error = fieldErrs["password"]
	status := statusInvalid
	if throttled, isThrottled := errors.AsType[*auth.ThrottleError](err); isThrottled {
		status = req.setRetryAfter(throttled.Wait)
	}
	return req.renderStatus(status, accountview.Invitation(p))
}

// mailTimeout is the maximum time for sending an email.
const mailTimeout = 15 * time.Second

// mailInvitation sends the link by email. It returns false if that failed: the page
// then asks to pass the link on.
func (req *request) mailInvitation(i monitor.Invitation, link string) bool {
	if req.site.SendMail == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(req.ctx(), mailTimeout)
	defer cancel()
	project, sender := removeLinks(req.actor.Project.Name), removeLinks(i.InvitedBy)
	text := fmt.Sprintf(`%s invites you to the project “%s” on Overdue, as %s.

%s

The link works once and expires at %s. If you did not expect this invitation, ignore this email.
`, sender, project, i.Role, link, req.clock.ShortDateTime(i.ExpiresAt)+" "+req.clock.ZoneName())
	if err := req.site.SendMail(ctx, i.Email, "Invitation to “"+project+"” on Overdue", text); err != nil {
		req.site.Logger.Warn("invitation not mailed", "component", "web", "error", err)
		return false
	}
	return true
}

// linkPattern matches text that mail programs turn into a link.
var linkPattern = regexp.MustCompile(`\S*://\S*`)

// removeLinks removes links from a name, so that an email to an unknown person has
// no link except ours.
func removeLinks(name string) string {
	return linkPattern.ReplaceAllLiteralString(name, "(link removed)")
}

// withdrawInvitation withdraws an invitation.
func withdrawInvitation(req *request) error {
	if err := req.site.Service.WithdrawInvitation(req.ctx(), req.actor, req.r.PathValue("id")); err != nil {
		return err
	}
	req.toast("Invitation withdrawn.", "")
	return req.redirect(paths.Team)
}

// changeRole changes the role of a member.
func changeRole(req *request) error {
	m, err := req.site.Service.ChangeRole(req.ctx(), req.actor, req.r.PathValue("id"), req.formValue("role"), req.formValue(ui.VersionField))
	if isStale(err) {
		return req.staleRole(m)
	}
	if err != nil {
		return err
	}
	req.toast(fmt.Sprintf("%s is now %s.", m.Name, m.Role), "")
	return req.redirect(paths.Team)
}

// staleRole responds to a role change that conflicts with a change by another person.
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

// removeMember removes a member, or lets the person leave.
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
