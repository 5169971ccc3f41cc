package web

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"overdue/internal/monitor"
	"overdue/internal/web/view/layout"
)

// tempDir sets a new temporary directory for the process. files counts the files in
// it.
func tempDir(t *testing.T) (files func() int) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
}

// upload returns a multipart form with a file of this size in bytes.
func upload(t *testing.T, size int) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	file, err := w.CreateFormFile("f", "f")
	if err == nil {
		_, err = file.Write(make([]byte, size))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return body, w.FormDataContentType()
}

func TestReadForm_EveryRouteLimitsTypeAndSize(t *testing.T) {
	files := tempDir(t)
	onEach(t, func(w *fixture) {
		th := w.createResources(1)
		for _, rt := range append(w.site.routes(), route{pattern: "POST /", right: anyone}, route{pattern: "POST /nowhere", right: anyone}) {
			method, _, _ := strings.Cut(rt.pattern, " ")
			if method == http.MethodGet {
				continue
			}
			for _, who := range []string{"", "owner"} {
				body, kind := upload(t, 200<<10)
				big := url.Values{"email": {strings.Repeat("a", 1<<20)}}.Encode()
				for name, c := range map[string]struct {
					body, kind string
					length     int64
					want       int
				}{
					"multipart":              {body.String(), kind, int64(body.Len()), 415},
					"JSON":                   {"{}", "application/json", 2, 415},
					"no type":                {"a=b", "", 3, 415},
					"1 MB":                   {big, formType, int64(len(big)), 413},
					"1 MB of unknown length": {big, formType, -1, 413},
					"multipart, no length":   {body.String(), kind, -1, 415},
				} {
					r := httptest.NewRequest(method, th.path(rt.pattern), strings.NewReader(c.body))
					r.ContentLength = c.length
					r.Header.Set("Sec-Fetch-Site", "same-origin")
					if c.kind != "" {
						r.Header.Set("Content-Type", c.kind)
					}
					a := w.send(who, r)
					// A form that leads to the sign-in page is not read.
					unread := who == "" && rt.right != anyone && a.code == http.StatusSeeOther && c.length < 0
					if a.code != c.want && !unread {
						w.Errorf("%s as %q, %s: %d, want %d", rt.pattern, who, name, a.code, c.want)
					}
					if a.code >= 400 && !strings.Contains(a.body, "<html") {
						w.Errorf("%s as %q, %s: no page: %q", rt.pattern, who, name, a.body)
					}
				}
			}
		}
	})
	if n := files(); n > 0 {
		t.Errorf("%d files are left in the temporary folder", n)
	}
}

func TestReadForm_SignedInPeopleMaySendMore(t *testing.T) {
	onEach(t, func(w *fixture) {
		for size, want := range map[int][2]int{ // signed out, and signed in
			60 << 10: {422, 422}, 70 << 10: {413, 422}, 250 << 10: {413, 422}, 260 << 10: {413, 413},
		} {
			form := url.Values{"comment": {strings.Repeat("a", size)}, "page": {"statuses"}, "helpful": {"no"}}
			for n, who := range []string{"", "member"} {
				if a := w.post(who, "/docs/feedback", form); a.code != want[n] {
					w.Errorf("%d bytes as %q: %d, want %d", size, who, a.code, want[n])
				}
			}
		}
	})
}

func TestRenderError_DoesNotLogACancelledRequest(t *testing.T) {
	onEach(t, func(w *fixture) {
		for name, handle := range map[string]handler{
			"a fault": func(*request) error { return monitor.Faultf(monitor.NotFound, "", "It does not exist.") },
			"a page": func(req *request) error {
				req.shell("")
				return req.render(layout.Error(layout.ErrorPage{SignedOutShell: req.signedOutShell(), Status: http.StatusOK}))
			},
		} {
			ctx, leave := context.WithCancel(w.Context())
			mux := http.NewServeMux()
			err := w.site.mount(mux, route{pattern: "GET /account", right: signedIn, handle: func(req *request) error {
				leave()
				return handle(req)
			}})
			if err != nil {
				w.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/account", nil)
			r.AddCookie(w.cookie("owner"))
			mux.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
			if ctx.Err() == nil {
				w.Fatalf("%s: the handler did not run", name)
			}
		}
		if log := w.log.String(); strings.Contains(log, "level=ERROR") {
			w.Errorf("the log has\n%s", log)
		}
	})
}
