package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// maxMailsInFlight bounds how many letters are on their way that nobody waits for.
const maxMailsInFlight = 4

// showPasswordReset asks for the address that a link for a new password goes to.
func showPasswordReset(v *request) error {
	if v.site.SendMail == nil {
		return monitor.Faultf(monitor.NotFound, "", "This server sends no e-mail. Ask whoever runs it for a link.")
	}
	return v.render(view.RequestReset(view.RequestResetPage{SignedOutShell: v.gate()}))
}

// requestPasswordReset sends the link. What it answers, and how soon, is the same whether
// the address has an account or not.
func requestPasswordReset(v *request) error {
	if v.site.SendMail == nil {
		return showPasswordReset(v)
	}
	email, fault := auth.ValidateEmail(v.formValue("email"))
	if fault != nil {
		return v.renderStatus(statusInvalid, view.RequestReset(view.RequestResetPage{SignedOutShell: v.gate(), Email: view.Input{Value: v.formValue("email"), Error: fault.Message}}))
	}
	if rest, tooMany := errors.AsType[*auth.ThrottleError](v.site.People.AllowReset(email, v.clientAddress(), v.now)); tooMany {
		return v.renderStatus(v.setRetryAfter(rest.Wait), view.RequestReset(view.RequestResetPage{SignedOutShell: v.gate(), Email: view.Input{Value: email, Error: rest.Message}}))
	}
	v.site.sendInBackground(v.ctx(), func(ctx context.Context) error { return v.mailPasswordReset(ctx, email) })
	return v.render(view.RequestReset(view.RequestResetPage{SignedOutShell: v.gate(), Email: view.Input{Value: email}, Sent: true}))
}

// sendInBackground does something that nobody waits for. Beyond as many as are allowed at
// once it is not done at all: whoever asked asks again.
func (s *Site) sendInBackground(ctx context.Context, do func(context.Context) error) {
	select {
	case s.mailSlots <- struct{}{}:
	default:
		s.Logger.Warn("letter not sent: too many at once")
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mailTimeout)
	go func() {
		defer func() { cancel(); <-s.mailSlots }()
		if err := do(ctx); err != nil {
			s.Logger.Warn("letter not sent", "error", err)
		}
	}()
}

// mailPasswordReset sends the link to an address that has an account.
func (v *request) mailPasswordReset(ctx context.Context, email string) error {
	token, person, made, err := v.site.People.CreateResetLink(ctx, email, auth.Visitor(v.clientAddress()), v.now)
	if err != nil || !made {
		return err
	}
	return v.site.SendMail(ctx, person.Email, "A new password for Overdue", fmt.Sprintf(`Somebody, probably you, asked for a new password for your account on %s.

%s

The link works once, for an hour. If it was not you, ignore it: nothing has changed.
`, v.site.host(), v.site.BaseURL+view.ResetTokenPath(token)))
}

// showNewPassword is the page behind the link. Looking does not use it up: mail
// programs look too.
func showNewPassword(v *request) error {
	token := v.r.PathValue("token")
	person, open, err := v.site.People.ResetLinkOwner(v.ctx(), token, v.now)
	if err != nil {
		return err
	}
	return v.renderNewPassword(open, view.NewPasswordPage{Token: token, Email: person.Email})
}

// renderNewPassword answers with the page.
func (v *request) renderNewPassword(open bool, p view.NewPasswordPage) error {
	p.SignedOutShell, p.CanMailReset = v.gate(), v.site.SendMail != nil
	status := http.StatusOK
	switch {
	case !open:
		p.Expired, status = true, http.StatusGone
	case p.Password.Error != "":
		status = statusInvalid
	}
	return v.renderStatus(status, view.NewPassword(p))
}

// setNewPassword sets the password, and signs in.
func setNewPassword(v *request) error {
	token := v.r.PathValue("token")
	open, err := v.site.People.Reset(v.ctx(), token, v.formValue("password"), v.signInSource(), v.now)
	wrong, form := fieldErrors(err)
	switch {
	case err != nil && !form:
		return err
	case !open:
		return v.renderNewPassword(false, view.NewPasswordPage{})
	case form:
		return v.renderNewPassword(true, view.NewPasswordPage{Token: token, Email: v.formValue("email"), Password: view.Input{Error: wrong["password"]}})
	}
	v.toast("Your password is set, and every other browser is signed out. API keys that you made still work.", "")
	return v.redirectSignedIn(view.HeartbeatsPath)
}
