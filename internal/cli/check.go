package cli

import (
	"context"
	"fmt"

	"overdue/internal/app"
	"overdue/internal/cli/settings"
)

// checkCmd checks the settings of the server, so it accepts all of them.
type checkCmd struct {
	ServerFlags

	JSON bool `name:"json" help:"Print the results as JSON."`
}

// Help is the long part of --help.
func (checkCmd) Help() string {
	return `Checks the mail settings, the database, the secret key, and the settings and deliveries of channels. It can run next to a server. It sees the flags, variables and --config of this command only: to check a running server, use the same settings as the server. The first line says which settings were found.

The exit code is 1 if a check failed. A skipped check is not a failure.

Examples:

    overdue check --config /etc/overdue/overdue.yaml
    overdue check --database /var/lib/overdue/overdue.db --json`
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
	err := server.check(ctx, c.ServerFlags, std, report)
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
