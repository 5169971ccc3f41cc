package pingid

import (
	"slices"
	"strings"
)

// idDigits is the number of hexadecimal digits of an id.
const idDigits = 32

// minTruncatedDigits is the minimum number of digits at the end of a text that count as the start
// of a truncated id.
const minTruncatedDigits = 8

// Replacement replaces an id.
const Replacement = "…"

// replacementUTF16 is the replacement in UTF-16 text. It has an odd number of bytes, like the
// replaced text, so that the text after it stays readable.
const replacementUTF16 = ".\x00.\x00."

// Find returns every possible id in text in the stored form: in lower case with hyphens, each once.
// In a longer row of digits without hyphens it returns only what looks like a random UUID, so that
// a long dump of digits has few candidates.
func Find(text string) []string {
	var found []string
	seen := map[string]bool{}
	scanMatches(text, func(m match) bool {
		if !m.hyphens && !m.isRandomUUID() && (hasDigitBefore(text, m.start) || hasDigitAfter(text, m.end)) {
			return false
		}
		if id := m.canonical(); !seen[id] {
			seen[id] = true
			found = append(found, id)
		}
		return false
	})
	return found
}

// Hide returns text with each of the ids replaced, in every spelling.
func Hide(text string, ids ...string) string {
	if len(ids) == 0 {
		return text
	}
	return replaceMatches(text, func(m match) (string, bool) {
		if !slices.Contains(ids, m.canonical()) {
			return "", false
		}
		if m.utf16 {
			return replacementUTF16, true
		}
		return Replacement, true
	})
}

// HideTruncated is Hide for a text that may be truncated: it also replaces the start of own at the
// end of the text, if it is long enough to help an attacker.
func HideTruncated(text, own string, ids ...string) string {
	text = Hide(text, append(ids, own)...)
	plain := strings.ReplaceAll(own, "-", "")
	for at := max(0, len(text)-3*2*idDigits); at < len(text); at++ {
		m := matchAt(text, at)
		rest := text[m.end:]
		ends := rest == "" || rest == "-" || rest == "%" || rest == "%2"
		if ends && m.count >= minTruncatedDigits && m.count < idDigits && strings.HasPrefix(plain, string(m.hex[:m.count])) {
			return text[:at] + Replacement
		}
	}
	return text
}

// Shorten returns text with every possible id cut to its first eight digits: enough to identify the
// heartbeat, not enough to ping.
func Shorten(text string) string {
	return replaceMatches(text, func(m match) (string, bool) { return string(m.hex[:8]) + Replacement, true })
}

// replaceMatches replaces each match that with accepts by the text that with returns.
func replaceMatches(text string, with func(match) (string, bool)) string {
	var out strings.Builder
	done := 0
	scanMatches(text, func(m match) bool {
		instead, ok := with(m)
		if ok {
			out.WriteString(text[done:m.start])
			out.WriteString(instead)
			done = m.end
		}
		return ok
	})
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// scanMatches calls each for every position in text that spells an id, including overlapping ones.
// After an accepted match it continues behind it.
func scanMatches(text string, each func(match) (taken bool)) {
	for at := 0; at < len(text); at++ {
		if m := matchAt(text, at); m.count == idDigits && each(m) {
			at = m.end - 1
		}
	}
}
