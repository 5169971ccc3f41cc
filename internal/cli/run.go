package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"

	"overdue/client"

	"github.com/google/uuid"
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

// The exit codes of a shell for what it could not run (POSIX, XCU 2.8.2).
const (
	exitNotStarted = 126
	exitNotFound   = 127
)

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
	codes, err := parseSuccessCodes(c.SuccessCodes)
	if err != nil {
		warn(std, "%v; the command runs, and only exit code 0 counts as a success", err)
	}
	r := &runner{
		pingFlags: c.pingFlags,
		address:   address,
		rid:       uuid.NewString(),
		success:   codes,
		signals:   listenForSignals(),
		std:       std,
		tail:      newTailBuffer(client.BodyLimit),
	}
	defer r.signals.close()
	return r.run(context.WithoutCancel(ctx), command, c.NoBody)
}

// runner is one run: a child and the pings around it.
type runner struct {
	pingFlags

	address string // empty: no pings are sent
	rid     string
	success successCodes
	signals *signals
	std     Streams
	tail    *tailBuffer
}

// run returns how the job ended.
func (r *runner) run(ctx context.Context, command []string, noBody bool) *exitError {
	runtime.LockOSThread() // see killWithParent
	defer runtime.UnlockOSThread()
	child := newChild(command, r.std)
	if err := child.start(r.tail, noBody); err != nil {
		return r.reportNotStarted(ctx, err)
	}
	start := r.sendStart(ctx)
	end := exitErrorOf(child.wait(r.signals))

	// The job is over. From now on, signals are meant for us.
	ctx, cancel := r.signals.cancelAfterSignal(ctx)
	defer cancel()
	patience, enough := r.withWaitLimit(ctx)
	defer enough()
	child.waitForOutput(patience)
	start.finishOrCancel(min(startPingTimeout, r.Wait/2))
	r.sendFinish(patience, r.finishPing(end.code, child.body()))
	child.detachOutput(ctx)
	return end
}

// reportNotStarted reports a command that never ran.
func (r *runner) reportNotStarted(ctx context.Context, err error) *exitError {
	code := exitNotStarted
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	err = fmt.Errorf("command not started: %w", err)
	warn(r.std, "%v", err)
	ctx, cancel := r.signals.cancelAfterSignal(ctx)
	defer cancel()
	patience, enough := r.withWaitLimit(ctx)
	defer enough()
	r.sendFinish(patience, client.PingOptions{ExitCode: &code, Body: fmt.Appendf(nil, "overdue run: %v\n", err)})
	return &exitError{code: code}
}

// finishPing returns the ping for an exit code. In the address of a ping, exit code 0 is a
// success and any other a failure. If the job has other success codes, the ping
// says success or failure, and a line after the output has the code.
func (r *runner) finishPing(code int, body []byte) client.PingOptions {
	shown := min(code, 255) // Windows has larger exit codes, pings do not
	success, line, overruled := r.success.override(shown)
	if !overruled {
		return client.PingOptions{ExitCode: &shown, Body: body}
	}
	if n := len(body); n > 0 && body[n-1] != '\n' {
		line = "\n" + line
	}
	signal := client.Fail
	if success {
		signal = client.Success
	}
	return client.PingOptions{Signal: signal, Body: client.Tail(append(body, line...), client.BodyLimit)}
}

// sendFinish sends how the job ended. A failure to do so is only a warning.
func (r *runner) sendFinish(ctx context.Context, ping client.PingOptions) {
	if r.address == "" {
		return
	}
	ping.OnReduced = warnReduced(r.std, "output")
	if err := client.Send(ctx, r.address, r.withRunFields(ping)); err != nil {
		how := "with success"
		switch {
		case ping.ExitCode != nil:
			how = fmt.Sprintf("with exit code %d", *ping.ExitCode)
		case ping.Signal == client.Fail:
			how = "with failure"
		}
		warn(r.std, "the monitor does not know that the job ended %s: %v", how, err)
	}
}

// withRunFields adds what both pings of a run share.
func (r *runner) withRunFields(o client.PingOptions) client.PingOptions {
	o.RunID, o.AttemptTimeout, o.UserAgent = r.rid, r.Timeout, userAgent()
	return o
}

// exitErrorOf returns the outcome as a shell would report it.
func exitErrorOf(state *os.ProcessState) *exitError {
	if sig, killed := killedBy(state); killed {
		return &exitError{code: 128 + int(sig), signal: sig}
	}
	return &exitError{code: state.ExitCode()}
}
