package httpd_test

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"overdue/internal/httpd"
)

func TestMaskPath_TheLogHoldsNoSecretOfALink(t *testing.T) {
	log, held := logging(slog.LevelDebug)
	h := httpd.Handler(http.NotFoundHandler(), log, discardRejections(), nil)
	for _, path := range []string{"/reset/" + anID + ".GEHEIM", "/invitations/GEHEIM", "/acknowledge/GEHEIM"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if !strings.Contains(held.String(), strings.Join(strings.Split(path, "/")[:2], "/")+"/…") {
			t.Errorf("%s is not in the log", path)
		}
	}
	// A token is valid in any path that contains it, so no spelling of a
	// path may write it down.
	token := anID + "." + rand.Text() + rand.Text()
	secret := strings.SplitN(token, ".", 2)[1]
	for _, path := range []string{
		"//reset/" + token, "/./reset/" + token, "/x/../reset/" + token, "/reset//" + token, "/reset/./" + token,
		"/overdue/reset/" + token, "/Reset/" + token, "/%72eset/" + token, "/%2572eset/" + token, "/" + secret, "/docs/" + secret,
		"/api/v1/heartbeats/" + "ovd_" + secret, "/resets/" + token, "/reset%2f" + token, "/reset;/" + token,
	} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if strings.Contains(held.String(), secret[:12]) {
			t.Errorf("the log holds the secret of %s", path)
			held.Reset()
		}
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v1/heartbeats/by-slug/nightly-database-backup-to-offsite-storage", nil))
	if !strings.Contains(held.String(), "nightly-database-backup-to-offsite-storage") {
		t.Errorf("a plain path is masked: %s", held)
	}
	if strings.Contains(held.String(), "GEHEIM") {
		t.Errorf("logged: %s", held)
	}
}
