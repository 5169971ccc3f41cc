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
	heldLife    = 24 * time.Hour
	longestHeld = 64 << 10 // bytes before sealing: a long description fits several times
)

// heldForm is a submitted form that was not processed, because the session has ended
// or because the form belongs to another project than the open one. The answer
// carries it in a hidden field, sealed, so that nobody can read or change it. The
// server keeps nothing.
type heldForm struct {
	Ends    time.Time  `json:"ends"`
	Path    string     `json:"path"` // that the form was sent to
	Page    string     `json:"page"` // that the form is on
	Project string     `json:"project"`
	Person  string     `json:"person"`
	Values  url.Values `json:"values"`
}

// leftOut are fields that a held form leaves out: passwords are typed again, and the
// others are drawn by the page.
var leftOut = []string{
	"password", "old_password", "new_password", view.HeldField, view.OriginProject, view.OriginPerson, view.OriginPage,
}

// held returns the form of this request.
func (v *visit) held() heldForm {
	d := heldForm{
		Path: v.r.URL.RequestURI(), Page: local(v.text(view.OriginPage)), Project: v.text(view.OriginProject),
		Person: v.text(view.OriginPerson), Values: url.Values{},
	}
	maps.Copy(d.Values, v.r.PostForm)
	for _, name := range leftOut {
		d.Values.Del(name)
	}
	return d
}

// sealHeld seals a form. It reports true if the form is too long to be carried.
func (s *Site) sealHeld(d heldForm, now time.Time) (text string, tooLong bool) {
	d.Ends = now.Add(heldLife)
	plain, _ := json.Marshal(d) // texts and a time always marshal
	if len(plain) > longestHeld {
		return "", true
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.aead.Seal(nil, nil, plain, []byte(view.HeldField))), false
}

// openHeld opens a sealed form. It reports false if the form was not sealed here or
// is too old.
func (s *Site) openHeld(text string, now time.Time) (d heldForm, ok bool) {
	closed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return d, false
	}
	plain, err := s.sealer.aead.Open(nil, nil, closed, []byte(view.HeldField))
	if err != nil || json.Unmarshal(plain, &d) != nil || now.After(d.Ends) {
		return heldForm{}, false
	}
	return d, true
}

// sortedFields are the names of a form's fields.
func sortedFields(values url.Values) []string { return slices.Sorted(maps.Keys(values)) }

// signedOut answers a form that was sent without a session: the sign-in page,
// which carries the form.
func (v *visit) signedOut() error {
	p := view.SignInPage{Gate: v.gate(), Host: v.site.host(), Mails: v.site.Mail != nil}
	sealed, tooLong := v.site.sealHeld(v.held(), v.now)
	p.Draft = sealed
	p.Note = keptNote
	if tooLong {
		p.Note = "You were signed out; sign in to continue. What you typed is too long to keep: go back and copy it first."
	}
	return v.showStatus(http.StatusUnauthorized, view.SignIn(p))
}

// keptNote is shown on the sign-in page that carries a form.
const keptNote = "You were signed out; sign in to continue. What you typed is kept."
