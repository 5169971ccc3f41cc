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
func (v *request) invitationPage(token string) (view.InvitationPage, bool, error) {
	i, found, err := v.site.People.Invitation(v.ctx(), token, v.now)
	if err != nil || !found {
		return view.InvitationPage{SignedOutShell: v.gate(), Expired: true}, false, err
	}
	return view.InvitationPage{
		SignedOutShell: v.gate(), Token: token, Email: i.Email, Project: i.Target.Name, Role: i.Role.String(), InvitedBy: i.InvitedBy, HasAccount: i.HasAccount,
	}, true, nil
}

// showInvitation shows it. Looking does not use it up: mail programs look too.
func showInvitation(v *request) error {
	p, there, err := v.invitationPage(v.r.PathValue("token"))
	if err != nil {
		return err
	}
	if !there {
		return v.renderStatus(http.StatusGone, view.Invitation(p))
	}
	return v.render(view.Invitation(p))
}

// acceptInvitation takes the invitation up.
func acceptInvitation(v *request) error {
	token := v.r.PathValue("token")
	err := v.site.People.AcceptInvitation(v.ctx(), token, v.formValue("name"), v.formValue("password"), v.signInSource(), v.now)
	if err == nil {
		return v.redirectSignedIn(view.HeartbeatsPath)
	}
	fault, theirs := errors.AsType[*monitor.Fault](err)
	wrong, form := fieldErrors(err)
	if !form && !(theirs && fault.Kind == monitor.NotFound) {
		return err
	}
	p, there, err2 := v.invitationPage(token)
	if err2 != nil {
		return err2
	}
	if !there {
		return v.renderStatus(http.StatusGone, view.Invitation(p))
	}
	p.Name = view.Input{Value: v.formValue("name"), Error: wrong["name"]}
	p.Password.Error = wrong["password"]
	status := statusInvalid
	if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
		status = v.setRetryAfter(rest.Wait)
	}
	return v.renderStatus(status, view.Invitation(p))
}
