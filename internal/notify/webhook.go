package notify

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/provider"
	"overdue/internal/notify/setting"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/net/http/httpguts"
)

// webhookKind posts the notification as JSON, signed according to the Standard
// Webhooks specification.
func webhookKind() Kind {
	return Kind{
		Name: "webhook", Label: "Webhook", Group: provider.GroupGeneric, Can: provider.Abilities{Severity: true, Machine: true, Tested: provider.TestedReal},
		Help:          "Posts signed JSON to a URL.",
		MaxConcurrent: maxWebhookConcurrency,
		Fields: []setting.Field{
			{
				Name: "url", Label: "URL", Type: setting.FieldURL, Destination: true, Required: true, Check: setting.WebURL,
				Placeholder: "https://example.com/overdue",
				Help:        "Overdue posts each alert to this URL and expects a status of 200 to 299 within 30 seconds.",
			},
			{
				Name: "secret", Label: "Signing secret", Type: setting.FieldSecret, Secret: true, Required: true,
				Placeholder: secretPrefix + "…", Generate: newSecret, Check: signingSecret,
				Help: "Verify the webhook-signature header with it. Leave it empty to generate one, which is shown only once.",
			},
			{
				Name: "headers", Label: "Headers", Type: setting.FieldHeaders, Secret: true, CheckName: headerName,
				Placeholder: "Authorization: Bearer …",
				Help:        "Sent with every request. Values are never shown again after saving.",
			},
			{
				Name: "body", Label: "Body template", Type: setting.FieldTemplate,
				Placeholder: `{"text": {{json .text}}}`,
				Help:        "Go template of the body. Leave it empty for the standard JSON.",
			},
		},
		Check: checkWebhook, Send: sendWebhook, Preview: previewWebhook,
	}
}

// maxWebhookConcurrency is the maximum number of concurrent requests of one channel. A
// server that is killed sends at most as many alerts of the channel a second time.
const maxWebhookConcurrency = 32

// sendWebhook makes one attempt to post n.
func sendWebhook(ctx context.Context, out *Sender, set setting.Values, n message.Notification) (Receipt, error) {
	body, contentType, err := webhookBody(set, n)
	if err != nil {
		return Receipt{}, &SendError{Reason: "The body cannot be written. " + err.Error(), Permanent: true}
	}
	// The timestamp is that of the attempt, not of the event: receivers reject
	// old timestamps, and a retry may be a day later.
	now := time.Now()
	signature, err := sign(set.Text("secret"), message.HeaderToken(n.AlertID), now, body)
	if err != nil {
		return Receipt{}, &SendError{Reason: "The signing secret is invalid: set a new one.", Permanent: true}
	}
	header := webhookHeader(out.userAgent, set, n, now, contentType)
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	response, failure := out.roundTrip(ctx, provider.Request{URL: set.Text("url"), Header: header, Body: body}, webhookSecrets(set))
	if failure != nil {
		return Receipt{}, failure
	}
	return response.receipt(provider.InterpretStatus(response.Response))
}

// webhookHeader returns the headers of a request except its signature.
func webhookHeader(userAgent string, set setting.Values, n message.Notification, at time.Time, contentType string) http.Header {
	header := http.Header{}
	header.Set("User-Agent", userAgent)
	header.Set("Content-Type", contentType)
	for name, value := range set.Map("headers") {
		header.Set(name, value)
	}
	header.Set(standardwebhooks.HeaderWebhookID, message.HeaderToken(n.AlertID))
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
func webhookSecrets(set setting.Values) redactor {
	secrets := []string{set.Text("secret")}
	for _, value := range set.Map("headers") {
		secrets = append(secrets, credentialForms(value)...)
	}
	if u, err := url.Parse(set.Text("url")); err == nil {
		secrets = append(secrets, urlSecrets(u)...)
	}
	return newRedactor(secrets...)
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
		"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Expect", "Host",
		"Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
}

// credentialForms returns the value of a header and its words, because servers
// may echo a token without its scheme.
func credentialForms(value string) []string {
	return append([]string{value}, strings.Fields(value)...)
}
