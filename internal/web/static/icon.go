package static

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// maxFaviconCount is the greatest number in a favicon. Above it the icon shows "9+".
const maxFaviconCount = 9

// rootCacheControl caches files whose address is fixed by convention.
const rootCacheControl = "public, max-age=86400"

// RootFiles are the files that browsers request by a fixed path, without a link.
var RootFiles = map[string]string{
	"/favicon.ico":                      "favicon.ico",
	"/apple-touch-icon.png":             TouchIcon,
	"/apple-touch-icon-precomposed.png": TouchIcon,
}

// FaviconPaths returns the paths of the favicons, separated by spaces: without a
// number, from 1 to 9, and "9+".
func FaviconPaths() string {
	all := []string{Path(Favicon)}
	for n := 1; n <= maxFaviconCount+1; n++ {
		all = append(all, Path(downFavicon(n)))
	}
	return strings.Join(all, " ")
}

// downFavicon is the name of the favicon with a number.
func downFavicon(n int) string { return "favicon-down-" + strconv.Itoa(n) + ".svg" }

// addDownFavicons adds the favicons that show how many heartbeats are Down.
func (s fileIndex) addDownFavicons() {
	plain, _ := bytes.CutSuffix(bytes.TrimSpace(s.bySource[Favicon].content), []byte("</svg>"))
	for n := 1; n <= maxFaviconCount+1; n++ {
		text := strconv.Itoa(min(n, maxFaviconCount))
		if n > maxFaviconCount {
			text += "+"
		}
		badge := `<circle cx="16" cy="16" r="8" fill="#d3331f" stroke="none"/>` +
			`<text x="16" y="20" font-family="sans-serif" font-size="11.5" font-weight="700" text-anchor="middle" fill="#fff" stroke="none">` + text + `</text></svg>`
		s.add(downFavicon(n), append(bytes.Clone(plain), badge...))
	}
}

// addManifest replaces the names of the icons in the manifest by their paths.
func (s fileIndex) addManifest() {
	content := string(s.bySource[Manifest].content)
	delete(s.byServedName, s.bySource[Manifest].servedName)
	for _, name := range []string{"icon-192.png", "icon-512.png"} {
		content = strings.ReplaceAll(content, `"`+name+`"`, `"`+Prefix+s.bySource[name].servedName+`"`)
	}
	s.add(Manifest, []byte(content))
}

// RootHandler serves one of [RootFiles].
func RootHandler(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serveFile(w, r, files.bySource[name], rootCacheControl)
	})
}
