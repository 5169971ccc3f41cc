package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth_ExitsWithOneUnlessTheServerIsReady(t *testing.T) {
	status, body := http.StatusOK, "ready"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body + "\n"))
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	run := func() (int, string, string) {
		var out, errors strings.Builder
		code := Main([]string{"health", "--listen", address}, Streams{In: strings.NewReader(""), Out: &out, Err: &errors})
		return code, out.String(), errors.String()
	}
	if code, out, _ := run(); code != 0 || out != "ready\n" {
		t.Errorf("ready: exit code %d, %q", code, out)
	}
	status, body = http.StatusServiceUnavailable, "not ready: the database is unavailable"
	if code, _, text := run(); code != 1 || !strings.Contains(text, body) {
		t.Errorf("not ready: exit code %d, %q", code, text)
	}
	server.Close()
	if code, _, text := run(); code != 1 || !strings.Contains(text, address) {
		t.Errorf("no server: exit code %d, %q", code, text)
	}
}

func TestLocalAddress_IsReachableOnThisMachine(t *testing.T) {
	for listen, want := range map[string]string{
		":8080": "127.0.0.1:8080", "0.0.0.0:9000": "127.0.0.1:9000", "[::]:80": "[::1]:80", "10.0.0.1:80": "10.0.0.1:80", "localhost:1": "localhost:1",
	} {
		if got, err := localAddress(listen); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", listen, got, err, want)
		}
	}
}
