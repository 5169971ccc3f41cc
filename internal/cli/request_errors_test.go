package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

func TestExplainRequest_NetworkErrorNamesAddressReasonAndRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		cause error
		want  string
	}{
		"refused":          {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "connection refused; check that the server is running and that the port is right"},
		"unknown host":     {&net.DNSError{Name: "o.example", IsNotFound: true}, "the host name o.example does not exist; check its spelling"},
		"DNS server":       {&net.DNSError{Name: "o.example"}, "the host name o.example could not be resolved; check the DNS of this machine"},
		"timeout":          {context.DeadlineExceeded, "no answer in time; check the network, firewalls and the port"},
		"HTTP":             {http.ErrSchemeMismatch, "the server speaks HTTP, not HTTPS; write http://, or the address of the proxy that has the certificate"},
		"certificate":      {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "its certificate is not trusted: x509: certificate signed by unknown authority; check the host name and the certificates of this machine"},
		"closed":           {io.EOF, "it closed the connection without an answer; check that it is the address of Overdue"},
		"interrupted":      {context.Canceled, "interrupted"},
		"something unseen": {fmt.Errorf("outer: %w", errors.New("inner")), "inner; check the address and the network"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fmt.Errorf("heartbeats: call: %w", &url.Error{Op: "Get", URL: "https://o.example/api/v1/hb/" + anID, Err: test.cause})
			got := explainRequest(nil, err).Error()
			if want := "heartbeats: cannot reach https://o.example:443: " + test.want; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestExplainPing_KeepsErrorsThatAreNotOfTheNetwork(t *testing.T) {
	err := errors.New("no answer within 10s")
	if got := explainPing("https://o.example/x", err); !errors.Is(got, err) || got.Error() != err.Error() {
		t.Errorf("got %v, want %v", got, err)
	}
	got := explainPing("http://o.example:8080/api/v1/hb/"+anID, fmt.Errorf("x: %w", syscall.ECONNREFUSED)).Error()
	if !strings.HasPrefix(got, "cannot reach http://o.example:8080: connection refused") || strings.Contains(got, anID) {
		t.Errorf("got %q, want the address without the id", got)
	}
}
