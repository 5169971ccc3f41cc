package static_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"overdue/internal/web/static"
)

func fetch(method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestHandler_ServesEveryFileUnderItsHashedName(t *testing.T) {
	for name, media := range map[string]string{
		static.Style:   "text/css; charset=utf-8",
		static.Script:  "text/javascript; charset=utf-8",
		static.Icons:   "image/svg+xml",
		static.Favicon: "image/svg+xml",

		static.TouchIcon: "image/png",
		static.Manifest:  "application/manifest+json",
	} {
		path := static.Path(name)
		if !regexp.MustCompile(`^/static/[a-z-]+\.[0-9a-f]{10}\.[a-z]+$`).MatchString(path) {
			t.Errorf("path of %s is %q; want a hash in it", name, path)
		}
		w := fetch(http.MethodGet, path)
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("GET %s answered %d with %d bytes", path, w.Code, w.Body.Len())
		}
		if got := w.Header().Get("Content-Type"); got != media {
			t.Errorf("%s has type %q; want %q", path, got, media)
		}
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s is cached as %q; want immutable", path, got)
		}
	}
}

func TestHandler_NameWithoutCurrentHashIsNotFound(t *testing.T) {
	for _, path := range []string{
		"/static/style.css", "/static/style.0000000000.css", "/static/", "/static/../static.go", "/static/assets/style.css",
		static.Path("nothing.css"),
	} {
		if w := fetch(http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s answered %d; want 404", path, w.Code)
		}
	}
}

func TestHandler_ConditionalRequestIsNotModified(t *testing.T) {
	path := static.Path(static.Style)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("If-None-Match", fetch(http.MethodGet, path).Header().Get("ETag"))
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusNotModified {
		t.Errorf("conditional GET answered %d; want 304", w.Code)
	}
}

func TestHandler_AllowsOnlyGetAndHead(t *testing.T) {
	if w := fetch(http.MethodPost, static.Path(static.Style)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST answered %d; want 405", w.Code)
	}
	if w := fetch(http.MethodHead, static.Path(static.Style)); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("HEAD answered %d with %d bytes; want 200 and none", w.Code, w.Body.Len())
	}
}

// TestStylesheet_EveryLayerIsClosed: a missing brace would put all later layers into
// the one before, where they apply to nothing or everywhere.
func TestStylesheet_EveryLayerIsClosed(t *testing.T) {
	text, err := os.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for n, line := range strings.Split(regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(text), ""), "\n") {
		if strings.HasPrefix(line, "@layer") && depth != 0 {
			t.Errorf("line %d without comments: %s is inside another block", n+1, line)
		}
		depth += strings.Count(line, "{") - strings.Count(line, "}")
	}
	if depth != 0 {
		t.Errorf("%d blocks are not closed", depth)
	}
}

func TestStylesheet_EveryClassIsUsed(t *testing.T) {
	style, err := os.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	sources := pageSources(t)
	words := map[string]bool{}
	for _, word := range regexp.MustCompile(`[a-z0-9-]+`).FindAllString(sources, -1) {
		words[word] = true
	}
	for _, found := range regexp.MustCompile(`\.([a-z][a-z0-9-]*)`).FindAllStringSubmatch(string(style), -1) {
		class := found[1]
		used := words[class]
		for i := 0; i < len(class) && !used; i++ { // "m-" + outcome
			used = class[i] == '-' && strings.Contains(sources, `"`+class[:i+1]+`"`) && strings.Contains(sources, `"`+class[i+1:]+`"`)
		}
		if !used {
			t.Errorf("no page has the class %s", class)
		}
	}
}

// pageSources returns what can contain the classes of pages: templates, Go code and scripts.
func pageSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, root := range []string{"../../web", "../../snippet"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			isSource := slices.Contains([]string{".go", ".templ", ".js"}, filepath.Ext(path)) && !strings.HasSuffix(path, "_templ.go") && !strings.HasSuffix(path, "_test.go")
			if err != nil || !isSource {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
