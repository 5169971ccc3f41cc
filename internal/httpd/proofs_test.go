package httpd_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"overdue/internal/httpd"
)

func TestTheLogHoldsNoSecretOfALink(t *testing.T) {
	log, held := logging(slog.LevelDebug)
	h := httpd.Handler(http.NotFoundHandler(), log, ignored(), nil)
	for _, path := range []string{"/reset/" + anID + ".GEHEIM", "/invitations/GEHEIM", "/acknowledge/GEHEIM"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if !strings.Contains(held.String(), strings.Join(strings.Split(path, "/")[:2], "/")+"/…") {
			t.Errorf("%s is not in the log", path)
		}
	}
	if strings.Contains(held.String(), "GEHEIM") {
		t.Errorf("logged: %s", held)
	}
}
