package static_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"overdue/internal/web/static"
)

func TestFaviconPaths_EachIconShowsItsNumber(t *testing.T) {
	paths := strings.Fields(static.FaviconPaths())
	if len(paths) != 11 {
		t.Fatalf("%d favicons; want none, 1 to 9, and 9+", len(paths))
	}
	for n, text := range []string{"", "1", "2", "3", "4", "5", "6", "7", "8", "9", "9+"} {
		w := fetch(http.MethodGet, paths[n])
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" {
			t.Errorf("GET %s answered %d with type %q", paths[n], w.Code, w.Header().Get("Content-Type"))
		}
		if has := strings.Contains(w.Body.String(), ">"+text+"</text></svg>"); has != (text != "") {
			t.Errorf("favicon %d does not show %q:\n%s", n, text, w.Body)
		}
	}
}

func TestManifest_ItsIconsAreServed(t *testing.T) {
	var manifest struct {
		Icons []struct{ Src string }
	}
	if err := json.Unmarshal(fetch(http.MethodGet, static.Path(static.Manifest)).Body.Bytes(), &manifest); err != nil || len(manifest.Icons) == 0 {
		t.Fatalf("manifest with %d icons: %v", len(manifest.Icons), err)
	}
	for _, icon := range manifest.Icons {
		if w := fetch(http.MethodGet, icon.Src); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/png" {
			t.Errorf("GET %s answered %d with type %q", icon.Src, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

func TestRootHandler_ServesAnImageThatIsNotImmutable(t *testing.T) {
	for path, name := range static.RootFiles {
		w := httptest.NewRecorder()
		static.RootHandler(name).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "image/") || w.Body.Len() == 0 {
			t.Errorf("GET %s answered %d with type %q and %d bytes", path, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s can change, but is cached as %q", path, w.Header().Get("Cache-Control"))
		}
	}
}
