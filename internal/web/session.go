package web

import (
	"errors"
	"net/http"

	"overdue/internal/auth"
	"overdue/internal/web/view"
)

// endSession signs out one browser of the person, which may be this one.
func endSession(v *request) error {
	id := v.r.PathValue("id")
	if id == v.person.Session {
		return signOut(v)
	}
	err := v.site.People.EndSession(v.ctx(), v.person, id, v.formValue("password"), v.now)
	if wrong, form := fieldErrors(err); form {
		return v.renderPasswordPrompt(err, view.SessionPath(id)+"/end", "Sign out this browser?", wrong["password"])
	}
	if err != nil {
		return err
	}
	v.toast("That browser is signed out.", "")
	return v.redirect(view.AccountPath)
}

// endOtherSessions signs all browsers but this one out.
func endOtherSessions(v *request) error {
	err := v.site.People.EndOtherSessions(v.ctx(), v.person, v.formValue("password"), v.now)
	if wrong, form := fieldErrors(err); form {
		return v.renderPasswordPrompt(err, view.SessionsPath+"/others", "Sign out everywhere else?", wrong["password"])
	}
	if err != nil {
		return err
	}
	v.toast("Every other browser is signed out.", "")
	return v.redirect(view.AccountPath)
}

// renderPasswordPrompt shows the password page for an action that failed with err.
func (v *request) renderPasswordPrompt(err error, action, title, wrong string) error {
	p := view.ConfirmPasswordPage{Shell: v.shell(""), Title: title, Action: action, CancelPath: view.AccountPath}
	status := http.StatusOK // not yet a mistake
	if v.formValue("password") != "" {
		p.Password.Error, status = wrong, statusInvalid
	}
	if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
		status = v.setRetryAfter(rest.Wait)
	}
	return v.renderStatus(status, view.ConfirmPassword(p))
}
