package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestStartDebugServer_OnlyLoopbackAddressesAreAccepted(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "169.254.1.1:0"} {
		d, err := startDebugServer(address, log)
		if err == nil {
			t.Errorf("%s is accepted", address)
			_ = d.close() // the test has failed
			continue
		}
		if !strings.Contains(err.Error(), "127.0.0.1:6060") {
			t.Errorf("%s: %v; want an address that works", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.8.9.10:0"} {
		d, err := startDebugServer(address, log)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if err := d.close(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestStartDebugServer_ServesProfilesUntilClosed(t *testing.T) {
	d, err := startDebugServer("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + d.listener.Addr().String() + "/debug/pprof/goroutine?debug=1"
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), "goroutine profile: total") {
		t.Errorf("%s, %v: %.200s", resp.Status, err, body)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get(url); err == nil {
		t.Errorf("after close: %s", resp.Status)
		_ = resp.Body.Close() // the test has failed
	}
}

func TestDebugHandler_RejectsOtherHostsAndHidesTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		host, path string
		want       int
	}{
		{"127.0.0.1:6060", "/debug/pprof/", http.StatusOK},
		{"localhost:6060", "/debug/pprof/", http.StatusOK},
		{"[::1]:6060", "/debug/pprof/", http.StatusOK},
		{"127.0.0.1", "/debug/pprof/", http.StatusOK},
		{"example.com", "/debug/pprof/", http.StatusForbidden},
		{"example.com:6060", "/debug/pprof/heap", http.StatusForbidden},
		{"127.0.0.1:6060", "/debug/pprof/cmdline", http.StatusNotFound},
		{"127.0.0.1:6060", "/heartbeats", http.StatusNotFound},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		debugHandler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s%s: status %d; want %d", c.host, c.path, w.Code, c.want)
		}
	}
}
