package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"overdue/client"

	"github.com/google/uuid"
)

// runCmd puts a command between two pings. See the drawing in the package
// comment for the order of things.
type runCmd struct {
	monitorFlags

	NoBody  bool     `help:"Do not send the output along. The command then has the terminal itself, not a pipe."`
	Command []string `arg:"" passthrough:"partial" help:"Command to run, after --."`
}

// Help is the long part of --help.
func (runCmd) Help() string {
	return `Sends a ping when the command starts and one with its exit code when it ends, along with the last 100 kB of its output. Signals are passed on. The exit code is that of the command; 128+n if signal n killed it, 127 if it was not found, 126 if it could not be started.

A monitor that is away changes none of this: the command starts at once, and after its end the ping is tried for at most --wait. Nor does a ping URL or id that cannot be one: the command runs without pings, and a line on standard error says so.

A process that the command leaves in the background loses its output when the command ends.

Examples:

    overdue run https://overdue.example.org/api/v1/hb/6f1c… -- backup.sh --full
    OVERDUE_URL=https://overdue.example.org overdue run 6f1c… -- make report`
}

// The exit codes of a shell for what it could not run (POSIX, XCU 2.8.2).
const (
	exitNotStarted = 126
	exitNotFound   = 127
)

// lastOutput is how long the end ping waits for output that the reader of our
// standard output has not taken yet.
const lastOutput = 2 * time.Second

// Run runs the command between its two pings. ctx is not for the command: what
// signals mean to it is its own affair. A target that cannot be one is worth a line
// and no more: a typo in a crontab must not stop the backup.
func (c *runCmd) Run(ctx context.Context, std Streams) error {
	command := c.Command
	if len(command) > 0 && command[0] == "--" { // the parser hands it over
		command = command[1:]
	}
	if len(command) == 0 {
		return usage("no command: write it after --")
	}
	address, err := c.pingURL()
	if err != nil {
		warn(std, "%v; the command runs without pings", err)
	}
	r := &runner{
		monitorFlags: c.monitorFlags,
		address:      address,
		rid:          uuid.NewString(),
		signals:      listen(),
		std:          std,
		tail:         newTail(client.BodyLimit),
	}
	defer r.signals.close()
	return &outcome{code: r.run(context.WithoutCancel(ctx), command, c.NoBody)}
}

// runner is one run: a child and the pings around it.
type runner struct {
	monitorFlags

	address string // empty: no pings are sent
	rid     string
	signals *signals
	std     Streams
	tail    *tail
}

// run returns the exit code.
func (r *runner) run(ctx context.Context, command []string, noBody bool) int {
	child := &child{cmd: exec.Command(command[0], command[1:]...)}
	if err := child.start(r.std, r.tail, noBody); err != nil {
		return r.notStarted(ctx, err)
	}
	start := r.sendStart(ctx)
	code := child.wait(r.signals)

	// The job is over. Whoever signals now wants to be rid of us, not of it.
	ctx, cancel := r.signals.hurried(ctx)
	defer cancel()
	patience, enough := r.bounded(ctx)
	defer enough()
	child.drain(patience, lastOutput)
	start.end(min(startGrace, r.Wait/2))
	r.sendEnd(patience, code)
	child.drain(ctx, 0)
	return code
}

// notStarted reports a command that never ran.
func (r *runner) notStarted(ctx context.Context, err error) int {
	code := exitNotStarted
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	err = fmt.Errorf("command not started: %w", err)
	warn(r.std, "%v", err)
	_, _ = fmt.Fprintf(r.tail, "overdue run: %v\n", err) // a tail takes everything
	ctx, cancel := r.signals.hurried(ctx)
	defer cancel()
	patience, enough := r.bounded(ctx)
	defer enough()
	r.sendEnd(patience, code)
	return code
}

// sendEnd tells the monitor how the job ended. That this did not work is worth
// a line, and nothing more.
func (r *runner) sendEnd(ctx context.Context, code int) {
	if r.address == "" {
		return
	}
	shown := min(code, 255) // other systems know bigger exit codes, pings do not
	if err := client.Send(ctx, r.address, r.ping(client.PingOptions{ExitCode: &shown, Body: r.tail.bytes()})); err != nil {
		warn(r.std, "the monitor does not know that the job ended with exit code %d: %v", code, err)
	}
}

// ping adds what both pings of a run share.
func (r *runner) ping(o client.PingOptions) client.PingOptions {
	o.RunID, o.Attempt, o.UserAgent = r.rid, r.Timeout, userAgent()
	return o
}

// exitCode is what a shell would make of the way the process ended.
func exitCode(state *os.ProcessState) int {
	if n, killed := killedBy(state); killed {
		return 128 + n
	}
	return state.ExitCode()
}
