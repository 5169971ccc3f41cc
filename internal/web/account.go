package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// accountRoutes are the pages about signing in, and about oneself.
func (s *Site) accountRoutes() []route {
	return []route{
		{pattern: "GET /setup", right: anyone, handle: showSetup},
		{pattern: "POST /setup", right: anyone, handle: createOwner},
		{pattern: "GET /sign-in", right: anyone, handle: showSignIn},
		{pattern: "POST /sign-in", right: anyone, handle: signIn, maxForm: maxStashedForm},
		{pattern: "POST /sign-out", right: anyone, handle: signOut},
		{pattern: "POST /resume", right: anyone, handle: resumeStashedForm, maxForm: maxStashedForm},
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

// signInSource is how the visitor comes in.
func (v *request) signInSource() auth.ClientInfo {
	return auth.ClientInfo{
		Address: v.clientAddress(), UserAgent: v.r.UserAgent(), BrowserToken: v.site.People.BrowserToken(v.r), KeepSignedIn: v.formValue("keep") != "",
	}
}

// redirectSignedIn leads a person who just signed in to a page.
func (v *request) redirectSignedIn(path string) error {
	if err := v.rememberBrowser(); err != nil {
		return err
	}
	return v.redirect(path)
}

// rememberBrowser makes the browser of a person who just signed in known: wrong
// passwords of others do not keep it from signing in.
func (v *request) rememberBrowser() error {
	cookie, err := v.site.People.BrowserCookie(v.ctx(), v.now)
	if err != nil {
		return err
	}
	http.SetCookie(v.w, cookie)
	return nil
}

// showSetup asks the owner about themselves, who came by the one-time link. To
// others it says where that link is.
func showSetup(v *request) error {
	begun, err := v.site.People.HasAccounts(v.ctx())
	if err != nil {
		return err
	}
	if begun {
		return v.redirect(view.SignInPath)
	}
	token := v.r.URL.Query().Get("token")
	is, err := v.site.People.SetupLinkValid(v.ctx(), token)
	if err != nil {
		return err
	}
	if !is {
		return v.render(view.SetupWaiting(view.SetupWaitingPage{SignedOutShell: v.gate(), LinkExpired: token != ""}))
	}
	return v.render(view.Setup(v.setupPage(token)))
}

// setupPage is the form of the setup, with its defaults.
func (v *request) setupPage(token string) view.SetupPage {
	g := v.gate()
	g.PingURLPrefix = v.site.pingBase()
	return view.SetupPage{SignedOutShell: g, Token: token, Project: view.Input{Value: "Main"}, Zone: view.Input{Value: "UTC"}, Zones: TimeZones}
}

// createOwner creates the owner.
func createOwner(v *request) error {
	token := v.formValue("token")
	f := auth.OwnerSetup{
		Name: v.formValue("name"), Email: v.formValue("email"), Password: v.formValue("password"), Project: v.formValue("project"), Zone: v.formValue("timezone"),
	}
	err := v.site.People.SetUp(v.ctx(), token, f, v.signInSource(), v.now)
	if wrong, form := fieldErrors(err); form {
		p := v.setupPage(token)
		p.Name = view.Input{Value: f.Name, Error: wrong["name"]}
		p.Email = view.Input{Value: f.Email, Error: wrong["email"]}
		p.Password.Error = wrong["password"]
		p.Project = view.Input{Value: f.Project, Error: wrong["project"]}
		p.Zone = view.Input{Value: f.Zone, Error: wrong["timezone"]}
		return v.renderStatus(statusInvalid, view.Setup(p))
	}
	if err != nil {
		return err
	}
	return v.redirectSignedIn(view.HeartbeatsPath)
}

// signInNotices are what may have led to the sign-in.
var signInNotices = map[string]string{
	"out": "You have been signed out.",
}

// showSignIn asks who is there.
func showSignIn(v *request) error {
	q := v.r.URL.Query()
	if v.person.SignedIn() {
		return v.redirect(safeRedirect(q.Get("next")))
	}
	begun, err := v.site.People.HasAccounts(v.ctx())
	if err != nil {
		return err
	}
	if !begun {
		return v.redirect(view.SetupPath)
	}
	return v.render(view.SignIn(view.SignInPage{
		SignedOutShell: v.gate(), Host: v.site.host(), Next: q.Get("next"), Notice: signInNotices[q.Get("note")], CanMailReset: v.site.SendMail != nil,
	}))
}

// signIn begins a session.
func signIn(v *request) error {
	err := v.site.People.SignIn(v.ctx(), v.formValue("email"), v.formValue("password"), v.signInSource(), v.now)
	fault, theirs := errors.AsType[*monitor.Fault](err)
	if !theirs {
		if err != nil {
			return err
		}
		if err := v.rememberBrowser(); err != nil {
			return err
		}
		if v.formValue(view.HeldFormField) != "" {
			// With the same form, and with the new session: see [resumeStashedForm].
			http.Redirect(v.w, v.r, view.ResumePath, http.StatusTemporaryRedirect)
			return nil
		}
		return v.redirect(safeRedirect(v.formValue("next")))
	}
	status := statusInvalid
	if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
		status = v.setRetryAfter(rest.Wait)
	}
	p := view.SignInPage{
		SignedOutShell: v.gate(), Host: v.site.host(), Email: v.formValue("email"), KeepSignedIn: v.formValue("keep") != "", Next: v.formValue("next"),
		HeldForm: v.formValue(view.HeldFormField),
		Error:    fault.Message, CanMailReset: v.site.SendMail != nil,
	}
	if p.HeldForm != "" {
		p.Notice = formKeptNotice
	}
	return v.renderStatus(status, view.SignIn(p))
}

// setRetryAfter says to programs too after what time another try is taken.
func (v *request) setRetryAfter(wait time.Duration) int {
	v.w.Header().Set("Retry-After", roundUpSeconds(wait))
	return http.StatusTooManyRequests
}

// roundUpSeconds returns a duration in seconds, rounded up.
func roundUpSeconds(wait time.Duration) string {
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}

// signOut ends the session.
func signOut(v *request) error {
	if err := v.site.People.SignOut(v.ctx(), v.clientAddress(), v.now); err != nil {
		return err
	}
	if v.site.secure { // elsewhere browsers ignore it
		// Not "cookies": that would reach other programs on the same domain.
		v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	}
	return v.redirect(view.SignInPath + "?" + url.Values{"note": {"out"}}.Encode())
}

// accountPage is the page about oneself.
func (v *request) accountPage() (view.AccountPage, error) {
	sessions, err := v.site.People.SessionsOf(v.ctx(), v.person, v.now)
	if err != nil {
		return view.AccountPage{}, err
	}
	p := view.AccountPage{Shell: v.shell(""), Name: view.Input{Value: v.person.Name}}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, view.Session{
			ID: s.ID, Browser: BrowserName(s.UserAgent), Address: s.LastAddress, Created: s.Created, LastSeen: s.LastSeen, Current: s.ID == v.person.Session,
		})
	}
	return p, nil
}

// showAccount shows it.
func showAccount(v *request) error {
	p, err := v.accountPage()
	if err != nil {
		return err
	}
	return v.render(view.Account(p))
}

// renamePerson changes one's name.
func renamePerson(v *request) error {
	if was := v.formValue(view.VersionField); was != v.person.Name {
		return v.renderConflict(staleForm{
			title: "Your name", formPath: view.AccountPath, backPath: view.AccountPath, version: v.person.Name,
			fields: []view.Option{{Value: "name", Label: "Your name"}},
			saved:  url.Values{"name": {v.person.Name}}, submitted: url.Values{"name": {v.formValue("name")}},
		})
	}
	err := v.site.People.Rename(v.ctx(), v.person, v.formValue("name"), v.now)
	if wrong, form := fieldErrors(err); form {
		return v.renderAccountForm(statusInvalid, func(p *view.AccountPage) { p.Name = view.Input{Value: v.formValue("name"), Error: wrong["name"]} })
	}
	if err != nil {
		return err
	}
	v.toast("Name saved.", "")
	return v.redirect(view.AccountPath)
}

// renderAccountForm shows the page about oneself with what was wrong.
func (v *request) renderAccountForm(status int, mark func(*view.AccountPage)) error {
	p, err := v.accountPage()
	if err != nil {
		return err
	}
	mark(&p)
	return v.renderStatus(status, view.Account(p))
}

// changePassword changes one's password.
func changePassword(v *request) error {
	err := v.site.People.ChangePassword(v.ctx(), v.person, auth.PasswordChange{
		Old: v.formValue("old_password"), New: v.formValue("new_password"), Client: v.signInSource(), At: v.now,
	})
	if wrong, form := fieldErrors(err); form {
		status := statusInvalid
		if rest, tooMany := errors.AsType[*auth.ThrottleError](err); tooMany {
			status = v.setRetryAfter(rest.Wait)
		}
		return v.renderAccountForm(status, func(p *view.AccountPage) {
			p.CurrentPassword.Error, p.NewPassword.Error = wrong["old_password"], wrong["new_password"]
		})
	}
	if err != nil {
		return err
	}
	v.toast("Password changed. Every other session was ended. API keys that you made still work.", "")
	return v.redirectSignedIn(view.AccountPath)
}
