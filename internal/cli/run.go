package cli

import (
	"context"

	"overdue/internal/runjob"
)

// runCmd runs a command between two pings; see package runjob.
type runCmd struct {
	pingFlags

	NoBody       bool     `help:"Do not send the output. The command then writes to the destination itself, not to a pipe."`
	SuccessCodes string   `empty:"" placeholder:"LIST" help:"Exit codes that count as a success, such as 0,1 or 0,10-19. Include 0 unless 0 is a failure. Default: 0."`
	Command      []string `arg:"" passthrough:"partial" help:"Command to run."`
}

// Help is the long part of --help.
func (runCmd) Help() string {
	return `Sends a ping when the command starts, and one with its exit code and the last 100 kB of its output when it ends. Signals are passed on. The exit code is that of the command, or 127 if the command was not found, or 126 if it could not be started. If a signal ended the command, the same signal ends overdue run, which a shell shows as exit code 128+n.

If the server cannot be reached, the command still starts at once, and after its end the ping is retried for at most --wait. If the ping URL or id is malformed or missing, the command runs without pings, and standard error says so. If the output does not get through, for example because a proxy rejects it, the ping is sent again with the last 1,000 bytes, and then without output.

If the output goes to a terminal, the command has the terminal itself, and its output is not sent. Processes that the command leaves in the background continue, and their output arrives: a process named "overdue forward-output" passes it on until they close it.

Examples:

    overdue run https://overdue.example.org/api/v1/hb/6f1c… -- backup.sh --full
    overdue run https://overdue.example.org/api/v1/hb/6f1c… --success-codes 0,1 -- check.sh
    OVERDUE_URL=https://overdue.example.org overdue run 6f1c… -- make report`
}

// Run runs the command. A missing or invalid target or list of exit codes is only a warning: a
// typo in a crontab must not stop the backup.
func (c *runCmd) Run(ctx context.Context, std Streams) error {
	command := c.Command
	if len(command) > 0 && command[0] == "--" { // the parser passes it on
		command = command[1:]
	}
	if len(command) == 0 {
		return usageError("no command: write it after --")
	}
	address := ""
	var err error
	if c.Target == "" {
		warn(std, "no ping URL: write it before the command, as in overdue run URL -- %s; the command runs without pings", printable(command[0]))
	} else if address, err = c.pingURL(); err != nil {
		warn(std, "%v; the command runs without pings", err)
	}
	codes, err := runjob.ParseSuccessCodes(c.SuccessCodes)
	if err != nil {
		warn(std, "%v; the command runs, and only exit code 0 counts as a success", err)
	}
	result := runjob.Run(ctx, runjob.Options{
		Streams: runjob.Streams(std), Command: command, PingURL: address, NoBody: c.NoBody, Success: codes,
		AttemptTimeout: c.Timeout, Wait: c.Wait, UserAgent: userAgent(), Host: c.Host,
		Explain: func(err error) error { return explainPing(address, err) },
		Warn:    func(format string, args ...any) { warn(std, format, args...) },
	})
	return &exitError{code: result.Code, signal: result.Signal}
}

// forwardOutputCmd passes on the output of background processes of a job after
// "overdue run" has ended. Only "run" starts it.
type forwardOutputCmd struct {
	Streams int `arg:"" help:"Number of streams: descriptors 3 and 4 are the source and destination of the first, 5 and 6 of the second."`
}

// Run passes the output on until the last writer has closed it.
func (c *forwardOutputCmd) Run(std Streams) error {
	return runjob.ForwardOutput(c.Streams, std.Out)
}
