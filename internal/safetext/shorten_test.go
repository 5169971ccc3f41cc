package safetext

import "testing"

func TestShorten_KeepsCharactersWhole(t *testing.T) {
	for text, want := range map[string]string{"": "", "four": "four", "fünf!": "fün…", "日本語です": "日本語…"} {
		if got := Shorten(text, 4); got != want {
			t.Errorf("Shorten(%q) = %q; want %q", text, got, want)
		}
	}
}

func TestSentence_BeginsWithACapitalAndEndsWithAFullStop(t *testing.T) {
	for clause, want := range map[string]string{"hour 25 is out of range": "Hour 25 is out of range.", "öl fehlt": "Öl fehlt.", "": "."} {
		if got := Sentence(clause); got != want {
			t.Errorf("Sentence(%q) = %q; want %q", clause, got, want)
		}
	}
}
