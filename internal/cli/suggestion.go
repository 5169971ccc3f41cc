package cli

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean names the known name that is meant, most likely, by an unknown
// one; it is empty when nothing comes close.
func didYouMean(unknown string, known []string) string {
	own := strings.TrimPrefix(unknown, variablePrefix) // what all names share makes none of them near
	best, least := "", len(own)/2+1
	for _, name := range known {
		if d := editDistance(unknown, name); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// editDistance is the Levenshtein distance: how many bytes must be put in, taken out
// or replaced to turn one word into the other.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			replaced := above[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, replaced)
		}
	}
	return row[len(b)]
}
