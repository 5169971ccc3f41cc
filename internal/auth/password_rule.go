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

// Limits of the length of a password. A few words are safer than any rule about
// kinds of characters. The maximum only limits the work.
const (
	minPasswordLength = 12   // in characters
	maxPasswordLength = 1000 // in bytes
)

const (
	// minScore is the lowest accepted score of zxcvbn, from 0 to 4: more than
	// 10^8 guesses.
	minScore = 3
	// maxScored is the number of characters that are scored. The time grows with
	// its cube, to 7 ms here.
	maxScored = 64
	// minOwnWord is the minimum length of a part of a name or address that counts as a
	// guessable word.
	minOwnWord = 3
)

// productName is a guessable word for every account.
const productName = "overdue"

// passwordFault returns a fault of a field if the password is too short, too
// long or easy to guess for the person. Every change of a password calls it.
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

// isWeak reports whether a password is easy to guess.
func isWeak(password string, own []string) bool {
	return zxcvbn.PasswordStrength(password, own).Score < minScore
}

// ownWords returns the parts of the name and address of a person and the name of
// the product, longest first.
func ownWords(name, email string) []string {
	words := strings.FieldsFunc(strings.ToLower(name+" "+email), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	words = append(words, productName, strings.ToLower(email), strings.ToLower(name))
	words = slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < minOwnWord })
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(words)
}

// withoutWords returns a password without the words, in any letter case. The
// rest must be strong enough alone.
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
