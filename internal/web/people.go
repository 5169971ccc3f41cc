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
		{pattern: "GET /team", needs: auth.Read, handle: showTeam},
		{pattern: "POST /team/invitations", needs: auth.ManagePeople, handle: invite},
		{pattern: "POST /team/invitations/{id}/withdraw", needs: auth.ManagePeople, handle: withdraw},
		{pattern: "POST /team/{id}/role", needs: auth.ManagePeople, handle: changeRole},
		// Anybody may leave; the desk decides about others.
		{pattern: "POST /team/{id}/remove", needs: auth.Read, handle: removeMember},
	}
}

// teamPage is who belongs to the project.
func (v *visit) teamPage() (view.TeamPage, error) {
	team, err := v.site.Desk.Team(v.ctx(), v.actor)
	if err != nil {
		return view.TeamPage{}, err
	}
	p := view.TeamPage{Shell: v.shell(""), Role: auth.Member.String(), Mails: v.site.Mail != nil}
	for _, m := range team.Members {
		last := m.Role == auth.Owner && team.LastOwner(m.ID)
		p.Members = append(p.Members, view.Member{
			ID: m.ID, Name: m.Name, Email: m.Email, Role: m.Role.String(), LastSeen: m.Seen,
			You: m.ID == v.who.ID, Fixed: last || !v.actor.Role.MayGive(m.Role),
		})
	}
	for _, i := range team.Invitations {
		p.Invitations = append(p.Invitations, view.SentInvitation{
			ID: i.ID, Email: i.Email, Role: i.Role.String(), By: i.By, Sent: i.Created, Ends: i.Ends,
		})
	}
	for _, k := range team.LeftKeys {
		p.LeftKeys = append(p.LeftKeys, shownKey(k))
	}
	return p, nil
}

// showTeam shows it.
func showTeam(v *visit) error {
	p, err := v.teamPage()
	if err != nil {
		return err
	}
	return v.show(view.Team(p))
}

// invite asks somebody into the project. The link is shown in the answer itself
// and nowhere else: kept for a next page it would lie in the database.
func invite(v *visit) error {
	i, token, err := v.site.Desk.Invite(v.ctx(), v.actor, v.text("email"), v.text("role"))
	wrong, form := wrongs(err)
	if err != nil && !form {
		return err
	}
	link, mailed := "", true
	if !form {
		link = v.site.Base + view.InvitationPath(token)
		mailed = v.mailInvitation(i, link)
	}
	p, err2 := v.teamPage()
	if err2 != nil {
		return err2
	}
	if form {
		p.Email, p.Role = view.Input{Value: v.text("email"), Error: wrong["email"]}, v.text("role")
		if p.Email.Error == "" {
			p.Email.Error = wrong["role"]
		}
		status := refused
		if rest, tooMany := errors.AsType[*auth.Rest](err); tooMany {
			status = v.rest(rest.Wait)
		}
		return v.showStatus(status, view.Team(p))
	}
	p.Link, p.Mails = link, p.Mails && mailed
	return v.show(view.Team(p))
}

// longestMail bounds how long somebody waits for the mail server.
const longestMail = 15 * time.Second

// mailInvitation sends the link. It reports false when it could not: then the
// page asks to hand it over, and the log says why.
func (v *visit) mailInvitation(i monitor.Invitation, link string) bool {
	if v.site.Mail == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(v.ctx(), longestMail)
	defer cancel()
	project, sender := withoutLinks(v.actor.Project.Name), withoutLinks(i.By)
	text := fmt.Sprintf(`%s invites you to the project “%s” on Overdue, as %s.

%s

The link works once, until %s. If you do not know what this is about, ignore it.
`, sender, project, i.Role, link, v.clock.ShortStamp(i.Ends)+" "+v.clock.ZoneName())
	if err := v.site.Mail(ctx, i.Email, "Invitation to “"+project+"” on Overdue", text); err != nil {
		v.site.Log.Warn("invitation not mailed", "error", err)
		return false
	}
	return true
}

// links finds what a mail program makes a link of.
var links = regexp.MustCompile(`\S*://\S*`)

// withoutLinks returns a name without links, for emails to strangers: the only link
// in them must be ours.
func withoutLinks(name string) string { return links.ReplaceAllLiteralString(name, "(link removed)") }

// withdraw ends an invitation.
func withdraw(v *visit) error {
	if err := v.site.Desk.Withdraw(v.ctx(), v.actor, v.r.PathValue("id")); err != nil {
		return err
	}
	v.toast("Invitation withdrawn.", "")
	return v.redirect(view.TeamPath)
}

// changeRole makes a member something else.
func changeRole(v *visit) error {
	m, err := v.site.Desk.ChangeRole(v.ctx(), v.actor, v.r.PathValue("id"), v.text("role"), v.text(view.VersionField))
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
func (v *visit) staleRole(m monitor.ProjectMember) error {
	by, err := v.site.Desk.LastChange(v.ctx(), v.actor, "member.role", m.Name)
	if err != nil {
		return err
	}
	return v.conflict(edited{
		title: "The role of " + m.Name, action: view.MemberPath(m.ID) + "/role", back: view.TeamPath, version: m.Role.String(), by: by,
		fields: []view.Choice{{Value: "role", Label: "Role"}}, theirs: url.Values{"role": {m.Role.String()}}, yours: url.Values{"role": {v.text("role")}},
	})
}

// removeMember takes somebody out of the project, or lets them leave.
func removeMember(v *visit) error {
	id := v.r.PathValue("id")
	m, err := v.site.Desk.RemoveMember(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	if id == v.who.ID {
		v.toast("You left "+v.actor.Project.Name+".", "")
		return v.redirect(view.AccountPath)
	}
	v.toast(m.Name+" was removed.", "")
	return v.redirect(view.TeamPath)
}
