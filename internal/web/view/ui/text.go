package ui

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Itoa formats a number without separators: a coordinate, the number of an
// incident. For counts, see [Count].
func Itoa(n int) string { return strconv.Itoa(n) }

func JoinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// Capitalize returns the text with an upper-case first letter.
func Capitalize(word string) string {
	r, size := utf8.DecodeRuneInString(word)
	if size == 0 {
		return ""
	}
	return strings.ToUpper(string(r)) + word[size:]
}

// WithFullStop returns the sentence with exactly one full stop at its end.
func WithFullStop(sentence string) string { return strings.TrimSuffix(sentence, ".") + "." }

// nbsp is a no-break space. It keeps a number and its unit on one line.
const nbsp = "\u00a0"

// Count formats a number with thousands separators: "1,284".
func Count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural returns a number with its noun: "1 ping", "1,137 pings".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Range returns the rows that a page shows and their total: "1–25 of 1,284". A
// negative total means unknown and is left out.
func Range(first, last, total int) string {
	switch {
	case last < first || total == 0:
		return "None"
	case total == -1:
		return Count(first) + "–" + Count(last)
	case total < 0:
		return fmt.Sprintf("%s–%s of %s+", Count(first), Count(last), Count(-total))
	default:
		return fmt.Sprintf("%s–%s of %s", Count(first), Count(last), Count(total))
	}
}

// JoinWords returns the words as a list: "Slack, PagerDuty and email".
func JoinWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// If returns yes if the condition is true, otherwise no.
func If(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
