package web

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"overdue/internal/web/view"
)

// Limits of a form that is carried through a sign-in.
const (
	stashMaxAge  = 24 * time.Hour
	MaxStashSize = 64 << 10 // bytes before sealing: a long description fits several times
)

// StashedForm is a submitted form that was not processed, because the session has ended
// or because the form belongs to another project than the open one. The answer
// carries it in a hidden field, sealed, so that nobody can read or change it. The
// server keeps nothing.
type StashedForm struct {
	Expires time.Time  `json:"ends"`
	Path    string     `json:"path"` // that the form was sent to
	Page    string     `json:"page"` // that the form is on
	Project string     `json:"project"`
	Person  string     `json:"person"`
	Values  url.Values `json:"values"`
}

// notStashed are fields that a held form leaves out: passwords are typed again, and the
// others are drawn by the page.
var notStashed = []string{
	"password", "old_password", "new_password", view.HeldFormField, view.OriginProjectField, view.OriginPersonField, view.OriginPageField,
}

// stashedForm returns the form of this request.
func (v *request) stashedForm() StashedForm {
	d := StashedForm{
		Path: v.r.URL.RequestURI(), Page: safeRedirect(v.formValue(view.OriginPageField)), Project: v.formValue(view.OriginProjectField),
		Person: v.formValue(view.OriginPersonField), Values: url.Values{},
	}
	maps.Copy(d.Values, v.r.PostForm)
	for _, name := range notStashed {
		d.Values.Del(name)
	}
	return d
}

// stash seals a form. It reports true if the form is too long to be carried.
func (s *Site) stash(d StashedForm, now time.Time) (text string, tooLong bool) {
	d.Expires = now.Add(stashMaxAge)
	plain, _ := json.Marshal(d) // texts and a time always marshal
	if len(plain) > MaxStashSize {
		return "", true
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.aead.Seal(nil, nil, plain, []byte(view.HeldFormField))), false
}

// unstash opens a sealed form. It reports false if the form was not sealed here or
// is too old.
func (s *Site) unstash(text string, now time.Time) (d StashedForm, ok bool) {
	closed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return d, false
	}
	plain, err := s.sealer.aead.Open(nil, nil, closed, []byte(view.HeldFormField))
	if err != nil || json.Unmarshal(plain, &d) != nil || now.After(d.Expires) {
		return StashedForm{}, false
	}
	return d, true
}

// sortedNames are the names of a form's fields.
func sortedNames(values url.Values) []string { return slices.Sorted(maps.Keys(values)) }

// renderSignedOut answers a form that was sent without a session: the sign-in page,
// which carries the form.
func (v *request) renderSignedOut() error {
	p := view.SignInPage{SignedOutShell: v.gate(), Host: v.site.host(), CanMailReset: v.site.SendMail != nil}
	sealed, tooLong := v.site.stash(v.stashedForm(), v.now)
	p.HeldForm = sealed
	p.Notice = formKeptNotice
	if tooLong {
		p.Notice = "You were signed out; sign in to continue. What you typed is too long to keep: go back and copy it first."
	}
	return v.renderStatus(http.StatusUnauthorized, view.SignIn(p))
}

// formKeptNotice is shown on the sign-in page that carries a form.
const formKeptNotice = "You were signed out; sign in to continue. What you typed is kept."
