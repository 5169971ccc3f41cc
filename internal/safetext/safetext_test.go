package safetext_test

import (
	"testing"

	"overdue/internal/safetext"
)

func TestFirstUnsafe_FindsCharactersThatCanDisguiseAName(t *testing.T) {
	for _, c := range []struct {
		text string
		want rune
	}{
		{"Nightly backup", 0},
		{"Größe – 夜間 – נתונים – بيانات – 👩‍🚀", 0}, // with a zero width joiner, which emoji need
		{"a replacement \uFFFD is a character", 0},
		{"line\nbreak", '\n'},
		{"tab\t", '\t'},
		{"C1 \u0085", '\u0085'},
		{"line separator \u2028", '\u2028'},
		{"paragraph separator \u2029", '\u2029'},
		{"left-to-right mark \u200e", '\u200e'},
		{"right-to-left mark \u200f", '\u200f'},
		{"Arabic letter mark \u061c", '\u061c'},
		{"embedding \u202a", '\u202a'},
		{"pop \u202c", '\u202c'},
		{"override \u202e", '\u202e'},
		{"isolate \u2066", '\u2066'},
		{"pop isolate \u2069", '\u2069'},
		{"not UTF-8 \xff", '\uFFFD'},
	} {
		got, found := safetext.FirstUnsafe(c.text)
		if got != c.want || found != (c.want != 0) {
			t.Errorf("%q: %U, %t; want %U", c.text, got, found, c.want)
		}
	}
}
