package ui

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Itoa writes a number that is not counted: a coordinate, an incident's number.
func Itoa(n int) string { return strconv.Itoa(n) }

func JoinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// Capitalize writes a lower-case word of the product, such as a role, as a label.
func Capitalize(word string) string {
	r, size := utf8.DecodeRuneInString(word)
	if size == 0 {
		return ""
	}
	return strings.ToUpper(string(r)) + word[size:]
}

// WithFullStop is a sentence with a full stop, also when it already has one.
func WithFullStop(sentence string) string { return strings.TrimSuffix(sentence, ".") + "." }

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// Count writes a number with thousands separators: "1,284".
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

// Plural counts a noun: "1 ping", "1,137 pings".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Range says which rows of how many a page shows: "1–25 of 1,284". A total
// below zero is unknown and left out.
func Range(first, last, total int) string {
	switch {
	case last < first || total == 0:
		return "None"
	case total < 0:
		return Count(first) + "–" + Count(last)
	default:
		return fmt.Sprintf("%s–%s of %s", Count(first), Count(last), Count(total))
	}
}

// JoinWords joins words the way people do: "Slack, PagerDuty and email".
func JoinWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// If chooses between two forms.
func If(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
