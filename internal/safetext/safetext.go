// Package safetext decides which characters a name can contain: it must read the same in a page, a
// terminal, a log and a mail header, and must not be able to look like another name.
//
// It rejects control characters, line and paragraph separators, and the characters that change the
// reading direction (Unicode UAX #9, table 4). Right-to-left scripts do not need them.
//
// It also decodes the output of jobs, which is not always UTF-8, and writes the times of an
// explanation in the zone of its reader.
package safetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unsafe reports whether r is a control character, a line or paragraph separator, or a character
// that changes the reading direction.
func Unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// FirstUnsafe returns the first character that a name must not contain, and false if none exists.
// A byte that is not valid UTF-8 is returned as U+FFFD.
func FirstUnsafe(text string) (rune, bool) {
	for i, r := range text {
		if Unsafe(r) {
			return r, true
		}
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return r, true
			}
		}
	}
	return 0, false
}

// StripInvisible returns text without invisible characters, such as the zero width space and the
// soft hyphen (Unicode, Default_Ignorable_Code_Point), and without the empty Braille pattern. Names
// can contain them, because emoji and some scripts need joiners. Use it to compare names as people
// see them.
func StripInvisible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\u2800' || unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, text)
}
