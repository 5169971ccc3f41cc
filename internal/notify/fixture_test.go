package notify

import (
	"errors"
	"net/netip"
	"testing"
)

// loopback returns the only network of the test servers.
func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
}

// newTestSender returns a Sender that may connect to this machine.
func newTestSender(t *testing.T, opts Options) *Sender {
	t.Helper()
	if opts.AllowNetworks == nil {
		opts.AllowNetworks = loopback()
	}
	out, err := NewSender(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

// sendErrorOf returns the SendError in err. Without one, the test fails.
func sendErrorOf(t *testing.T, err error) *SendError {
	t.Helper()
	failure, ok := errors.AsType[*SendError](err)
	if !ok {
		t.Fatalf("error is %v; want a failure", err)
	}
	return failure
}
