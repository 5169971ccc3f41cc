package forms

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"overdue/internal/web/view/ui"
)

// Limits of a held form.
const (
	HeldFormMaxAge  = 24 * time.Hour
	MaxHeldFormSize = 64 << 10 // bytes before encryption: several times the longest description
)

// HeldForm is a submitted form that was not processed, because the session has
// ended or because the form belongs to another project than the selected one. The
// response carries it in a hidden field, encrypted and authenticated. The server
// stores nothing.
type HeldForm struct {
	Expires time.Time  `json:"ends"`
	Path    string     `json:"path"` // to which the form was sent
	Page    string     `json:"page"` // that contains the form
	Project string     `json:"project"`
	Person  string     `json:"person"`
	Values  url.Values `json:"values"`
}

// SealHeldForm encrypts a form. It returns true if the form is too long to be carried.
func (s Sealer) SealHeldForm(d HeldForm, now time.Time) (text string, tooLong bool) {
	d.Expires = now.Add(HeldFormMaxAge)
	plain, _ := json.Marshal(d) // strings and a time always marshal
	if len(plain) > MaxHeldFormSize {
		return "", true
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(ui.HeldFormField))), false
}

// OpenHeldForm decrypts a form. It returns false if the form was not sealed with this
// key or has expired.
func (s Sealer) OpenHeldForm(text string, now time.Time) (d HeldForm, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return d, false
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(ui.HeldFormField))
	if err != nil || json.Unmarshal(plain, &d) != nil || now.After(d.Expires) {
		return HeldForm{}, false
	}
	return d, true
}
