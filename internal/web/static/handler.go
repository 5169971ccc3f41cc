package static

import (
	"bytes"
	"net/http"
	"path"
	"strings"
	"time"
)

// immutableCacheControl caches a file for one year (RFC 8246): browsers need no
// revalidation, because a name changes with the content.
const immutableCacheControl = "public, max-age=31536000, immutable"

// mediaType returns the media type of an asset. The tables of the operating system
// differ between machines, so they are not used.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		return "application/octet-stream"
	}
}

// Handler serves the files at the paths that [Path] returns, to GET and HEAD. It
// answers all other requests with 404 or 405.
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
	serveFile(w, r, f, immutableCacheControl)
}

// serveFile serves a file, with its hash as the ETag.
func serveFile(w http.ResponseWriter, r *http.Request, f file, cacheControl string) {
	h := w.Header()
	h.Set("Content-Type", mediaType(f.servedName))
	h.Set("Cache-Control", cacheControl)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", `"`+f.servedName+`"`)
	// No modification time: the response must not depend on the time of the build.
	http.ServeContent(w, r, f.servedName, time.Time{}, bytes.NewReader(f.content))
}
