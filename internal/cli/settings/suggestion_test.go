package settings

import (
	"testing"

	"pgregory.net/rapid"
)

func TestEditDistance_AgreesWithTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,5}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		if got, want := editDistance(a, b), recursiveEditDistance(a, b); got != want {
			t.Fatalf("editDistance(%q, %q) = %d; want %d", a, b, got, want)
		}
	})
}

// recursiveEditDistance is the textbook recursion.
func recursiveEditDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	if a[0] == b[0] {
		return recursiveEditDistance(a[1:], b[1:])
	}
	return 1 + min(recursiveEditDistance(a[1:], b), recursiveEditDistance(a, b[1:]), recursiveEditDistance(a[1:], b[1:]))
}
