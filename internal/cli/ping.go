package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"overdue/client"
)

// pingFlags say which heartbeat is meant and how patient to be with its
// monitor.
type pingFlags struct {
	Target  string        `arg:"" name:"url-or-id" help:"Ping URL, or the id of a heartbeat on the server that --url names."`
	URL     string        `name:"url" placeholder:"ADDRESS" setting:"env" help:"Address of the server, for example https://overdue.example.org."`
	Timeout time.Duration `default:"10s" placeholder:"DURATION" help:"Longest wait for one attempt. Default: ${default}."`
	Wait    time.Duration `default:"30s" placeholder:"DURATION" help:"Longest wait for all attempts together. Default: ${default}."`
}

// Validate keeps a wait of nothing from looking like a monitor that is away.
func (f pingFlags) Validate() error {
	if f.Timeout <= 0 || f.Wait <= 0 {
		return fmt.Errorf("timeout and wait: must be longer than 0")
	}
	return nil
}

// pingURL is where the pings go.
func (f pingFlags) pingURL() (string, error) {
	address, err := client.PingURL(f.URL, f.Target)
	if err != nil && f.URL == "" {
		return "", usageError("%w; give the ping URL, or an id and --url or $%s", err, variableName("url"))
	}
	if err != nil {
		return "", usageError("%w", err)
	}
	return address, nil
}

// withWaitLimit is ctx until the patience with the monitor ends.
func (f pingFlags) withWaitLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, f.Wait, fmt.Errorf("no answer within %s", f.Wait))
}

// warnReduced returns a function that warns in one line that a ping was stored
// with only a part of its body. what names the body.
func warnReduced(std Streams, what string) func(kept int, reason error) {
	return func(kept int, reason error) {
		if kept == 0 {
			warn(std, "the ping was stored without the %s: %v", what, reason)
			return
		}
		warn(std, "the ping was stored with only the last %d bytes of the %s: %v", kept, what, reason)
	}
}

// pingCmd is the patient curl: the same one request, with retries, and with an
// exit code that tells "stored" from everything else.
type pingCmd struct {
	pingFlags

	Start bool   `xor:"signal" help:"The job began."`
	Fail  bool   `xor:"signal" help:"The job failed."`
	Log   bool   `xor:"signal" help:"Only write the body to the log."`
	Exit  *int   `xor:"signal" placeholder:"N" help:"The job ended with this exit code; 0 is a success."`
	Rid   string `placeholder:"TEXT" help:"Run id: any text, such as a UUID, the same for the start and the end of a run."`
	Body  string `placeholder:"TEXT" help:"Text to send along; - sends the end of standard input."`
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
	ping.OnReduced = warnReduced(std, "body")
	if err := client.Send(ctx, address, ping); err != nil {
		return fmt.Errorf("ping not acknowledged: %w", err)
	}
	return nil
}

// options turns the flags into a ping. What the server would refuse anyway is
// refused here, as wrong use: that is told sooner and more clearly.
func (c *pingCmd) options(std Streams) (client.PingOptions, error) {
	ping := client.PingOptions{ExitCode: c.Exit, RunID: c.Rid, AttemptTimeout: c.Timeout, UserAgent: userAgent()}
	if c.Exit != nil && (*c.Exit < 0 || *c.Exit > 255) {
		return ping, usageError("exit code %d: must be 0 to 255", *c.Exit)
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
		end := newTailBuffer(client.BodyLimit)
		if _, err := io.Copy(end, std.In); err != nil {
			return ping, fmt.Errorf("standard input: %w", err)
		}
		ping.Body = end.bytes()
	}
	return ping, nil
}
