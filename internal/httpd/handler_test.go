package httpd_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"overdue/internal/httpd"
)

const anID = "3f0c2a54-9b7e-4d1f-8a36-5c2e7f9b1d08"

// logging returns a log at the given level, and what it holds.
func logging(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var held bytes.Buffer
	return slog.New(slog.NewTextHandler(&held, &slog.HandlerOptions{Level: level})), &held
}

func TestHandler_TheLogHoldsNoIDThatCanPing(t *testing.T) {
	log, held := logging(slog.LevelDebug)
	h := httpd.Handler(http.NotFoundHandler(), log, discardRejections(), nil)
	for _, target := range []string{
		"/api/v1/hb/" + anID + "/fail?rid=" + anID + "&token=geheim",
		"/api/v1/heartbeats/" + strings.ToUpper(anID),
		"/api/v1/hb/" + strings.ReplaceAll(anID, "-", ""),
	} {
		r := httptest.NewRequest("POST", target, nil)
		r.Header.Set("Authorization", "Bearer geheim")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	said := strings.ToLower(held.String())
	if strings.Contains(said, anID) || strings.Contains(said, strings.ReplaceAll(anID, "-", "")) || strings.Contains(said, "geheim") {
		t.Errorf("logged: %s", said)
	}
	if n := strings.Count(said, "3f0c2a54…"); n != 3 || strings.Count(said, "status=404") != 3 {
		t.Errorf("%d lines find the heartbeat: %s", n, said)
	}
}

func TestHandler_PingsAndProbesAreLoggedAtDebugLevel(t *testing.T) {
	log, held := logging(slog.LevelInfo)
	h := httpd.Handler(http.NotFoundHandler(), log, discardRejections(), nil)
	for _, path := range []string{"/api/v1/hb/" + anID, "/healthz", "/readyz", "/metrics"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	if held.Len() > 0 {
		t.Errorf("logged: %s", held)
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v1/heartbeats", nil))
	if !strings.Contains(held.String(), "path=/api/v1/heartbeats status=404") || !strings.Contains(held.String(), "client=192.0.2.1") {
		t.Errorf("logged: %s", held)
	}
}

func TestHandler_KeepsAValidRequestIDAndReplacesAnyOther(t *testing.T) {
	log, held := logging(slog.LevelInfo)
	h := httpd.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, httpd.RequestID(r)) // a ResponseRecorder returns no error
	}), log, discardRejections(), nil)
	for given, kept := range map[string]bool{"abc-1.2_3": true, "": false, "a b": false, "x\ny": false, strings.Repeat("a", 65): false, "a\"": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Request-Id"] = []string{given}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if (got == given) != kept || got == "" || w.Body.String() != got || !strings.Contains(held.String(), "request_id="+got) {
			t.Errorf("%q became %q", given, got)
		}
	}
}

func TestHandler_APanicIsAnsweredAndLogged(t *testing.T) {
	log, held := logging(slog.LevelInfo)
	srv := httptest.NewServer(httpd.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/before":
			panic("secret thing")
		case "/during":
			_, _ = io.WriteString(w, "half") // the test breaks it on purpose
			_ = http.NewResponseController(w).Flush()
			panic("secret thing")
		}
		panic(http.ErrAbortHandler)
	}), log, discardRejections(), nil))
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + "/before")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 500 || strings.Contains(string(body), "secret") || !strings.Contains(string(body), resp.Header.Get("X-Request-Id")) {
		t.Errorf("%d %s, %v", resp.StatusCode, body, err)
	}
	resp, err = srv.Client().Get(srv.URL + "/during")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a part passes for the whole: %q, %v", body, err)
	}
	if _, err := srv.Client().Get(srv.URL + "/abort"); err == nil {
		t.Error("an aborted request was answered")
	}
	srv.Close()
	if said := held.String(); strings.Count(said, "handler panicked") != 2 || !strings.Contains(said, "handler_test.go") {
		t.Errorf("logged: %s", said)
	}
}

func TestHandler_PassesAResponseUnchanged(t *testing.T) {
	log, held := logging(slog.LevelInfo)
	h := httpd.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout") // a ResponseRecorder returns no error
	}), log, discardRejections(), nil)
	srv := httptest.NewServer(h)
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	srv.Close()
	if err != nil || resp.StatusCode != 418 || string(body) != "short and stout" || !strings.Contains(held.String(), "status=418 bytes=15") {
		t.Errorf("%d %s, %v, logged %s", resp.StatusCode, body, err, held)
	}
}

func TestHandler_RejectsAVeryLongURL(t *testing.T) {
	log, _ := logging(slog.LevelInfo)
	s := startServer(t, httpd.Options{Handler: httpd.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), log, discardRejections(), nil)})
	for length, want := range map[int]int{8 << 10: 200, 8<<10 + 1: 414, 15 << 10: 414, 64 << 10: 431} {
		resp, err := http.Get(s.url() + "/" + strings.Repeat("x", length-1))
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("%d bytes: %d, want %d", length, resp.StatusCode, want)
		}
	}
}
