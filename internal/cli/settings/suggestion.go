package settings

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean suggests the known name that is closest to an unknown one. It returns ""
// if none is close.
func didYouMean(unknown string, known []string) string {
	own := strings.TrimPrefix(unknown, envPrefix) // the prefix that all names share says nothing
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

// editDistance returns the Levenshtein distance: the number of bytes to insert, delete
// or replace to turn one word into the other.
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
