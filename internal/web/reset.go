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

// mostErrands bounds how many letters are on their way that nobody waits for.
const mostErrands = 4

// showReset asks for the address that a link for a new password goes to.
func showReset(v *visit) error {
	if v.site.Mail == nil {
		return monitor.Wrong(monitor.Missing, "", "This server sends no e-mail. Ask whoever runs it for a link.")
	}
	return v.show(view.AskReset(view.AskResetPage{Gate: v.gate()}))
}

// askReset sends the link. What it answers, and how soon, is the same whether
// the address has an account or not.
func askReset(v *visit) error {
	if v.site.Mail == nil {
		return showReset(v)
	}
	email, fault := auth.SoundEmail(v.text("email"))
	if fault != nil {
		return v.showStatus(refused, view.AskReset(view.AskResetPage{Gate: v.gate(), Email: view.Input{Value: v.text("email"), Error: fault.Text}}))
	}
	if rest, tooMany := errors.AsType[*auth.Rest](v.site.People.AllowReset(email, v.source(), v.now)); tooMany {
		return v.showStatus(v.rest(rest.Wait), view.AskReset(view.AskResetPage{Gate: v.gate(), Email: view.Input{Value: email, Error: rest.Text}}))
	}
	v.site.errand(v.ctx(), func(ctx context.Context) error { return v.mailReset(ctx, email) })
	return v.show(view.AskReset(view.AskResetPage{Gate: v.gate(), Email: view.Input{Value: email}, Sent: true}))
}

// errand does something that nobody waits for. Beyond as many as are allowed at
// once it is not done at all: whoever asked asks again.
func (s *Site) errand(ctx context.Context, do func(context.Context) error) {
	select {
	case s.errands <- struct{}{}:
	default:
		s.Log.Warn("letter not sent: too many at once")
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestMail)
	go func() {
		defer func() { cancel(); <-s.errands }()
		if err := do(ctx); err != nil {
			s.Log.Warn("letter not sent", "error", err)
		}
	}()
}

// mailReset sends the link to an address that has an account.
func (v *visit) mailReset(ctx context.Context, email string) error {
	token, person, made, err := v.site.People.ResetLink(ctx, email, auth.Visitor(v.source()), v.now)
	if err != nil || !made {
		return err
	}
	return v.site.Mail(ctx, person.Email, "A new password for Overdue", fmt.Sprintf(`Somebody, probably you, asked for a new password for your account on %s.

%s

The link works once, for an hour. If it was not you, ignore it: nothing has changed.
`, v.site.host(), v.site.Base+view.ResetPathOf(token)))
}

// showNewPassword is the page behind the link. Looking does not use it up: mail
// programs look too.
func showNewPassword(v *visit) error {
	token := v.r.PathValue("token")
	person, open, err := v.site.People.ResetOpen(v.ctx(), token, v.now)
	if err != nil {
		return err
	}
	return v.newPassword(open, view.NewPasswordPage{Token: token, Email: person.Email})
}

// newPassword answers with the page.
func (v *visit) newPassword(open bool, p view.NewPasswordPage) error {
	p.Gate, p.Mails = v.gate(), v.site.Mail != nil
	status := http.StatusOK
	switch {
	case !open:
		p.Gone, status = true, http.StatusGone
	case p.Password.Error != "":
		status = refused
	}
	return v.showStatus(status, view.NewPassword(p))
}

// setNewPassword sets the password, and signs in.
func setNewPassword(v *visit) error {
	token := v.r.PathValue("token")
	open, err := v.site.People.Reset(v.ctx(), token, v.text("password"), v.entry(), v.now)
	wrong, form := wrongs(err)
	switch {
	case err != nil && !form:
		return err
	case !open:
		return v.newPassword(false, view.NewPasswordPage{})
	case form:
		return v.newPassword(true, view.NewPasswordPage{Token: token, Email: v.text("email"), Password: view.Input{Error: wrong["password"]}})
	}
	v.toast("Your password is set, and every other browser is signed out. API keys that you made still work.", "")
	return v.welcome(view.HeartbeatsPath)
}
