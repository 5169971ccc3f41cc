package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/client"
	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

// receivedRequest is one request that a test server received.
type receivedRequest struct {
	method string
	header http.Header
	body   []byte
}

// startWebhookServer starts a server that keeps its last request and responds with answer.
func startWebhookServer(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *receivedRequest) {
	t.Helper()
	last := &receivedRequest{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("body: %v", err)
		}
		*last = receivedRequest{r.Method, r.Header.Clone(), body}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server, last
}

// answerOK answers 200.
func answerOK(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "taken") }

func TestSendWebhook_PostsASignedBody(t *testing.T) {
	server, got := startWebhookServer(t, answerOK)
	before := time.Now().Add(-time.Second)
	receipt, err := newTestSender(t, Options{UserAgent: "Overdue/1"}).Send(t.Context(), "webhook", setting.Values{
		"url": server.URL + "/hook", "secret": testSecret, "headers": map[string]any{"authorization": "Bearer tok-123"},
	}, messagetest.Missed())
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Status != 200 || receipt.Detail != "taken" {
		t.Errorf("receipt %+v; want 200 taken", receipt)
	}
	want := map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer tok-123", "User-Agent": "Overdue/1", "Webhook-Id": "0199a1b2-alert",
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("header %s is %q; want %q", name, got.header.Get(name), value)
		}
	}
	stamp, err := strconv.ParseInt(got.header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || time.Unix(stamp, 0).Before(before.Truncate(time.Second)) || time.Unix(stamp, 0).After(time.Now()) {
		t.Errorf("webhook-timestamp %q is not the time of the attempt", got.header.Get("Webhook-Timestamp"))
	}
	// The test computes the signature from the specification, without the library.
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(testSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "0199a1b2-alert.%d.%s", stamp, got.body)
	signature := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got.header.Get("Webhook-Signature") != signature {
		t.Errorf("webhook-signature %q; want %q", got.header.Get("Webhook-Signature"), signature)
	}
	if got.method != http.MethodPost {
		t.Errorf("method %s; want POST", got.method)
	}
}

func TestSign_MatchesThePublishedVector(t *testing.T) {
	got, err := sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s; want %s", got, want)
	}
}

func TestSendWebhook_BodyAgreesWithHeadersAndText(t *testing.T) {
	server, got := startWebhookServer(t, answerOK)
	n := messagetest.Missed()
	n.Notice.AlertID, n.Notice.Event = "stale", "stale"
	if _, err := newTestSender(t, Options{}).Send(t.Context(), "webhook", setting.Values{"url": server.URL, "secret": testSecret}, n); err != nil {
		t.Fatal(err)
	}
	var body client.Notification
	if err := json.Unmarshal(got.body, &body); err != nil {
		t.Fatal(err)
	}
	want := n.Notice
	want.Event, want.AlertID, want.At = message.EventOpened, "0199a1b2-alert", n.At
	want.Text = "Nightly backup is Down: no ping since 03:00 UTC. It was due at 04:00:04, with a grace period of 1h.\n\n" + n.Description
	want.URL, want.Why, want.Output, want.AcknowledgeURL = n.URL, &n.Explanation, &n.Output, &n.AckURL
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestSendWebhook_StatusDecidesWhetherToRetry(t *testing.T) {
	date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	tests := []struct {
		status     int
		retryAfter string
		sent       bool
		final      bool
		wait       time.Duration
	}{
		{status: 200, sent: true},
		{status: 202, sent: true},
		{status: 299, sent: true},
		{status: 300, final: true},
		{status: 304, final: true},
		{status: 400, final: true},
		{status: 401, final: true},
		{status: 403, final: true},
		{status: 404, final: true, retryAfter: "5"},
		{status: 410, final: true},
		{status: 422, final: true},
		{status: 408},
		{status: 425},
		{status: 429, retryAfter: "7", wait: 7 * time.Second},
		{status: 429, retryAfter: date, wait: 90 * time.Second},
		{status: 503, retryAfter: "999999999999999999", wait: 24 * time.Hour},
		{status: 503, retryAfter: "18446744073709551615", wait: 24 * time.Hour},
		{status: 503, retryAfter: "Wed, 21 Oct 2015 07:28:00 GMT"},
		{status: 503, retryAfter: "-3"},
		{status: 503, retryAfter: "soon"},
		{status: 500},
		{status: 599},
	}
	out := newTestSender(t, Options{})
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d_%s", test.status, test.retryAfter), func(t *testing.T) {
			server, _ := startWebhookServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", test.retryAfter)
				w.WriteHeader(test.status)
			})
			receipt, err := out.Send(t.Context(), "webhook", setting.Values{"url": server.URL, "secret": testSecret}, messagetest.Missed())
			if test.sent {
				if err != nil || receipt.Status != test.status {
					t.Fatalf("got %+v, %v; want it sent", receipt, err)
				}
				return
			}
			got := sendErrorOf(t, err)
			if got.Status != test.status || got.Permanent != test.final {
				t.Errorf("failure %+v; want status %d, final %v", got, test.status, test.final)
			}
			// A date has whole seconds and time passes meanwhile.
			if d := test.wait - got.RetryAfter; d < 0 || d > 3*time.Second {
				t.Errorf("wait %v; want %v", got.RetryAfter, test.wait)
			}
		})
	}
}

func TestSendWebhook_FollowsOnlyRedirectsThatKeepTheMessageOnItsHost(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server, got := startWebhookServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusPermanentRedirect)
		case "/get":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/other":
			http.Redirect(w, r, other.URL+"/tok-999", http.StatusTemporaryRedirect)
		case "/private":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusTemporaryRedirect)
		case "/scheme":
			http.Redirect(w, r, "https://"+r.Host+"/end", http.StatusPermanentRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		default:
			answerOK(w, r)
		}
	})
	out := newTestSender(t, Options{})
	send := func(path string) error {
		_, err := out.Send(t.Context(), "webhook", setting.Values{"url": server.URL + path, "secret": testSecret}, messagetest.Missed())
		return err
	}
	if err := send("/same"); err != nil || got.method != http.MethodPost || len(got.body) == 0 {
		t.Errorf("308 on the same host: %v, %s with %d bytes; want the POST repeated", err, got.method, len(got.body))
	}
	for _, path := range []string{"/get", "/other", "/private", "/scheme", "/loop"} {
		failure := sendErrorOf(t, send(path))
		if !failure.Permanent || failure.Status/100 != 3 || !strings.Contains(failure.Reason, "Set the URL to the final address.") {
			t.Errorf("%s: %+v; want a final failure that says what to do", path, failure)
		}
		if strings.Contains(failure.Error(), "tok-999") {
			t.Errorf("%s: %v shows the new address", path, failure)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("the message reached another host")
	}
}

func TestSendWebhook_SecretsStayOutOfReceiptsAndErrors(t *testing.T) {
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, "%s %s\x00\x1b[31m %v", r.URL.String(), strings.ReplaceAll(r.URL.Path, "/", `\/`), r.Header)
			fmt.Fprint(w, " pw-secret pa\x01th-token ", testSecret)
		}
	}
	out := newTestSender(t, Options{})
	secrets := []string{"path-token", "query-token", "pw-secret", "tok-123", testSecret}
	for _, status := range []int{200, 404, 500} {
		server, _ := startWebhookServer(t, echo(status))
		receipt, err := out.Send(t.Context(), "webhook", setting.Values{
			"url": server.URL + "/services/path-token?key=query-token", "secret": testSecret,
			"headers": map[string]any{"Authorization": "Bearer tok-123", "X-Key": "pw-secret"},
		}, messagetest.Missed())
		text := fmt.Sprintf("%+v %v", receipt, err)
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%d: %q shows %q", status, text, secret)
			}
		}
		if strings.ContainsAny(text, "\x00\x01\x1b\n") {
			t.Errorf("%d: %q has control characters", status, text)
		}
		if !strings.Contains(text, setting.Masked) {
			t.Errorf("%d: %q; want dots in place of the secrets", status, text)
		}
	}
	// The server is closed, so the error comes from the network.
	closed := httptest.NewServer(http.HandlerFunc(answerOK))
	closed.Close()
	_, err := out.Send(t.Context(), "webhook", setting.Values{"url": closed.URL + "/path-token?key=query-token", "secret": testSecret}, messagetest.Missed())
	if got, want := sendErrorOf(t, err), "No connection to 127.0.0.1: connection refused."; got.Reason != want || got.Permanent {
		t.Errorf("failure %+v; want %q, to be tried again", got, want)
	}
}

func TestSendWebhook_ResponsesAreLimited(t *testing.T) {
	server, _ := startWebhookServer(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 16 {
			if _, err := fmt.Fprint(w, "å word "); err != nil {
				return // the reader has closed the connection
			}
		}
	})
	receipt, err := newTestSender(t, Options{}).Send(t.Context(), "webhook", setting.Values{"url": server.URL, "secret": testSecret}, messagetest.Missed())
	if err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(receipt.Detail)); n != message.MaxDetail {
		t.Errorf("%d characters kept; want %d", n, message.MaxDetail)
	}
}

func TestSendWebhook_TimesOutOnASilentServer(t *testing.T) {
	release := make(chan struct{})
	server, _ := startWebhookServer(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	out := newTestSender(t, Options{HTTPTimeout: 50 * time.Millisecond})
	_, err := out.Send(t.Context(), "webhook", setting.Values{"url": server.URL, "secret": testSecret}, messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || !strings.HasPrefix(got.Reason, "No answer from 127.0.0.1 within") {
		t.Errorf("failure %+v; want a time-out to be tried again", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = out.Send(ctx, "webhook", setting.Values{"url": server.URL, "secret": testSecret}, messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || got.Unwrap() != context.Canceled {
		t.Errorf("failure %+v; want the caller's own cancellation", got)
	}
}

func TestSendWebhook_TrustsOnlyCertificatesThatVerify(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(answerOK))
	defer server.Close()
	set := setting.Values{"url": server.URL, "secret": testSecret}
	_, err := newTestSender(t, Options{}).Send(t.Context(), "webhook", set, messagetest.Missed())
	if got := sendErrorOf(t, err); got.Permanent || !strings.Contains(got.Reason, "certificate of 127.0.0.1 is not trusted") {
		t.Errorf("failure %+v; want it to name the certificate", got)
	}
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := newTestSender(t, Options{TLSConfig: trusting}).Send(t.Context(), "webhook", set, messagetest.Missed()); err != nil {
		t.Errorf("with its authority trusted: %v", err)
	}
	blind := trusting.Clone()
	blind.RootCAs, blind.InsecureSkipVerify = nil, true
	if _, err := newTestSender(t, Options{TLSConfig: blind}).Send(t.Context(), "webhook", set, messagetest.Missed()); err == nil {
		t.Error("verification was turned off through the options")
	}
}

// endlessBody is a response body without an end.
type endlessBody struct{ read int }

func (e *endlessBody) Read(p []byte) (int, error) {
	e.read += len(p)
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func (e *endlessBody) Close() error { return nil }

func TestSendWebhook_ReadsOnlyTheStartOfAnEndlessResponse(t *testing.T) {
	body := &endlessBody{}
	text, cut := readResponse(&http.Response{Body: http.MaxBytesReader(nil, body, 1<<20)})
	if len(text) != maxResponseRead || !cut || body.read > 4*maxResponseRead {
		t.Errorf("%d bytes returned of %d read, cut %v", len(text), body.read, cut)
	}
}
