package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/net/http/httpguts"
)

// webhookKind posts the notification as JSON, signed according to the Standard
// Webhooks specification.
func webhookKind() Kind {
	return Kind{
		Name: "webhook", Label: "Webhook",
		Help:          "Posts signed JSON to a URL.",
		MaxConcurrent: maxWebhookConcurrency,
		Fields: []Field{
			{
				Name: "url", Label: "URL", Type: FieldURL, Destination: true, Required: true, Check: webURL,
				Placeholder: "https://example.com/overdue",
				Help:        "Overdue posts each alert to this URL and expects a status of 200 to 299 within 30 seconds.",
			},
			{
				Name: "secret", Label: "Signing secret", Type: FieldSecret, Secret: true, Required: true,
				Placeholder: secretPrefix + "…", Generate: newSecret, Check: signingSecret,
				Help: "Verify the webhook-signature header with it. Leave it empty to generate one, which is shown only once.",
			},
			{
				Name: "headers", Label: "Headers", Type: FieldHeaders, Secret: true, CheckName: headerName,
				Placeholder: "Authorization: Bearer …",
				Help:        "Sent with every request. Values are never shown again after saving.",
			},
		},
		Send: sendWebhook, Preview: previewWebhook,
	}
}

// maxWebhookConcurrency is the maximum number of concurrent requests of one channel. A
// server that is killed sends at most as many alerts of the channel a second time.
const maxWebhookConcurrency = 32

// sendWebhook makes one attempt to post n.
func sendWebhook(ctx context.Context, out *Sender, set Settings, n Notification) (Receipt, error) {
	body, err := json.Marshal(n.webhookBody())
	if err != nil {
		return Receipt{}, &SendError{Reason: "The alert could not be encoded as JSON.", Permanent: true}
	}
	// The timestamp is that of the attempt, not of the event: receivers reject
	// old timestamps, and a retry may be a day later.
	now := time.Now()
	signature, err := sign(set.text("secret"), headerToken(n.AlertID), now, body)
	if err != nil {
		return Receipt{}, &SendError{Reason: "The signing secret is invalid: set a new one.", Permanent: true}
	}
	header := webhookHeader(out.userAgent, set, n, now)
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return out.post(ctx, request{url: set.text("url"), header: header, body: body, hide: webhookSecrets(set)})
}

// webhookHeader returns the headers of a request except its signature.
func webhookHeader(userAgent string, set Settings, n Notification, at time.Time) http.Header {
	header := http.Header{}
	header.Set("User-Agent", userAgent)
	for name, value := range set.stringMap("headers") {
		header.Set(name, value)
	}
	header.Set("Content-Type", "application/json")
	header.Set(standardwebhooks.HeaderWebhookID, headerToken(n.AlertID))
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	return header
}

// sign returns the webhook-signature of a body, "v1,…".
func sign(secret, id string, at time.Time, body []byte) (string, error) {
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return "", fmt.Errorf("signing secret: %w", err)
	}
	return signer.Sign(id, at, body)
}

// webhookSecrets returns the redactor for responses and errors of this channel.
func webhookSecrets(set Settings) redactor {
	secrets := []string{set.text("secret")}
	for _, value := range set.stringMap("headers") {
		secrets = append(secrets, credentialForms(value)...)
	}
	if u, err := url.Parse(set.text("url")); err == nil {
		secrets = append(secrets, urlSecrets(u)...)
	}
	return newRedactor(secrets...)
}

// request is one POST.
type request struct {
	url    string
	header http.Header
	body   []byte
	hide   redactor
}

// post sends r once and returns the result.
func (o *Sender) post(ctx context.Context, r request) (Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return Receipt{}, &SendError{Reason: "The URL is invalid: set it again.", Permanent: true}
	}
	req.Header = r.header
	var written atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(info.Err == nil) },
	}))
	resp, err := o.http.Do(req)
	if err != nil {
		failure := o.requestError(req.URL, r.hide, err)
		if written.Load() && !failure.Permanent {
			// The alert id allows the receiver to detect a duplicate.
			failure.Uncertain, failure.Reason = true, failure.Reason+" The alert may have arrived."
		}
		return Receipt{}, failure
	}
	defer func() { _ = resp.Body.Close() }() // the result is known
	text, cut := readResponse(resp)
	detail := r.hide.cleanResponse(text, cut)
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return Receipt{Status: resp.StatusCode, Detail: detail}, nil
	}
	failure := &SendError{Status: resp.StatusCode, Reason: detail, Permanent: isPermanentStatus(resp.StatusCode)}
	if !failure.Permanent {
		failure.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return Receipt{}, failure
}

// The Standard Webhooks specification: a secret is a prefix and 24 to 64 random
// bytes in base64.
const (
	secretPrefix      = "whsec_"
	minKeyBytes       = 24
	maxKeyBytes       = 64
	generatedKeyBytes = 32
	webhookHeaders    = "Webhook-"
)

// webURL accepts an absolute http or https URL.
func webURL(text string) (normal, problem string) {
	u, err := url.Parse(text)
	if err != nil {
		// The error of url.Parse contains the URL with its credentials.
		return "", "Enter a complete URL such as https://example.com/overdue."
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", !validPort(u.Port()):
		return "", "Enter a complete URL such as https://example.com/overdue."
	case strings.ContainsAny(u.Host, " \t<>\"\\"):
		return "", "Enter a host name without spaces and quotes."
	case u.User != nil:
		return "", "Remove the user and password from the URL: use a header named Authorization instead."
	}
	// Fragments are never sent.
	u.Fragment, u.RawFragment = "", ""
	return u.String(), ""
}

// validPort accepts an empty port, or one from 1 to 65535.
func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16
}

// newSecret returns a new signing secret.
func newSecret() string {
	key := make([]byte, generatedKeyBytes)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// signingSecret accepts a secret in the format of the specification.
func signingSecret(text string) (normal, problem string) {
	coded, found := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(coded)
	if !found || err != nil || len(key) < minKeyBytes || len(key) > maxKeyBytes {
		return "", "Enter " + secretPrefix + " followed by 24 to 64 bytes in base64, or leave it empty to generate one."
	}
	return text, ""
}

// headerName accepts the name of a header that users can set. Headers of the
// message, its signature and the connection are reserved.
func headerName(name string) (normal, problem string) {
	if !httpguts.ValidHeaderFieldName(name) {
		return "", "Header names can contain letters, digits and dashes only."
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if strings.HasPrefix(name, webhookHeaders) || strings.HasPrefix(name, "Proxy-") || slices.Contains(reservedHeaders(), name) {
		return "", "The header " + name + " is set by Overdue: use another name."
	}
	return name, ""
}

// reservedHeaders are the headers of the body and the connection (RFC 9110,
// section 7.6.1, and RFC 9112).
func reservedHeaders() []string {
	return []string{
		"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host",
		"Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
}

// credentialForms returns the value of a header and its words, because servers
// may echo a token without its scheme.
func credentialForms(value string) []string {
	return append([]string{value}, strings.Fields(value)...)
}
