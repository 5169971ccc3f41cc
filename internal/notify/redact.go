package notify

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

const (
	// maxResponseRead is the maximum size of a response that is read, in bytes.
	maxResponseRead = 64 << 10
	// minSecretLength is the minimum length of a string that is hidden. Shorter
	// strings would occur by chance.
	minSecretLength = 4
)

// redactor hides secrets in texts that are shown or logged.
type redactor struct{ secrets []string }

// newRedactor returns a redactor for the given strings in common encodings.
// Longer strings come first, so a secret that contains another one is hidden as
// a whole.
func newRedactor(secrets ...string) redactor {
	var all []string
	for _, s := range secrets {
		if len(s) < minSecretLength {
			continue
		}
		forms := []string{
			s, message.OneLine(s), url.QueryEscape(s), url.PathEscape(s),
			strings.ReplaceAll(s, "/", `\/`), base64.StdEncoding.EncodeToString([]byte(s)),
		}
		for _, form := range forms {
			if !slices.Contains(all, form) {
				all = append(all, form)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return redactor{all}
}

// hide returns text with every secret replaced by dots.
func (r redactor) hide(text string) string {
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, setting.Masked)
	}
	return text
}

// cleanResponse returns a response in a form that can be stored: one short line
// without control characters and secrets. If cut is true, the response was
// truncated and may end with a part of a secret.
func (r redactor) cleanResponse(raw string, cut bool) string {
	// Cleaned before hiding: removing the line breaks from a folded secret
	// could restore it.
	text := r.hide(message.OneLine(raw))
	if cut {
		text = r.trimPart(text)
	}
	return message.Shorten(text, message.MaxDetail)
}

// trimPart drops the start of a secret from the end of text.
func (r redactor) trimPart(text string) string {
	longest := 0
	for _, s := range r.secrets {
		for n := min(len(s)-1, len(text)); n > longest; n-- {
			if strings.HasSuffix(text, s[:n]) {
				longest = n
			}
		}
	}
	return text[:len(text)-longest]
}

// urlSecrets returns the parts of a URL that may be credentials: everything except
// scheme, host and port.
func urlSecrets(u *url.URL) []string {
	parts := []string{u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery, u.Fragment}
	parts = append(parts, strings.Split(strings.Trim(u.Path, "/"), "/")...)
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	return parts
}
