package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"overdue/client"
	"overdue/internal/cli/settings"
	"overdue/internal/runjob"
)

// pingFlags name a heartbeat and limit the time that a ping may take.
type pingFlags struct {
	Target  string        `arg:"" name:"url-or-id" help:"Ping URL, or the id of a heartbeat on the server that --url names."`
	URL     string        `name:"url" placeholder:"ADDRESS" setting:"env" help:"Address of the server, such as https://overdue.example.org. Required with an id."`
	Host    string        `empty:"" placeholder:"NAME" help:"Host of the run, such as \"$(uname -n)\". Default: the server uses the address of this client."`
	Timeout time.Duration `default:"10s" placeholder:"DURATION" help:"Time limit of one attempt. Default: ${default}."`
	Wait    time.Duration `default:"30s" placeholder:"DURATION" help:"Time limit of all attempts together. Default: ${default}."`
}

// Validate rejects limits of zero, which would look like an unreachable server.
func (f pingFlags) Validate() error {
	if f.Timeout <= 0 || f.Wait <= 0 {
		return errors.New("--timeout and --wait must be longer than 0")
	}
	return nil
}

// pingURL returns the ping URL.
func (f pingFlags) pingURL() (string, error) {
	address, err := client.PingURL(f.URL, f.Target)
	if err != nil && f.URL == "" {
		return "", usageError("%w; write the ping URL, or an id and --url or $%s", err, settings.Variable("url"))
	}
	if err != nil {
		return "", usageError("%w", err)
	}
	return address, nil
}

// withWaitLimit returns a context that ends after --wait.
func (f pingFlags) withWaitLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, f.Wait, fmt.Errorf("no answer within %s", f.Wait))
}

// pingCmd sends one ping. Unlike curl, it retries, and its exit code says whether the
// server has stored the ping.
type pingCmd struct {
	pingFlags

	Start bool   `xor:"signal" help:"The job has started."`
	Fail  bool   `xor:"signal" help:"The job has failed."`
	Log   bool   `xor:"signal" help:"Only add the body to the event log."`
	Exit  *int   `xor:"signal" placeholder:"N" help:"The job has ended with this exit code, 0 to 255; 0 is a success."`
	Rid   string `empty:"" placeholder:"TEXT" help:"Run id that pairs a start with its finish: any text, such as a UUID."`
	Body  string `empty:"" placeholder:"TEXT" help:"Text to send; - sends the end of standard input, up to 100 kB."`
}

// Help is the long part of --help.
func (pingCmd) Help() string {
	return `Exit code 0 means that the server has stored the ping. If the body does not get through, for example because a proxy rejects it, the ping is sent again with the last 1,000 bytes, and then without a body.

Examples:

    overdue ping https://overdue.example.org/api/v1/hb/6f1c…
    backup.sh && overdue ping $PING_URL
    make report 2>&1 | overdue ping $PING_URL --log --body -`
}

// Run sends the ping.
func (c *pingCmd) Run(ctx context.Context, std Streams) error {
	address, err := c.pingURL()
	if err != nil {
		return err
	}
	ping, err := c.options(std)
	if err != nil {
		return err
	}
	ctx, cancel := c.withWaitLimit(ctx)
	defer cancel()
	ping.OnReduced = func(kept int, reason error) { warn(std, "%s", runjob.ReducedWarning("body", kept, reason)) }
	if err := client.Send(ctx, address, ping); err != nil {
		return fmt.Errorf("ping not acknowledged: %w", explainPing(address, err))
	}
	return nil
}

// options converts the flags to a ping. It rejects what the server would reject.
func (c *pingCmd) options(std Streams) (client.PingOptions, error) {
	ping := client.PingOptions{ExitCode: c.Exit, RunID: c.Rid, Host: c.Host, AttemptTimeout: c.Timeout, UserAgent: userAgent()}
	if c.Exit != nil && (*c.Exit < 0 || *c.Exit > 255) {
		return ping, usageError("--exit %d: must be 0 to 255", *c.Exit)
	}
	switch {
	case c.Start:
		ping.Signal = client.Start
	case c.Fail:
		ping.Signal = client.Fail
	case c.Log:
		ping.Signal = client.Log
	}
	ping.Body = []byte(c.Body)
	if c.Body == "-" {
		end := runjob.NewTailBuffer(client.BodyLimit)
		if _, err := io.Copy(end, std.In); err != nil {
			return ping, fmt.Errorf("standard input: %w", err)
		}
		ping.Body = end.Bytes()
	}
	return ping, nil
}
