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

	"overdue/internal/app"
	"overdue/internal/cli/settings"
)

// checkCmd checks the settings of the server, so it accepts all of them.
type checkCmd struct {
	ServerFlags

	JSON   bool `name:"json" help:"Print the results as JSON."`
	Repair bool `help:"Repair the database before the checks. Every server must be stopped."`
}

// Help is the long part of --help.
func (checkCmd) Help() string {
	return `Checks the mail settings, the database, the secret key, the settings and deliveries of channels, and that no alert has been pending for more than a minute. It can run next to a server. It sees the flags, variables and --config of this command only: to check a running server, use the same settings as the server. The first line says which settings were found.

With --repair, the command first repairs the problems in the database that it can repair without guessing: rows whose parent does not exist, counters, incidents that contradict their heartbeat, and indexes of a SQLite file. Stop the server first. With SQLite, a backup is created first. Each repair is in the audit log. No ping or incident of an existing heartbeat is deleted.

The exit code is 1 if a check failed. A skipped check is not a failure.

Examples:

    overdue check --config /etc/overdue/overdue.yaml
    overdue check --database /var/lib/overdue/overdue.db --json
    overdue check --database /var/lib/overdue/overdue.db --repair`
}

// checkJSON is the output of --json.
type checkJSON struct {
	OK      bool              `json:"ok"`
	Results []app.CheckResult `json:"results"`
}

// Run makes the checks.
func (c *checkCmd) Run(ctx context.Context, std Streams, server backend, resolver *settings.Resolver) error {
	result := checkJSON{Results: []app.CheckResult{}}
	var writeErr error
	report := func(r app.CheckResult) {
		result.Results = append(result.Results, r)
		if !c.JSON && writeErr == nil {
			writeErr = printLine(std, checkLine(r))
		}
	}
	report(app.CheckResult{Name: "settings", State: app.CheckOK, Detail: resolver.Sources() + ". A running server can have other settings"})
	var err error
	if c.Repair {
		err = server.repair(ctx, c.StoreFlags, report)
	}
	if err == nil {
		err = server.check(ctx, c.ServerFlags, std, report)
	}
	result.OK = err == nil
	if c.JSON {
		writeErr = printJSON(std, result)
	}
	switch {
	case err != nil:
		return fmt.Errorf("check: %w", err)
	case writeErr != nil:
		return writeErr
	}
	return nil
}

// checkLine returns a result in one line.
func checkLine(r app.CheckResult) string {
	line := fmt.Sprintf("%-10s  %s", r.Name, r.State)
	if r.Detail != "" {
		line += ": " + r.Detail
	}
	return line
}

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
