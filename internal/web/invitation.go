package web

import (
	"errors"
	"net/http"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// invitationPage is the page behind an invitation's link, and whether it can be
// taken up.
func (v *visit) invitationPage(token string) (view.InvitationPage, bool, error) {
	i, found, err := v.site.People.Invitation(v.ctx(), token, v.now)
	if err != nil || !found {
		return view.InvitationPage{Gate: v.gate(), Gone: true}, false, err
	}
	return view.InvitationPage{
		Gate: v.gate(), Token: token, Email: i.Email, Project: i.Into.Name, Role: i.Role.String(), InvitedBy: i.By, Known: i.Known,
	}, true, nil
}

// showInvitation shows it. Looking does not use it up: mail programs look too.
func showInvitation(v *visit) error {
	p, there, err := v.invitationPage(v.r.PathValue("token"))
	if err != nil {
		return err
	}
	if !there {
		return v.showStatus(http.StatusGone, view.Invitation(p))
	}
	return v.show(view.Invitation(p))
}

// join takes the invitation up.
func join(v *visit) error {
	token := v.r.PathValue("token")
	err := v.site.People.Join(v.ctx(), token, v.text("name"), v.text("password"), v.entry(), v.now)
	if err == nil {
		return v.welcome(view.HeartbeatsPath)
	}
	fault, theirs := errors.AsType[*monitor.Fault](err)
	wrong, form := wrongs(err)
	if !form && !(theirs && fault.Kind == monitor.Missing) {
		return err
	}
	p, there, err2 := v.invitationPage(token)
	if err2 != nil {
		return err2
	}
	if !there {
		return v.showStatus(http.StatusGone, view.Invitation(p))
	}
	p.Name = view.Input{Value: v.text("name"), Error: wrong["name"]}
	p.Password.Error = wrong["password"]
	status := refused
	if rest, tooMany := errors.AsType[*auth.Rest](err); tooMany {
		status = v.rest(rest.Wait)
	}
	return v.showStatus(status, view.Invitation(p))
}
