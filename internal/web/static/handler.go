package static

import (
	"bytes"
	"net/http"
	"path"
	"strings"
	"time"
)

// immutableCacheControl is what RFC 8246 calls immutable: the name changes with the content,
// so asking again is never needed. The age is one year, in seconds.
const immutableCacheControl = "public, max-age=31536000, immutable"

// mediaType is said here and not guessed from the system's tables, which
// differ between machines and know nothing of nosniff.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

// Handler serves the files under [Prefix], by the names that [Path] returns,
// to GET and HEAD. Anything else is 404 or 405.
func Handler() http.Handler {
	return http.HandlerFunc(serve)
}

func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	f, ok := files.byServedName[strings.TrimPrefix(r.URL.Path, Prefix)]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType(f.servedName))
	h.Set("Cache-Control", immutableCacheControl)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", `"`+f.servedName+`"`)
	// No modification time: the build's clock must not show in the answer.
	http.ServeContent(w, r, f.servedName, time.Time{}, bytes.NewReader(f.content))
}
