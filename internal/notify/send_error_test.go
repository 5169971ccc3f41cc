package notify

import (
	"errors"
	"io"
	"net"
	"net/url"
	"testing"
)

func TestRequestError_ExplainsNetworkErrorsWithoutTheURL(t *testing.T) {
	out := newTestSender(t, Options{})
	u, err := url.Parse("https://hooks.example.com/path-token")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "no such host", IsNotFound: true}, "The name hooks.example.com does not exist."},
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, "The name hooks.example.com could not be resolved."},
		{&net.DNSError{Err: "timeout", IsTimeout: true}, "No answer from hooks.example.com within 30 s."},
		{io.ErrUnexpectedEOF, "The connection to hooks.example.com was lost: unexpected EOF."},
		{errors.New("odd answer to /path-token"), "The connection to hooks.example.com was lost: odd answer to ••••."},
	}
	for _, test := range tests {
		got := out.requestError(u, newRedactor(urlSecrets(u)...), &url.Error{Op: "Post", URL: u.String(), Err: test.err})
		if got.Reason != test.want || got.Permanent {
			t.Errorf("%v: %+v; want %q, to be tried again", test.err, got, test.want)
		}
	}
}

func TestSendError_ReadsAsOneLine(t *testing.T) {
	for want, r := range map[string]*SendError{
		"rejected with status 404: no_service": {Status: 404, Reason: "no_service"},
		"rejected with status 503":             {Status: 503},
		"not delivered: No answer.":            {Reason: "No answer."},
	} {
		if got := r.Error(); got != want {
			t.Errorf("%+v reads %q; want %q", r, got, want)
		}
	}
}
