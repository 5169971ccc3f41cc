package notify

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

func TestSend_AWebhookThatGotTheRequestAndDoesNotAnswerIsUncertain(t *testing.T) {
	server, _ := startWebhookServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	})
	set := setting.Values{"url": server.URL, "secret": testSecret}
	_, err := newTestSender(t, Options{}).Send(t.Context(), "webhook", set, messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || !got.Uncertain || !strings.HasSuffix(got.Reason, " The alert may have arrived.") {
		t.Errorf("failure %+v; want it uncertain, to be tried again", got)
	}
	server.Close()
	_, err = newTestSender(t, Options{}).Send(t.Context(), "webhook", set, messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || got.Uncertain || strings.Contains(got.Reason, "may have arrived") {
		t.Errorf("failure %+v; want it certain that nothing was sent", got)
	}
}
