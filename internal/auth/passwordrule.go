package auth

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"

	"overdue/internal/monitor"
)

// How long a password may be. A few words in a row are better than any rule
// about kinds of characters; the upper end only bounds the work.
const (
	minPasswordLength = 12   // in characters
	maxPasswordLength = 1000 // in bytes
)

const (
	// minScore is the lowest accepted score of zxcvbn, from 0 to 4: more than
	// 10^8 guesses, too many for sign-in and many for a slow hash.
	minScore = 3
	// maxScored bounds how much of a password is scored, in characters: the time
	// grows with the cube of it, to 7 ms here. A password that is weak up to
	// there is rejected.
	maxScored = 64
	// minOwnWord is the shortest part of a name or an address that counts as one.
	minOwnWord = 3
)

// productName is in the list of guesses for every account here.
const productName = "overdue"

// passwordFault returns a fault of a field unless the password may be chosen by
// the person with the name and the address. Every place that sets a password
// asks it.
func passwordFault(field, password, name, email string) *monitor.Fault {
	switch {
	case utf8.RuneCountInString(password) < minPasswordLength:
		return monitor.Faultf(monitor.Invalid, field, "Choose a password of at least %d characters.", minPasswordLength)
	case len(password) > maxPasswordLength:
		return monitor.Faultf(monitor.Invalid, field, "Choose a password of at most %d bytes.", maxPasswordLength)
	}
	own := ownWords(name, email)
	scored := firstRunes(strings.ToValidUTF8(password, "?"), maxScored)
	if rest := withoutWords(scored, own); rest != scored && isWeak(rest, nil) {
		return monitor.Faultf(monitor.Invalid, field,
			"This password is easy to guess: most of it is your name, your email address or the name of this program. Choose four or more unrelated words.")
	}
	if isWeak(scored, own) {
		return monitor.Faultf(monitor.Invalid, field,
			"This password is easy to guess: it is common, or made of a pattern such as qwerty or 1234. Choose four or more unrelated words.")
	}
	return nil
}

// isWeak reports whether a password is among the first guesses.
func isWeak(password string, own []string) bool {
	return zxcvbn.PasswordStrength(password, own).Score < minScore
}

// ownWords are the parts of a person's name and address, and the product's name,
// longest first.
func ownWords(name, email string) []string {
	words := strings.FieldsFunc(strings.ToLower(name+" "+email), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	words = append(words, productName, strings.ToLower(email), strings.ToLower(name))
	words = slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < minOwnWord })
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(words)
}

// withoutWords returns a password without the words, in whatever case they are
// written. Taking them out must leave a password that is good enough alone.
func withoutWords(password string, words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = regexp.QuoteMeta(w)
	}
	return regexp.MustCompile(`(?i)`+strings.Join(quoted, "|")).ReplaceAllLiteralString(password, "")
}

// firstRunes returns the first n characters of a text.
func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
