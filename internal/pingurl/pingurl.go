// Package pingurl is the only place that lists the forms of ping URLs. To add a
// form, add it to [Paths] and describe it in docs/manual/pinging.md.
package pingurl

import (
	"path"
	"strings"
)

// Path is the prefix of one form of ping URLs. The id of the heartbeat follows it,
// then optionally a slash and a signal.
type Path string

// Paths lists all forms. The first one is printed; ingest accepts all of them.
var Paths = []Path{"/api/v1/hb/"}

// For returns the ping URL of a heartbeat on a server with the given base URL.
// Without a base it is only the path.
func For(base, id string) string { return strings.TrimRight(base, "/") + string(Paths[0]) + id }

// Cut returns what follows the prefix of a URL path, and whether the path is that of
// a ping.
func Cut(urlPath string) (rest string, isPing bool) {
	for _, p := range Paths {
		if rest, found := strings.CutPrefix(urlPath, string(p)); found {
			return rest, true
		}
	}
	return "", false
}

// Clean returns the path of a ping as ingest expects it. A base URL with a slash at
// its end makes paths such as //api/v1/hb/…: a redirect would look like success to
// many jobs.
func Clean(urlPath string) (cleaned string, isPing bool) {
	if _, isPing := Cut(urlPath); isPing {
		return urlPath, true
	}
	cleaned = path.Clean(urlPath)
	_, isPing = Cut(cleaned)
	return cleaned, isPing
}
