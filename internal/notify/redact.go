package notify

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"overdue/internal/safetext"
)

const (
	// maxResponseRead is the maximum size of a response that is read, in bytes.
	maxResponseRead = 4 << 10
	// maxDetail is the maximum length of a stored response, in characters.
	maxDetail = 500
	// minSecretLength is the minimum length of a string that is hidden. Shorter
	// strings would occur by chance.
	minSecretLength = 4
)

// terminalCodes matches terminal sequences in the output of jobs (ECMA-48): titles
// and other strings, colors, cursor movements and character sets. An unterminated
// string ends with its line.
var terminalCodes = regexp.MustCompile(`\x1b[\]PX^_][^\x07\x1b\n]*(\x07|\x1b\\)?|\x1b\[[0-9;:<=>?]*[ -/]*[@-~]|\x1b[ -/]+[0-~]`)

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
			s, oneLine(s), url.QueryEscape(s), url.PathEscape(s),
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
		text = strings.ReplaceAll(text, s, Masked)
	}
	return text
}

// cleanResponse returns a response in a form that can be stored: one short line
// without control characters and secrets. If cut is true, the response was
// truncated and may end with a part of a secret.
func (r redactor) cleanResponse(raw string, cut bool) string {
	// Cleaned before hiding: removing the line breaks from a folded secret
	// could restore it.
	text := r.hide(oneLine(raw))
	if cut {
		text = r.trimPart(text)
	}
	return shorten(text, maxDetail)
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

// oneLine returns text as valid UTF-8 in one line. White space and characters
// that could break a line, a header or the text direction become a single
// space.
func oneLine(text string) string {
	text = strings.ToValidUTF8(text, "�")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || safetext.Unsafe(r)
	}), " ")
}

// lines returns text as valid UTF-8 with \n as line break and without other
// control characters.
func lines(text string) string {
	text = strings.ToValidUTF8(text, "�")
	text = terminalCodes.ReplaceAllString(text, "")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && safetext.Unsafe(r) {
			return -1
		}
		return r
	}, text)
}

// emailAddressPattern matches text that may be an email address.
var emailAddressPattern = regexp.MustCompile(`[^\s<>:;,()"']+@[^\s<>:;,()"']+`)

// HideAddresses returns text without email addresses, for the log, because some of
// its readers have no access to the settings of channels.
func HideAddresses(text string) string {
	return emailAddressPattern.ReplaceAllString(text, "(address)")
}

// shorten returns text with at most n characters. A shortened text ends with an
// ellipsis.
func shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
