package cli

import (
	"context"

	"overdue/internal/runjob"
)

// runCmd puts a command between two pings. See the drawing in the package
// comment for the order of things.
type runCmd struct {
	pingFlags

	NoBody       bool     `help:"Do not send the output. The command then has the destination of the output itself, not a pipe."`
	SuccessCodes string   `placeholder:"LIST" help:"Exit codes that count as a success, such as 0,1 or 0,10-19. Include 0 unless it means a failure. Default: 0."`
	Command      []string `arg:"" passthrough:"partial" help:"Command to run, after --."`
}

// Help is the long part of --help.
func (runCmd) Help() string {
	return `Sends a ping when the command starts and one with its exit code when it ends, along with the last 100 kB of its output. Signals are passed on. The exit code is that of the command, or 127 if it was not found, 126 if it could not be started. If a signal ended the command, the same signal ends overdue run, which a shell shows as exit code 128+n.

If the monitor cannot be reached, the command still starts at once, and after its end the ping is retried for at most --wait. If the ping URL or id is malformed, the command runs without pings, and a line on standard error says so. If the output does not get through, for example because a proxy rejects it, the ping is sent again with the last 1,000 bytes, and then without output.

A command whose output goes to a terminal has the terminal itself, and its output is not sent. Processes that the command leaves in the background continue, and their output arrives: a process named "overdue forward-output" passes it on until they close it.

Examples:

    overdue run https://overdue.example.org/api/v1/hb/6f1c… -- backup.sh --full
    overdue run https://overdue.example.org/api/v1/hb/6f1c… --success-codes 0,1 -- check.sh
    OVERDUE_URL=https://overdue.example.org overdue run 6f1c… -- make report`
}

// Run runs the command between its two pings. The end of ctx does not end the
// command: it gets the signals instead. A mistake in a target or a list of exit
// codes is only a warning: a typo in a crontab must not stop the backup.
func (c *runCmd) Run(ctx context.Context, std Streams) error {
	command := c.Command
	if len(command) > 0 && command[0] == "--" { // the parser hands it over
		command = command[1:]
	}
	if len(command) == 0 {
		return usageError("no command: write it after --")
	}
	address, err := c.pingURL()
	if err != nil {
		warn(std, "%v; the command runs without pings", err)
	}
	codes, err := runjob.ParseSuccessCodes(c.SuccessCodes)
	if err != nil {
		warn(std, "%v; the command runs, and only exit code 0 counts as a success", err)
	}
	result := runjob.Run(ctx, runjob.Options{
		Streams: runjob.Streams(std), Command: command, PingURL: address, NoBody: c.NoBody, Success: codes,
		AttemptTimeout: c.Timeout, Wait: c.Wait, UserAgent: userAgent(),
		Warn: func(format string, args ...any) { warn(std, format, args...) },
	})
	return &exitError{code: result.Code, signal: result.Signal}
}

// forwardOutputCmd passes on what background processes of a job still write after
// "overdue run" has ended. Only "run" starts it.
type forwardOutputCmd struct {
	Streams int `arg:"" help:"Number of streams: descriptors 3 and 4 are the source and destination of the first, 5 and 6 of the second."`
}

// Run passes the output on until the last writer has closed it.
func (c *forwardOutputCmd) Run(std Streams) error {
	return runjob.ForwardOutput(c.Streams, std.Out)
}
