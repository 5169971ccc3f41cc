package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// healthTimeout is shorter than the timeout that containers usually give a health check.
const healthTimeout = 4 * time.Second

// healthCmd asks a running server on this machine whether it is ready. It takes every
// setting of the server, so that it finds the address that the server listens on.
type healthCmd struct{ ServerFlags }

// Help is the long part of --help.
func (healthCmd) Help() string {
	return `Asks /readyz, prints the answer, and exits with 1 if the server is not ready or does not answer.

Examples:

    overdue health
    overdue health --listen 127.0.0.1:9000`
}

// Run asks once.
func (c *healthCmd) Run(ctx context.Context, std Streams) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	address, err := localAddress(c.Listen)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("health: no answer from %s: %w", address, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("health: answer from %s: %w", address, err)
	}
	text := strings.TrimSpace(string(body))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s: %s", response.Status, text)
	}
	return printLine(std, text)
}

// localAddress returns the address at which this machine reaches a server that listens on address.
func localAddress(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("listen %q: %w", listen, err)
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port), nil
}
