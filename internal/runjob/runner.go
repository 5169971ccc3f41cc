package runjob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"overdue/client"

	"github.com/google/uuid"
)

// Streams are the standard streams of the job.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Options describe one run.
type Options struct {
	Streams

	Command        []string
	PingURL        string // empty: no pings are sent
	NoBody         bool   // the output is not sent
	Success        SuccessCodes
	AttemptTimeout time.Duration // of one attempt to send a ping
	Wait           time.Duration // for all attempts together, after the end of the command
	UserAgent      string
	Host           string // of the run; empty: the server uses the address of the client

	// Explain rewrites the error of a ping for people.
	Explain func(error) error
	// Warn reports a problem that does not stop the job.
	Warn func(format string, args ...any)
}

// Result is how the command ended.
type Result struct {
	Code   int
	Signal syscall.Signal // that ended the command; 0 if none did
}

// The exit codes of a shell for a command that it cannot run (POSIX, XCU 2.8.2).
const (
	exitNotStarted = 126
	exitNotFound   = 127
)

// Run runs the command between its two pings. The end of ctx does not end the
// command: the command receives the signals of this process instead.
func Run(ctx context.Context, o Options) Result {
	r := &runner{Options: o, runID: uuid.NewString(), signals: listenForSignals(), tail: NewTailBuffer(client.BodyLimit)}
	defer r.signals.close()
	return r.run(context.WithoutCancel(ctx))
}

// runner is one run: a child and the pings around it.
type runner struct {
	Options

	runID   string
	signals *signals
	tail    *TailBuffer
}

// withWaitLimit limits the time that the pings may take.
func (r *runner) withWaitLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.Wait, fmt.Errorf("no answer within %s", r.Wait))
}

// ReducedWarning says in one line that a ping was stored with only a part of its
// body. what names the body, kept is the number of bytes.
func ReducedWarning(what string, kept int, reason error) string {
	if kept == 0 {
		return fmt.Sprintf("the ping was stored without the %s: %v", what, reason)
	}
	return fmt.Sprintf("the ping was stored with only the last %d bytes of the %s: %v", kept, what, reason)
}

// run runs the command and returns how it ended.
func (r *runner) run(ctx context.Context) Result {
	runtime.LockOSThread() // see killWithParent
	defer runtime.UnlockOSThread()
	child := newChild(r.Command, r.Streams, r.Warn)
	if err := child.start(r.tail, r.NoBody); err != nil {
		return r.reportNotStarted(ctx, err)
	}
	start := r.sendStart(ctx)
	end := resultOf(child.wait(r.signals))

	// The job has ended: from now on, signals are for this process.
	ctx, cancel := r.signals.cancelAfterSignal(ctx)
	defer cancel()
	limited, stop := r.withWaitLimit(ctx)
	defer stop()
	child.waitForOutput(limited)
	start.finishOrCancel(min(startPingTimeout, r.Wait/2))
	r.sendFinish(limited, r.finishPing(end.Code, child.body()))
	child.detachOutput(ctx)
	return end
}

// reportNotStarted reports a command that could not be started.
func (r *runner) reportNotStarted(ctx context.Context, err error) Result {
	code := exitNotStarted
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exitNotFound
	}
	err = fmt.Errorf("command not started: %w", err)
	r.Warn("%v", err)
	ctx, cancel := r.signals.cancelAfterSignal(ctx)
	defer cancel()
	limited, stop := r.withWaitLimit(ctx)
	defer stop()
	r.sendFinish(limited, client.PingOptions{ExitCode: &code, Body: fmt.Appendf(nil, "overdue run: %v\n", err)})
	return Result{Code: code}
}

// finishPing returns the ping for an exit code. In a ping URL, exit code 0 is a success
// and any other a failure. If the job has other success codes, the ping says success or
// failure, and a line after the output contains the code.
func (r *runner) finishPing(code int, body []byte) client.PingOptions {
	shown := min(code, 255) // Windows has larger exit codes, pings do not
	success, line, overruled := r.Success.override(shown)
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

// sendFinish sends the finish ping. A failure is only a warning.
func (r *runner) sendFinish(ctx context.Context, ping client.PingOptions) {
	if r.PingURL == "" {
		return
	}
	ping.OnReduced = func(kept int, reason error) { r.Warn("%s", ReducedWarning("output", kept, reason)) }
	if err := client.Send(ctx, r.PingURL, r.withRunFields(ping)); err != nil {
		how := "with success"
		switch {
		case ping.ExitCode != nil:
			how = fmt.Sprintf("with exit code %d", *ping.ExitCode)
		case ping.Signal == client.Fail:
			how = "with failure"
		}
		r.Warn("the server was not notified that the job ended %s: %v", how, r.Explain(err))
	}
}

// withRunFields adds the options that both pings of a run share.
func (r *runner) withRunFields(o client.PingOptions) client.PingOptions {
	o.RunID, o.Host, o.AttemptTimeout, o.UserAgent = r.runID, r.Host, r.AttemptTimeout, r.UserAgent
	return o
}

// resultOf returns the result with the exit code that a shell would report.
func resultOf(state *os.ProcessState) Result {
	if sig, killed := killedBy(state); killed {
		return Result{Code: 128 + int(sig), Signal: sig}
	}
	return Result{Code: state.ExitCode()}
}
