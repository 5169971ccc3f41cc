package web

import (
	"errors"
	"net/http"
	"net/url"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/present"
	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// accountRoutes returns the routes of setup, sign-in and the account page.
func (s *Site) accountRoutes() []route {
	return []route{
		{pattern: "GET /setup", right: anyone, handle: showSetup},
		{pattern: "POST /setup", right: anyone, handle: createOwner},
		{pattern: "GET /sign-in", right: anyone, handle: showSignIn},
		{pattern: "POST /sign-in", right: anyone, handle: signIn, maxForm: maxHeldFormBody},
		{pattern: "POST /sign-out", right: anyone, handle: signOut},
		{pattern: "POST /resume", right: anyone, handle: resumeHeldForm, maxForm: maxHeldFormBody},
		{pattern: "GET /invitations/{token}", right: anyone, handle: showInvitation},
		{pattern: "POST /invitations/{token}", right: anyone, handle: acceptInvitation},
		{pattern: "GET /reset", right: anyone, handle: showPasswordReset},
		{pattern: "POST /reset", right: anyone, handle: requestPasswordReset},
		{pattern: "GET /reset/{token}", right: anyone, handle: showNewPassword},
		{pattern: "POST /reset/{token}", right: anyone, handle: setNewPassword},
		{pattern: "GET /account", right: signedIn, handle: showAccount},
		{pattern: "POST /account", right: signedIn, handle: renamePerson},
		{pattern: "POST /account/password", right: signedIn, handle: changePassword},
		{pattern: "POST /account/sessions/{id}/end", right: signedIn, handle: endSession},
		{pattern: "POST /account/sessions/others", right: signedIn, handle: endOtherSessions},
	}
}

// clientInfo describes the client that signs in.
func (req *request) clientInfo() auth.ClientInfo {
	return auth.ClientInfo{
		Address: req.clientAddress(), UserAgent: req.r.UserAgent(), BrowserToken: req.site.People.BrowserToken(req.r), KeepSignedIn: req.formValue("keep") != "",
	}
}

// redirectSignedIn sends a person who has just signed in to a page.
func (req *request) redirectSignedIn(path string) error {
	if err := req.rememberBrowser(); err != nil {
		return err
	}
	return req.redirect(path)
}

// rememberBrowser sets the cookie of a known browser. A known browser can sign in
// even while wrong passwords from elsewhere lock the account.
func (req *request) rememberBrowser() error {
	cookie, err := req.site.People.BrowserCookie(req.ctx(), req.now)
	if err != nil {
		return err
	}
	http.SetCookie(req.w, cookie)
	return nil
}

// showSetup shows the form that creates the owner, if the request has the one-time
// link. Otherwise it explains where to find the link.
func showSetup(req *request) error {
	hasAccounts, err := req.site.People.HasAccounts(req.ctx())
	if err != nil {
		return err
	}
	if hasAccounts {
		return req.redirect(paths.SignIn)
	}
	token := req.r.URL.Query().Get("token")
	valid, err := req.site.People.SetupLinkValid(req.ctx(), token)
	if err != nil {
		return err
	}
	if !valid {
		return req.render(accountview.SetupWaiting(accountview.SetupWaitingPage{SignedOutShell: req.signedOutShell(), LinkExpired: token != ""}))
	}
	return req.render(accountview.Setup(req.setupPage(token)))
}

// setupPage returns the setup form with its defaults.
func (req *request) setupPage(token string) accountview.SetupPage {
	g := req.signedOutShell()
	g.PingURLPrefix = req.site.pingBase()
	return accountview.SetupPage{SignedOutShell: g, Token: token, Project: ui.Input{Value: "Main"}, Zone: ui.Input{Value: "UTC"}, Zones: present.TimeZones}
}

// createOwner creates the first account.
func createOwner(req *request) error {
	token := req.formValue("token")
	f := auth.OwnerSetup{
		Name: req.formValue("name"), Email: req.formValue("email"), Password: req.formValue("password"), Project: req.formValue("project"), Zone: req.formValue("timezone"),
	}
	err := req.site.People.SetUp(req.ctx(), token, f, req.clientInfo(), req.now)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		p := req.setupPage(token)
		p.Name = ui.Input{Value: f.Name, Error: fieldErrs["name"]}
		p.Email = ui.Input{Value: f.Email, Error: fieldErrs["email"]}
		p.Password.Error = fieldErrs["password"]
		p.Project = ui.Input{Value: f.Project, Error: fieldErrs["project"]}
		p.Zone = ui.Input{Value: f.Zone, Error: fieldErrs["timezone"]}
		return req.renderStatus(statusInvalid, accountview.Setup(p))
	}
	if err != nil {
		return err
	}
	return req.redirectSignedIn(paths.Heartbeats)
}

// signInNotices are the notices of the sign-in page, by the parameter "note".
var signInNotices = map[string]string{
	"out": "You have been signed out.",
}

// showSignIn shows the sign-in page.
func showSignIn(req *request) error {
	q := req.r.URL.Query()
	if req.person.SignedIn() {
		return req.redirect(safeRedirect(q.Get("next")))
	}
	hasAccounts, err := req.site.People.HasAccounts(req.ctx())
	if err != nil {
		return err
	}
	if !hasAccounts {
		return req.redirect(paths.Setup)
	}
	return req.render(accountview.SignIn(accountview.SignInPage{
		SignedOutShell: req.signedOutShell(), Host: req.site.host(), Next: q.Get("next"), Notice: signInNotices[q.Get("note")], CanMailReset: req.site.SendMail != nil,
	}))
}

// signIn starts a session.
func signIn(req *request) error {
	err := req.site.People.SignIn(req.ctx(), req.formValue("email"), req.formValue("password"), req.clientInfo(), req.now)
	fault, theirs := errors.AsType[*monitor.Fault](err)
	if !theirs {
		if err != nil {
			return err
		}
		if err := req.rememberBrowser(); err != nil {
			return err
		}
		if req.formValue(ui.HeldFormField) != "" {
			// 307: the browser sends the same form again, with the new session.
			http.Redirect(req.w, req.r, paths.ResumeForm, http.StatusTemporaryRedirect)
			return nil
		}
		return req.redirect(safeRedirect(req.formValue("next")))
	}
	status := statusInvalid
	if throttled, isThrottled := errors.AsType[*auth.ThrottleError](err); isThrottled {
		status = req.setRetryAfter(throttled.Wait)
	}
	p := accountview.SignInPage{
		SignedOutShell: req.signedOutShell(), Host: req.site.host(), Email: req.formValue("email"), KeepSignedIn: req.formValue("keep") != "", Next: req.formValue("next"),
		HeldForm: req.formValue(ui.HeldFormField),
		Error:    fault.Message, CanMailReset: req.site.SendMail != nil,
	}
	if p.HeldForm != "" {
		p.Notice = formKeptNotice
	}
	return req.renderStatus(status, accountview.SignIn(p))
}

// signOut ends the session.
func signOut(req *request) error {
	if err := req.site.People.SignOut(req.ctx(), req.clientAddress(), req.now); err != nil {
		return err
	}
	if req.site.secure { // browsers ignore the header over plain HTTP
		// Without "cookies", which would clear those of other sites on the same domain.
		req.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	}
	return req.redirect(paths.SignIn + "?" + url.Values{"note": {"out"}}.Encode())
}

// endSession signs out one browser of the person, possibly this one.
func endSession(req *request) error {
	id := req.r.PathValue("id")
	if id == req.person.Session {
		return signOut(req)
	}
	err := req.site.People.EndSession(req.ctx(), req.person, id, req.formValue("password"), req.now)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderPasswordPrompt(err, paths.AccountSession(id)+"/end", "Sign out this browser?", fieldErrs["password"])
	}
	if err != nil {
		return err
	}
	req.toast("Browser signed out.", "")
	return req.redirect(paths.Account)
}

// endOtherSessions signs out all other browsers of the person.
func endOtherSessions(req *request) error {
	err := req.site.People.EndOtherSessions(req.ctx(), req.person, req.formValue("password"), req.now)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderPasswordPrompt(err, paths.AccountSessions+"/others", "Sign out everywhere else?", fieldErrs["password"])
	}
	if err != nil {
		return err
	}
	req.toast("All other browsers are signed out.", "")
	return req.redirect(paths.Account)
}

// renderPasswordPrompt asks for the password before an action that failed with err.
func (req *request) renderPasswordPrompt(err error, action, title, wrong string) error {
	p := accountview.ConfirmPasswordPage{Shell: req.shell(""), Title: title, Action: action, CancelPath: paths.Account}
	status := http.StatusOK // no password was entered yet
	if req.formValue("password") != "" {
		p.Password.Error, status = wrong, statusInvalid
	}
	if throttled, isThrottled := errors.AsType[*auth.ThrottleError](err); isThrottled {
		status = req.setRetryAfter(throttled.Wait)
	}
	return req.renderStatus(status, accountview.ConfirmPassword(p))
}
