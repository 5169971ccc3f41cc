package notify

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/provider"
	"overdue/internal/notify/setting"
)

// serviceKind returns the kind of channel of a service.
func serviceKind(s provider.Service) Kind {
	k := Kind{
		Name: s.Name, Label: s.Label, Group: s.Group, Help: s.Help, Setup: s.Setup, Can: s.Can, Fields: s.Fields, Check: s.Check,
		Recipients: s.Recipients, MaxConcurrent: s.MaxConcurrent, ResendEvery: s.ResendEvery,
	}
	k.Send = func(ctx context.Context, out *Sender, set setting.Values, n message.Notification) (Receipt, error) {
		return out.sendService(ctx, s, set, n)
	}
	if s.Resend != nil {
		k.Resend = func(ctx context.Context, out *Sender, set setting.Values, all []message.Notification, now time.Time) (Receipt, error) {
			return out.resendService(ctx, s, set, all, now)
		}
	}
	k.Preview = func(userAgent string, set setting.Values, n message.Notification) RequestPreview {
		return previewService(s, userAgent, set, n)
	}
	return k
}

// sendService makes one attempt to send a notification through a service.
func (o *Sender) sendService(ctx context.Context, s provider.Service, set setting.Values, n message.Notification) (Receipt, error) {
	requests, err := s.Render(set, n)
	if err != nil {
		return Receipt{}, &SendError{Reason: err.Error(), Permanent: true}
	}
	if len(requests) == 0 {
		return Receipt{Detail: s.Label + " has no message for this event: nothing was sent."}, nil
	}
	if s.Recipients != nil {
		return o.sendToEach(ctx, s, set, requests, n)
	}
	var receipt Receipt
	for i := 0; i < len(requests); i++ {
		one, verdict, err := o.sendOne(ctx, s, set, requests[i])
		if verdict.Repeat && receipt.Settings == nil {
			receipt.Settings = verdict.Settings
			again := setting.Values{}
			for _, from := range []setting.Values{set, verdict.Settings} {
				for name, value := range from {
					again[name] = value
				}
			}
			set = again
			if requests, err = s.Render(set, n); err != nil {
				return Receipt{}, &SendError{Reason: err.Error(), Permanent: true}
			}
			i--
			continue
		}
		if err != nil && requests[i].Optional {
			continue
		}
		if err != nil {
			return Receipt{}, err
		}
		receipt.Status, receipt.Detail = one.Status, one.Detail
		if one.Thread != "" {
			receipt.Thread = one.Thread
		}
	}
	return receipt, nil
}

// resendService sends open incidents again through a service. It stops at the first failure.
func (o *Sender) resendService(ctx context.Context, s provider.Service, set setting.Values, all []message.Notification, now time.Time) (receipt Receipt, err error) {
	requests, err := s.Resend(set, all, now)
	if err != nil {
		return Receipt{}, &SendError{Reason: err.Error(), Permanent: true}
	}
	for _, r := range requests {
		if receipt, _, err = o.sendOne(ctx, s, set, r); err != nil {
			return Receipt{}, err
		}
	}
	return receipt, nil
}

// sendToEach sends one request per recipient, and returns the result of each.
func (o *Sender) sendToEach(ctx context.Context, s provider.Service, set setting.Values, requests []provider.Request, n message.Notification) (Receipt, error) {
	wanted := map[string]bool{}
	for _, r := range recipientsOf(n, s.Recipients(set)) {
		wanted[r] = true
	}
	var last Receipt
	var results []RecipientResult
	var failure *SendError
	permanent := true
	for _, r := range requests {
		if !wanted[r.Recipient] {
			continue
		}
		receipt, _, err := o.sendOne(ctx, s, set, r)
		one, failed := err.(*SendError) //nolint:errorlint // the only error of sendOne
		results = append(results, RecipientResult{Recipient: r.Recipient, Err: one, Thread: receipt.Thread})
		if !failed {
			last = receipt
			continue
		}
		permanent = permanent && one.Permanent
		if failure == nil || one.RetryAfter > failure.RetryAfter {
			failure = one
		}
	}
	if last.Status == 0 && failure != nil {
		all := *failure
		all.Recipients, all.Permanent = results, permanent
		return Receipt{}, &all
	}
	last.Recipients = results
	return last, nil
}

// sendOne sends one request and interprets the response.
func (o *Sender) sendOne(ctx context.Context, s provider.Service, set setting.Values, r provider.Request) (Receipt, provider.Verdict, error) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("User-Agent", o.userAgent)
	response, err := o.roundTrip(ctx, r, serviceSecrets(s, set))
	if err != nil {
		if err.Uncertain && s.Can.OnceOnly {
			err.Uncertain = false // a repeated request is harmless
		}
		return Receipt{}, provider.Verdict{}, err
	}
	verdict := interpret(s, response.Response)
	receipt, failure := response.receipt(verdict)
	return receipt, verdict, failure
}

// interpret returns what a response means.
func interpret(s provider.Service, r provider.Response) provider.Verdict {
	if s.Interpret == nil {
		return provider.InterpretStatus(r)
	}
	return s.Interpret(r)
}

// serviceSecrets returns the redactor for responses and errors of a channel: its secrets, and everything except the
// host of URLs that are secret.
func serviceSecrets(s provider.Service, set setting.Values) redactor {
	var secrets []string
	user := set.Text("username") + set.Text("email") + set.Text("account_sid") // of Basic authentication
	for _, f := range s.Fields {
		if !f.Secret {
			continue
		}
		values := append(set.List(f.Name), set.Text(f.Name))
		for _, value := range set.Map(f.Name) {
			values = append(values, credentialForms(value)...)
		}
		for _, value := range values {
			if u, err := url.Parse(value); err == nil && u.Host != "" {
				secrets = append(secrets, urlSecrets(u)...)
			}
			secrets = append(secrets, value, base64.StdEncoding.EncodeToString([]byte(user+":"+value)))
		}
	}
	return newRedactor(secrets...)
}

// previewService returns the requests that a service would get, with masked secrets.
func previewService(s provider.Service, userAgent string, set setting.Values, n message.Notification) RequestPreview {
	masked, address := maskForPreview(s, set)
	requests, err := s.Render(masked, n)
	if err != nil || len(requests) == 0 {
		return RequestPreview{}
	}
	p := RequestPreview{}
	var texts []string
	for _, r := range requests {
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set("User-Agent", userAgent)
		if strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") {
			r.Header.Set("Authorization", "Basic "+setting.Masked)
		}
		texts = append(texts, requestText(r))
	}
	p.Text = strings.Join(texts, "\n\n")
	if u, err := url.Parse(requests[0].URL); err == nil && address {
		p.Host = u.Host
	}
	return p
}

// maskForPreview returns settings with masked secrets, and whether they name a destination.
func maskForPreview(s provider.Service, set setting.Values) (masked setting.Values, address bool) {
	masked, address = setting.Values{}, true
	for _, f := range s.Fields {
		value, given := set[f.Name]
		u, err := url.Parse(set.Text(f.Name))
		isURL := err == nil && u.Host != ""
		switch {
		case f.Type == setting.FieldURL && f.Secret && isURL:
			masked[f.Name] = u.Scheme + "://" + u.Host + "/" + setting.Masked
		case f.Type == setting.FieldURL && f.Required && !isURL:
			masked[f.Name], address = "https://example.com/"+setting.Masked, false
		case f.Secret && given && !setting.IsEmpty(value):
			masked[f.Name] = setting.Mask(value)
		case f.Secret && f.Required:
			masked[f.Name] = setting.Masked
		case given:
			masked[f.Name] = value
		}
	}
	return masked, address
}
