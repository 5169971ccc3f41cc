package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// webhookKind posts the notice as JSON, signed per the Standard Webhooks
// specification.
func webhookKind() Kind {
	return Kind{
		Name: "webhook", Label: "Webhook",
		Help: "Posts a signed JSON body to an address of yours.",
		Fields: []Field{
			{
				Name: "url", Label: "URL", Type: FieldURL, Destination: true, Required: true, Check: webURL,
				Placeholder: "https://example.com/overdue",
				Help:        "Overdue posts each alert here and expects an answer of 200 to 299 within 30 seconds.",
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
		Send: sendWebhook,
	}
}

// sendWebhook posts the notice of n once.
func sendWebhook(ctx context.Context, out *Sender, set Settings, n Notification) (Receipt, error) {
	body, err := json.Marshal(n.webhookBody())
	if err != nil {
		return Receipt{}, &SendError{Reason: "The alert could not be written as JSON.", Permanent: true}
	}
	id := headerToken(n.AlertID)
	// The stamp is that of the attempt, not of the event: receivers refuse old
	// ones, and a retry may come a day later.
	now := time.Now()
	signature, err := sign(set.text("secret"), id, now, body)
	if err != nil {
		return Receipt{}, &SendError{Reason: "The signing secret cannot be used: set a new one.", Permanent: true}
	}
	header := http.Header{}
	header.Set("User-Agent", out.userAgent)
	for name, value := range set.stringMap("headers") {
		header.Set(name, value)
	}
	header.Set("Content-Type", "application/json")
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return out.post(ctx, request{url: set.text("url"), header: header, body: body, hide: webhookSecrets(set)})
}

// sign returns the webhook-signature of a body, "v1,…".
func sign(secret, id string, at time.Time, body []byte) (string, error) {
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return "", fmt.Errorf("signing secret: %w", err)
	}
	return signer.Sign(id, at, body)
}

// webhookSecrets returns what no answer or error of this channel may show.
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

// post sends r once and judges the answer.
func (o *Sender) post(ctx context.Context, r request) (Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return Receipt{}, &SendError{Reason: "The URL cannot be used: write it again.", Permanent: true}
	}
	req.Header = r.header
	var written atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(info.Err == nil) },
	}))
	resp, err := o.http.Do(req)
	if err != nil {
		refusal := o.requestError(req.URL, r.hide, err)
		if written.Load() && !refusal.Permanent {
			// By the alert id, the receiver distinguishes the next attempt from a new alert.
			refusal.Uncertain, refusal.Reason = true, refusal.Reason+" The alert may have arrived."
		}
		return Receipt{}, refusal
	}
	defer func() { _ = resp.Body.Close() }() // the verdict is in; closing cannot change it
	text, cut := readResponse(resp)
	detail := r.hide.answer(text, cut)
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return Receipt{Status: resp.StatusCode, Detail: detail}, nil
	}
	refusal := &SendError{Status: resp.StatusCode, Reason: detail, Permanent: isPermanentStatus(resp.StatusCode)}
	if !refusal.Permanent {
		refusal.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return Receipt{}, refusal
}
