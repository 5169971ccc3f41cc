package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"overdue/internal/httpd"
)

func TestRequireToken_RejectsRequestsWithoutTheToken(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "overdue_pings_waiting 0") })
	for _, c := range []struct {
		token, header string
		want          int
	}{
		{"", "", 200},
		{"s3cret", "", 401},
		{"s3cret", "Bearer ", 401},
		{"s3cret", "Bearer s3cre", 401},
		{"s3cret", "Basic s3cret", 401},
		{"s3cret", "s3cret", 401},
		{"s3cret", "Bearer s3cret", 200},
		{"s3cret", "bearer s3cret", 200},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		w := httptest.NewRecorder()
		requireToken(c.token, metrics).ServeHTTP(w, r)
		if w.Code != c.want || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("token %q, sent %q: %d; want %d", c.token, c.header, w.Code, c.want)
		}
	}
}

func TestReasons_TheManualExplainsEach(t *testing.T) {
	manual, err := os.ReadFile("../../docs/manual/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range httpd.Reasons() {
		if !strings.Contains(string(manual), "\n| `"+string(reason)+"` | ") {
			t.Errorf("the manual does not explain %s", reason)
		}
	}
}
