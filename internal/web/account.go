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
		{pattern: "GET /setup", needs: open, handle: showSetup},
		{pattern: "POST /setup", needs: open, handle: setUp},
		{pattern: "GET /sign-in", needs: open, handle: showSignIn},
		{pattern: "POST /sign-in", needs: open, handle: signIn, maxForm: maxHeldForm},
		{pattern: "POST /sign-out", needs: open, handle: signOut},
		{pattern: "POST /resume", needs: open, handle: resumeForm, maxForm: maxHeldForm},
		{pattern: "GET /invitations/{token}", needs: open, handle: showInvitation},
		{pattern: "POST /invitations/{token}", needs: open, handle: join},
		{pattern: "GET /reset", needs: open, handle: showReset},
		{pattern: "POST /reset", needs: open, handle: askReset},
		{pattern: "GET /reset/{token}", needs: open, handle: showNewPassword},
		{pattern: "POST /reset/{token}", needs: open, handle: setNewPassword},
		{pattern: "GET /account", needs: signedIn, handle: showAccount},
		{pattern: "POST /account", needs: signedIn, handle: rename},
		{pattern: "POST /account/password", needs: signedIn, handle: changePassword},
		{pattern: "POST /account/sessions/{id}/end", needs: signedIn, handle: endSession},
		{pattern: "POST /account/sessions/others", needs: signedIn, handle: endOtherSessions},
	}
}

// entry is how the visitor comes in.
func (v *visit) entry() auth.Entry {
	return auth.Entry{
		Address: v.source(), Agent: v.r.UserAgent(), Browser: v.site.People.BrowserToken(v.r), Keep: v.text("keep") != "",
	}
}

// welcome leads a person who just signed in to a page.
func (v *visit) welcome(path string) error {
	if err := v.rememberBrowser(); err != nil {
		return err
	}
	return v.redirect(path)
}

// rememberBrowser makes the browser of a person who just signed in known: wrong
// passwords of others do not keep it from signing in.
func (v *visit) rememberBrowser() error {
	cookie, err := v.site.People.BrowserCookie(v.ctx(), v.now)
	if err != nil {
		return err
	}
	http.SetCookie(v.w, cookie)
	return nil
}

// showSetup asks the owner about themselves, who came by the one-time link. To
// others it says where that link is.
func showSetup(v *visit) error {
	begun, err := v.site.People.Begun(v.ctx())
	if err != nil {
		return err
	}
	if begun {
		return v.redirect(view.SignInPath)
	}
	token := v.r.URL.Query().Get("token")
	is, err := v.site.People.SetupOpen(v.ctx(), token)
	if err != nil {
		return err
	}
	if !is {
		return v.show(view.SetupWaiting(view.SetupWaitingPage{Gate: v.gate(), Stale: token != ""}))
	}
	return v.show(view.Setup(v.setupPage(token)))
}

// setupPage is the form of the setup, with its defaults.
func (v *visit) setupPage(token string) view.SetupPage {
	g := v.gate()
	g.PingBase = v.site.pingBase()
	return view.SetupPage{Gate: g, Token: token, Project: view.Input{Value: "Main"}, Zone: view.Input{Value: "UTC"}, Zones: zones}
}

// setUp creates the owner.
func setUp(v *visit) error {
	token := v.text("token")
	f := auth.Founder{
		Name: v.text("name"), Email: v.text("email"), Password: v.text("password"), Project: v.text("project"), Zone: v.text("timezone"),
	}
	err := v.site.People.SetUp(v.ctx(), token, f, v.entry(), v.now)
	if wrong, form := wrongs(err); form {
		p := v.setupPage(token)
		p.Name = view.Input{Value: f.Name, Error: wrong["name"]}
		p.Email = view.Input{Value: f.Email, Error: wrong["email"]}
		p.Password.Error = wrong["password"]
		p.Project = view.Input{Value: f.Project, Error: wrong["project"]}
		p.Zone = view.Input{Value: f.Zone, Error: wrong["timezone"]}
		return v.showStatus(refused, view.Setup(p))
	}
	if err != nil {
		return err
	}
	return v.welcome(view.HeartbeatsPath)
}

// signInNotes are what may have led to the sign-in.
var signInNotes = map[string]string{
	"out": "You have been signed out.",
}

// showSignIn asks who is there.
func showSignIn(v *visit) error {
	q := v.r.URL.Query()
	if v.who.Known() {
		return v.redirect(local(q.Get("next")))
	}
	begun, err := v.site.People.Begun(v.ctx())
	if err != nil {
		return err
	}
	if !begun {
		return v.redirect(view.SetupPath)
	}
	return v.show(view.SignIn(view.SignInPage{
		Gate: v.gate(), Host: v.site.host(), Next: q.Get("next"), Note: signInNotes[q.Get("note")], Mails: v.site.Mail != nil,
	}))
}

// signIn begins a session.
func signIn(v *visit) error {
	err := v.site.People.SignIn(v.ctx(), v.text("email"), v.text("password"), v.entry(), v.now)
	fault, theirs := errors.AsType[*monitor.Fault](err)
	if !theirs {
		if err != nil {
			return err
		}
		if err := v.rememberBrowser(); err != nil {
			return err
		}
		if v.text(view.HeldField) != "" {
			// With the same form, and with the new session: see [resumeForm].
			http.Redirect(v.w, v.r, view.ResumePath, http.StatusTemporaryRedirect)
			return nil
		}
		return v.redirect(local(v.text("next")))
	}
	status := refused
	if rest, tooMany := errors.AsType[*auth.Rest](err); tooMany {
		status = v.rest(rest.Wait)
	}
	p := view.SignInPage{
		Gate: v.gate(), Host: v.site.host(), Email: v.text("email"), Keep: v.text("keep") != "", Next: v.text("next"),
		Draft: v.text(view.HeldField),
		Error: fault.Text, Mails: v.site.Mail != nil,
	}
	if p.Draft != "" {
		p.Note = keptNote
	}
	return v.showStatus(status, view.SignIn(p))
}

// rest says to programs too after what time another try is taken.
func (v *visit) rest(wait time.Duration) int {
	v.w.Header().Set("Retry-After", wholeSeconds(wait))
	return http.StatusTooManyRequests
}

// wholeSeconds returns a duration in seconds, rounded up.
func wholeSeconds(wait time.Duration) string {
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}

// signOut ends the session.
func signOut(v *visit) error {
	if err := v.site.People.SignOut(v.ctx(), v.source(), v.now); err != nil {
		return err
	}
	if v.site.secure { // elsewhere browsers ignore it
		// Not "cookies": that would reach other programs on the same domain.
		v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	}
	return v.redirect(view.SignInPath + "?" + url.Values{"note": {"out"}}.Encode())
}

// accountPage is the page about oneself.
func (v *visit) accountPage() (view.AccountPage, error) {
	sessions, err := v.site.People.SessionsOf(v.ctx(), v.who, v.now)
	if err != nil {
		return view.AccountPage{}, err
	}
	p := view.AccountPage{Shell: v.shell(""), Name: view.Input{Value: v.who.Name}}
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, view.Session{
			ID: s.ID, Browser: browser(s.Agent), Source: s.Address, Created: s.Created, LastSeen: s.Seen, Current: s.ID == v.who.Session,
		})
	}
	return p, nil
}

// showAccount shows it.
func showAccount(v *visit) error {
	p, err := v.accountPage()
	if err != nil {
		return err
	}
	return v.show(view.Account(p))
}

// rename changes one's name.
func rename(v *visit) error {
	if was := v.text(view.VersionField); was != v.who.Name {
		return v.conflict(edited{
			title: "Your name", action: view.AccountPath, back: view.AccountPath, version: v.who.Name,
			fields: []view.Choice{{Value: "name", Label: "Your name"}},
			theirs: url.Values{"name": {v.who.Name}}, yours: url.Values{"name": {v.text("name")}},
		})
	}
	err := v.site.People.Rename(v.ctx(), v.who, v.text("name"), v.now)
	if wrong, form := wrongs(err); form {
		return v.accountAgain(refused, func(p *view.AccountPage) { p.Name = view.Input{Value: v.text("name"), Error: wrong["name"]} })
	}
	if err != nil {
		return err
	}
	v.toast("Name saved.", "")
	return v.redirect(view.AccountPath)
}

// accountAgain shows the page about oneself with what was wrong.
func (v *visit) accountAgain(status int, mark func(*view.AccountPage)) error {
	p, err := v.accountPage()
	if err != nil {
		return err
	}
	mark(&p)
	return v.showStatus(status, view.Account(p))
}

// changePassword changes one's password.
func changePassword(v *visit) error {
	err := v.site.People.ChangePassword(v.ctx(), v.who, auth.PasswordChange{
		Old: v.text("old_password"), New: v.text("new_password"), Entry: v.entry(), At: v.now,
	})
	if wrong, form := wrongs(err); form {
		status := refused
		if rest, tooMany := errors.AsType[*auth.Rest](err); tooMany {
			status = v.rest(rest.Wait)
		}
		return v.accountAgain(status, func(p *view.AccountPage) { p.Old.Error, p.New.Error = wrong["old_password"], wrong["new_password"] })
	}
	if err != nil {
		return err
	}
	v.toast("Password changed. Every other session was ended. API keys that you made still work.", "")
	return v.welcome(view.AccountPath)
}
