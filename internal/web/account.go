package web

import (
	"cmp"
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

// accountPage returns the account page of the person.
func (req *request) accountPage() (accountview.AccountPage, error) {
	sessions, err := req.site.People.SessionsOf(req.ctx(), req.person, req.now)
	if err != nil {
		return accountview.AccountPage{}, err
	}
	p := accountview.AccountPage{
		Shell: req.shell(""), Name: ui.Input{Value: req.person.Name},
		Zone: ui.Input{Value: req.person.Zone}, DefaultZone: cmp.Or(req.browserZone(), req.actor.Project.Zone), Zones: present.TimeZones,
	}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, accountview.Session{
			ID: s.ID, Browser: present.BrowserName(s.UserAgent), Address: s.LastAddress, Created: s.Created, LastSeen: s.LastSeen, Current: s.ID == req.person.Session,
		})
	}
	return p, nil
}

// showAccount shows the account page.
func showAccount(req *request) error {
	p, err := req.accountPage()
	if err != nil {
		return err
	}
	return req.render(accountview.Account(p))
}

// renamePerson changes the name of the person.
func renamePerson(req *request) error {
	if was := req.formValue(ui.VersionField); was != req.person.Name {
		return req.renderConflict(editConflict{
			title: "Your name", formPath: paths.Account, backPath: paths.Account, version: req.person.Name,
			fields: []ui.Option{{Value: "name", Label: "Your name"}},
			saved:  url.Values{"name": {req.person.Name}}, submitted: url.Values{"name": {req.formValue("name")}},
		})
	}
	err := req.site.People.Rename(req.ctx(), req.person, req.formValue("name"), req.now)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderAccountForm(statusInvalid, func(p *accountview.AccountPage) {
			p.Name = ui.Input{Value: req.formValue("name"), Error: fieldErrs["name"]}
		})
	}
	if err != nil {
		return err
	}
	req.toast("Name saved.", "")
	return req.redirect(paths.Account)
}

// setPersonZone sets the time zone of the person's pages.
func setPersonZone(req *request) error {
	zone := req.formValue("timezone")
	err := req.site.People.SetZone(req.ctx(), req.person, zone, req.now)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderAccountForm(statusInvalid, func(p *accountview.AccountPage) {
			p.Zone = ui.Input{Value: zone, Error: fieldErrs["timezone"]}
		})
	}
	if err != nil {
		return err
	}
	req.toast("Time zone saved.", "")
	return req.redirect(paths.Account)
}

// renderAccountForm shows the account page again, with errors.
func (req *request) renderAccountForm(status int, mark func(*accountview.AccountPage)) error {
	p, err := req.accountPage()
	if err != nil {
		return err
	}
	mark(&p)
	return req.renderStatus(status, accountview.Account(p))
}

// changePassword changes the password of the person.
func changePassword(req *request) error {
	err := req.site.People.ChangePassword(req.ctx(), req.person, auth.PasswordChange{
		Old: req.formValue("old_password"), New: req.formValue("new_password"), Client: req.clientInfo(), At: req.now,
	})
	if fieldErrs, invalid := fieldErrors(err); invalid {
		status := statusInvalid
		if throttled, isThrottled := errors.AsType[*auth.ThrottleError](err); isThrottled {
			status = req.setRetryAfter(throttled.Wait)
		}
		return req.renderAccountForm(status, func(p *accountview.AccountPage) {
			p.CurrentPassword.Error, p.NewPassword.Error = fieldErrs["old_password"], fieldErrs["new_password"]
		})
	}
	if err != nil {
		return err
	}
	req.toast("Password changed. All other sessions are signed out. API keys that you created still work.", "")
	return req.redirectSignedIn(paths.Account)
}

// maxMailsInFlight is the maximum number of emails that are sent in the background.
const maxMailsInFlight = 4

// showPasswordReset asks for the address to which a password link is sent.
func showPasswordReset(req *request) error {
	if req.site.SendMail == nil {
		return monitor.Faultf(monitor.NotFound, "", "This server cannot send email. Ask its operator for a link that sets a new password.")
	}
	return req.render(accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell()}))
}

// requestPasswordReset sends the link. The answer and its timing are the same with
// and without an account, so they reveal nothing.
func requestPasswordReset(req *request) error {
	if req.site.SendMail == nil {
		return showPasswordReset(req)
	}
	email, fault := auth.ValidateEmail(req.formValue("email"))
	if fault != nil {
		return req.renderStatus(statusInvalid, accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell(), Email: ui.Input{Value: req.formValue("email"), Error: fault.Message}}))
	}
	if throttled, isThrottled := errors.AsType[*auth.ThrottleError](req.site.People.AllowReset(email, req.clientAddress(), req.now)); isThrottled {
		return req.renderStatus(req.setRetryAfter(throttled.Wait), accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell(), Email: ui.Input{Value: email, Error: throttled.Message}}))
	}
	req.site.sendInBackground(req.ctx(), func(ctx context.Context) error { return req.mailPasswordReset(ctx, email) })
	return req.render(accountview.RequestReset(accountview.RequestResetPage{SignedOutShell: req.signedOutShell(), Email: ui.Input{Value: email}, Sent: true}))
}

// sendInBackground runs send in the background. Above the limit it drops the email:
// the person can request it again.
func (s *Site) sendInBackground(ctx context.Context, send func(context.Context) error) {
	select {
	case s.mailSlots <- struct{}{}:
	default:
		s.Logger.Warn("email dropped: too many in flight", "component", "web", "limit", maxMailsInFlight)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mailTimeout)
	go func() {
		defer func() { cancel(); <-s.mailSlots }()
		if err := send(ctx); err != nil {
			s.Logger.Warn("email not sent", "component", "web", "error", err)
		}
	}()
}

// mailPasswordReset sends the link, if the address has an account.
func (req *request) mailPasswordReset(ctx context.Context, email string) error {
	token, person, made, err := req.site.People.CreateResetLink(ctx, email, auth.Visitor(req.clientAddress()), req.now)
	if err != nil || !made {
		return err
	}
	return req.site.SendMail(ctx, person.Email, "Set a new password for Overdue", fmt.Sprintf(`We received a request to set a new password for your account on %s.

%s

The link works once and expires in one hour. If you did not request it, ignore this email: your password has not changed.
`, req.site.host(), req.site.BaseURL+paths.PasswordResetLink(token)))
}

// showNewPassword shows the page of a password link. Opening the page does not use
// up the link, because mail programs open links too.
func showNewPassword(req *request) error {
	token := req.r.PathValue("token")
	person, open, err := req.site.People.ResetLinkOwner(req.ctx(), token, req.now)
	if err != nil {
		return err
	}
	return req.renderNewPassword(open, accountview.NewPasswordPage{Token: token, Email: person.Email})
}

// renderNewPassword shows the page of a password link.
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

// setNewPassword sets the password and signs the person in.
func setNewPassword(req *request) error {
	token := req.r.PathValue("token")
	open, err := req.site.People.Reset(req.ctx(), token, req.formValue("password"), req.clientInfo(), req.now)
	fieldErrs, invalid := fieldErrors(err)
	switch {
	case err != nil && !invalid:
		return err
	case !open:
		return req.renderNewPassword(false, accountview.NewPasswordPage{})
	case invalid:
		return req.renderNewPassword(true, accountview.NewPasswordPage{Token: token, Email: req.formValue("email"), Password: ui.Input{Error: fieldErrs["password"]}})
	}
	req.toast("Password set. All other browsers are signed out. API keys that you created still work.", "")
	return req.redirectSignedIn(paths.Heartbeats)
}
