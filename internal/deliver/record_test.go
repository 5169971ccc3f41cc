package deliver

import (
	"testing"

	"overdue/internal/notify"
)

func TestUndeliveredText_IsOneSentence(t *testing.T) {
	for want, failure := range map[string]notify.SendError{
		"Not delivered to Mail: No mail server is configured: set --smtp-url.": {Reason: "No mail server is configured: set --smtp-url."},
		"Not delivered to Mail: connection refused.":                           {Reason: "connection refused"},
		"Not delivered to Mail: rejected with status 410: Gone.":               {Status: 410, Reason: "Gone"},
		"Not delivered to Mail: rejected with status 410.":                     {Status: 410},
		"Not delivered to Mail: rejected with status 400: <html>…":             {Status: 400, Reason: "<html>…"},
		"Not delivered to Mail.":                                               {},
	} {
		if got := undeliveredText("Mail", &failure); got != want {
			t.Errorf("%+v:\n got %s\nwant %s", failure, got, want)
		}
	}
}
