package message

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"overdue/internal/safetext"
)

// MaxDetail is the maximum length of a stored response, in characters.
const MaxDetail = 500

// terminalCodes matches terminal sequences in the output of jobs (ECMA-48): titles
// and other strings, colors, cursor movements and character sets. An unterminated
// string ends with its line.
var terminalCodes = regexp.MustCompile(`\x1b[\]PX^_][^\x07\x1b\n]*(\x07|\x1b\\)?|\x1b\[[0-9;:<=>?]*[ -/]*[@-~]|\x1b[ -/]+[0-~]`)

// OneLine returns text as valid UTF-8 in one line. White space and characters
// that could break a line, a header or the text direction become a single
// space.
func OneLine(text string) string {
	text = strings.ToValidUTF8(text, "�")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || safetext.Unsafe(r)
	}), " ")
}

// Lines returns text as valid UTF-8 with \n as line break and without other
// control characters.
func Lines(text string) string {
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

// Shorten returns text with at most n characters. A shortened text ends with an
// ellipsis.
func Shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
