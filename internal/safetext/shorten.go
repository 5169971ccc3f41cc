package safetext

import (
	"strings"
	"unicode/utf8"
)

// Shorten returns at most n characters of a text. A shortened text ends in "…".
func Shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// Sentence turns a clause into a sentence: with a capital letter and a full stop.
func Sentence(clause string) string {
	_, size := utf8.DecodeRuneInString(clause)
	return strings.ToUpper(clause[:size]) + clause[size:] + "."
}
