package web

import (
	"errors"
	"net/http"

	"overdue/internal/auth"
	"overdue/internal/web/view"
)

// endSession signs out one browser of the person, which may be this one.
func endSession(v *visit) error {
	id := v.r.PathValue("id")
	if id == v.who.Session {
		return signOut(v)
	}
	err := v.site.People.EndSession(v.ctx(), v.who, id, v.text("password"), v.now)
	if wrong, form := wrongs(err); form {
		return v.askProof(err, view.SessionPath(id)+"/end", "Sign out this browser?", wrong["password"])
	}
	if err != nil {
		return err
	}
	v.toast("That browser is signed out.", "")
	return v.redirect(view.AccountPath)
}

// endOtherSessions signs all browsers but this one out.
func endOtherSessions(v *visit) error {
	err := v.site.People.EndOtherSessions(v.ctx(), v.who, v.text("password"), v.now)
	if wrong, form := wrongs(err); form {
		return v.askProof(err, view.SessionsPath+"/others", "Sign out everywhere else?", wrong["password"])
	}
	if err != nil {
		return err
	}
	v.toast("Every other browser is signed out.", "")
	return v.redirect(view.AccountPath)
}

// askProof shows the password page for an action that failed with err.
func (v *visit) askProof(err error, action, title, wrong string) error {
	p := view.ProofPage{Shell: v.shell(""), Title: title, Action: action, Back: view.AccountPath}
	status := http.StatusOK // not yet a mistake
	if v.text("password") != "" {
		p.Password.Error, status = wrong, refused
	}
	if rest, tooMany := errors.AsType[*auth.Rest](err); tooMany {
		status = v.rest(rest.Wait)
	}
	return v.showStatus(status, view.Proof(p))
}
