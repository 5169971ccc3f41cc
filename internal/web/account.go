package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/present"
	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// accountPage is the page about oneself.
func (req *request) accountPage() (accountview.AccountPage, error) {
	sessions, err := req.site.People.SessionsOf(req.ctx(), req.person, req.now)
	if err != nil {
		return accountview.AccountPage{}, err
	}
	p := accountview.AccountPage{Shell: req.shell(""), Name: ui.Input{Value: req.person.Name}}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, accountview.Session{
			ID: s.ID, Browser: present.BrowserName(s.UserAgent), Address: s.LastAddress, Created: s.Created, LastSeen: s.LastSeen, Current: s.ID == req.person.Session,
		})
	}
	return p, nil
}

// showAccount shows it.
func showAccount(req *request) error {
	p, err := req.accountPage()
	if err != nil {
		return err
	}
	return req.render(accountview.Account(p))
}

// renamePerson changes one's name.
func renamePerson(req *request) error {
	if was := req.formValue(ui.VersionField); was != req.person.Name {
		return req.renderConflict(editConflict{
			title: "Your name", formPath: paths.Account, backPath: paths.Account, version: req.person.Name,
			fields: []ui.Option{{Value: "name", Label: "Your name"}},
			saved:  url.Values{"name": {req.person.Name}}, submitted: url.Values{"name": {req.formValue("name")}},
		})
	}
	err := req.site.People.Rename(req.ctx(), req.person, req.formValue("name"), req.now)
	if wrong, form := fieldErrors(err); form {
		return req.renderAccountForm(statusInvalid, func(p *accountview.AccountPage) {
			p.Name = ui.Input{Value: req.formValue("name"), Error: wrong["name"]}
		})
	}
	if err != nil {
		return err
	}
	req.toast("Name saved.", "")
	return req.redirect(paths.Account)
}

// renderAccountForm shows the page about oneself with what was wrong.
func (req *request) renderAccountForm(status int, mark func(*accountview.AccountPage)) error {
	p, err := req.accountPage()
	if err != nil {
		return err
	}
	mark(&p)
	return req.renderStatus(status, accountview.Account(p))
}

// changePassword changes one's password.
func changePassword(req *request) error {
	err := req.site.People.ChangePassword(req.ctx(), req.person, auth.PasswordChange{
		Old: req.formValue("old_password"), New: req.formValue("new_password"), Client: req.clientInfo(), At: req.now,
	})
	if wrong, form := fieldErrors(err); form {
		status := statusInvalid
		if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
			status = req.setRetryAfter(rest.Wait)
		}
		return req.renderAccountForm(status, func(p *accountview.AccountPage) {
			p.CurrentPassword.Error, p.NewPassword.Error = wrong["old_password"], wrong["new_password"]
		})
	}
	if err != nil {
		return err
	}
	req.toast("Password changed. Every other session was ended. API keys that you made still work.", "")
	return req.redirectSignedIn(paths.Account)
}

// maxMailsInFlight bounds how many letters are on their way that nobody waits for.
const maxMailsInFlight = 4

// showPasswordReset asks for the address that a link for a new password goes to.
func showPasswordReset(req *request) error {
	if req.site.SendMail == nil {
		return monitor.Faultf(monitor.NotFound, "", "This server sends no e-mail. Ask whoever runs it for a link.")
	}
	return req.render(accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell()}))
}

// requestPasswordReset sends the link. What it answers, and how soon, is the same whether
// the address has an account or not.
func requestPasswordReset(req *request) error {
	if req.site.SendMail == nil {
		return showPasswordReset(req)
	}
	email, fault := auth.ValidateEmail(req.formValue("email"))
	if fault != nil {
		return req.renderStatus(statusInvalid, accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell(), Email: ui.Input{Value: req.formValue("email"), Error: fault.Message}}))
	}
	if rest, tooMany := errors.AsType[*auth.ThrottleError](req.site.People.AllowReset(email, req.clientAddress(), req.now)); tooMany {
		return req.renderStatus(req.setRetryAfter(rest.Wait), accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell(), Email: ui.Input{Value: email, Error: rest.Message}}))
	}
	req.site.sendInBackground(req.ctx(), func(ctx context.Context) error { return req.mailPasswordReset(ctx, email) })
	return req.render(accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell(), Email: ui.Input{Value: email}, Sent: true}))
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
func (req *request) mailPasswordReset(ctx context.Context, email string) error {
	token, person, made, err := req.site.People.CreateResetLink(ctx, email, auth.Visitor(req.clientAddress()), req.now)
	if err != nil || !made {
		return err
	}
	return req.site.SendMail(ctx, person.Email, "A new password for Overdue", fmt.Sprintf(`Somebody, probably you, asked for a new password for your account on %s.

%s

The link works once, for an hour. If it was not you, ignore it: nothing has changed.
`, req.site.host(), req.site.BaseURL+paths.PasswordResetLink(token)))
}

// showNewPassword is the page behind the link. Looking does not use it up: mail
// programs look too.
func showNewPassword(req *request) error {
	token := req.r.PathValue("token")
	person, open, err := req.site.People.ResetLinkOwner(req.ctx(), token, req.now)
	if err != nil {
		return err
	}
	return req.renderNewPassword(open, accountview.NewPasswordPage{Token: token, Email: person.Email})
}

// renderNewPassword answers with the page.
func (req *request) renderNewPassword(open bool, p accountview.NewPasswordPage) error {
	p.SignedOutShell, p.CanMailReset = req.signedOutShell(), req.site.SendMail != nil
	status := http.StatusOK
	switch {
	case !open:
		p.Expired, status = true, http.StatusGone
	case p.Password.Error != "":
		status = statusInvalid
	}
	return req.renderStatus(status, accountview.NewPassword(p))
}

// setNewPassword sets the password, and signs in.
func setNewPassword(req *request) error {
	token := req.r.PathValue("token")
	open, err := req.site.People.Reset(req.ctx(), token, req.formValue("password"), req.clientInfo(), req.now)
	wrong, form := fieldErrors(err)
	switch {
	case err != nil && !form:
		return err
	case !open:
		return req.renderNewPassword(false, accountview.NewPasswordPage{})
	case form:
		return req.renderNewPassword(true, accountview.NewPasswordPage{Token: token, Email: req.formValue("email"), Password: ui.Input{Error: wrong["password"]}})
	}
	req.toast("Your password is set, and every other browser is signed out. API keys that you made still work.", "")
	return req.redirectSignedIn(paths.Heartbeats)
}
