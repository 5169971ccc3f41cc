package ingest

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode/utf8"

	"overdue/internal/safetext"
)

// maxHost is the maximum length of a host that is stored unchanged, in bytes.
const maxHost = 100

// hostName returns the name of a host as it is stored. No name makes a ping invalid. Spaces around
// it are removed; an empty name counts as none. In a name that is too long, or that contains
// characters that can look like another name, these are replaced, and a checksum follows: two
// hosts with different names stay different.
func hostName(text string) string {
	text = strings.TrimSpace(text)
	cleaned := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || safetext.Unsafe(r) || safetext.StripInvisible(string(r)) == "" {
			return '_'
		}
		return r
	}, text)
	if cleaned == text && len(text) <= maxHost {
		return strings.Clone(text) // the query would stay in memory as well
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text)) // never fails
	end := fmt.Sprintf("~%016x", sum.Sum64())
	for cleaned = cleaned[:min(len(cleaned), maxHost-len(end))]; !utf8.ValidString(cleaned); {
		cleaned = cleaned[:len(cleaned)-1]
	}
	return cleaned + end
}
