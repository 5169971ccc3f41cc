package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"overdue/client"

	"github.com/google/uuid"
	"golang.org/x/term"
)

// heartbeatArg names one heartbeat.
type heartbeatArg struct {
	apiFlags

	SlugOrID string `arg:"" name:"slug-or-id" help:"Slug or id of the heartbeat."`
}

// find returns the heartbeat.
func (c *heartbeatArg) find(ctx context.Context) (*client.Client, client.Heartbeat, error) {
	server, err := c.newClient()
	if err != nil {
		return nil, client.Heartbeat{}, err
	}
	h, err := findHeartbeat(ctx, server, c.SlugOrID)
	return server, h, withHeartbeatName(c.SlugOrID, err)
}

// findHeartbeat returns the heartbeat with an id or a slug.
func findHeartbeat(ctx context.Context, server *client.Client, slugOrID string) (client.Heartbeat, error) {
	if uuid.Validate(slugOrID) == nil {
		return server.Heartbeat(ctx, slugOrID)
	}
	h, err := server.HeartbeatBySlug(ctx, slugOrID)
	if problem, ok := errors.AsType[*client.Problem](err); ok && problem.Status == http.StatusNotFound {
		return h, errors.New("no heartbeat has this slug; overdue heartbeats list shows them")
	}
	return h, err
}

// withHeartbeatName adds the slug or id that the user typed to an error.
func withHeartbeatName(slugOrID string, err error) error {
	if err != nil {
		return fmt.Errorf("heartbeat %s: %w", slugOrID, err)
	}
	return nil
}

// idOrRef returns the id, which changes need. A read-only key does not see it and
// cannot change anything.
func idOrRef(h client.Heartbeat) string {
	if h.ID == nil {
		return h.Ref
	}
	return *h.ID
}

// heartbeatsPauseCmd pauses a heartbeat.
type heartbeatsPauseCmd struct{ heartbeatArg }

// Help is the long part of --help.
func (heartbeatsPauseCmd) Help() string {
	return `A paused heartbeat opens no incident. An open one is resolved. The next ping resumes the heartbeat, except with --manual-resume.

Examples:

    overdue heartbeats pause nightly-backup`
}

// Run pauses the heartbeat.
func (c *heartbeatsPauseCmd) Run(ctx context.Context) error {
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.PauseHeartbeat(ctx, idOrRef(h))
	return withHeartbeatName(c.SlugOrID, err)
}

// heartbeatsResumeCmd resumes a heartbeat.
type heartbeatsResumeCmd struct{ heartbeatArg }

// Help is the long part of --help.
func (heartbeatsResumeCmd) Help() string {
	return `The schedule counts from now.

Examples:

    overdue heartbeats resume nightly-backup`
}

// Run resumes the heartbeat.
func (c *heartbeatsResumeCmd) Run(ctx context.Context) error {
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.ResumeHeartbeat(ctx, idOrRef(h))
	return withHeartbeatName(c.SlugOrID, err)
}

// quietFlags say how long something is quiet.
type quietFlags struct {
	Until string `placeholder:"TIME" help:"Time at which it ends, instead of a duration, such as 2026-03-14T08:00:00Z."`
}

// period returns the period of a duration or the flags.
func (f quietFlags) period(length string) (q client.QuietPeriod, err error) {
	if length != "" {
		q.For = length
	}
	if f.Until == "" {
		return q, nil
	}
	at, err := time.Parse(time.RFC3339, f.Until)
	switch {
	case err != nil:
		return q, usageError("--until %s: must be a time with its zone, such as 2026-03-14T08:00:00Z", f.Until)
	case length != "":
		return q, usageError("a duration and --until: use one of them")
	}
	q.Until = &at
	return q, nil
}

// heartbeatsMuteCmd mutes a heartbeat.
type heartbeatsMuteCmd struct {
	heartbeatArg
	quietFlags

	For string `arg:"" optional:"" name:"duration" help:"How long, such as 2h. Default: until it is unmuted."`
}

// Help is the long part of --help.
func (heartbeatsMuteCmd) Help() string {
	return `The heartbeat is evaluated as always. If it is still down at the end of the mute, the alert is sent then. Recoveries are sent to channels that received the alert before the mute.

Examples:

    overdue heartbeats mute nightly-backup 2h
    overdue heartbeats mute nightly-backup --until 2026-03-14T08:00:00Z
    overdue heartbeats mute nightly-backup`
}

// Run mutes the heartbeat.
func (c *heartbeatsMuteCmd) Run(ctx context.Context) error {
	q, err := c.period(c.For)
	if err != nil {
		return err
	}
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.MuteHeartbeat(ctx, idOrRef(h), q)
	return withHeartbeatName(c.SlugOrID, err)
}

// heartbeatsUnmuteCmd unmutes a heartbeat.
type heartbeatsUnmuteCmd struct{ heartbeatArg }

// Help is the long part of --help.
func (heartbeatsUnmuteCmd) Help() string {
	return `If the heartbeat is down and its alert was not sent, the alert is sent at once.

Examples:

    overdue heartbeats unmute nightly-backup`
}

// Run unmutes the heartbeat.
func (c *heartbeatsUnmuteCmd) Run(ctx context.Context) error {
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	_, err = server.UnmuteHeartbeat(ctx, idOrRef(h))
	return withHeartbeatName(c.SlugOrID, err)
}

// mutedText describes until when a heartbeat is muted.
func mutedText(h client.Heartbeat, clock clock) string {
	if h.MutedUntil == nil {
		return "until it is unmuted"
	}
	return "until " + clock.text(h.MutedUntil)
}

// heartbeatsDeleteCmd deletes a heartbeat.
type heartbeatsDeleteCmd struct {
	heartbeatArg

	Yes bool `help:"Do not ask for confirmation."`
}

// Help is the long part of --help.
func (heartbeatsDeleteCmd) Help() string {
	return `Its ping URL answers 404 from then on.

Examples:

    overdue heartbeats delete nightly-backup
    overdue heartbeats delete nightly-backup --yes`
}

// Run deletes the heartbeat after a confirmation.
func (c *heartbeatsDeleteCmd) Run(ctx context.Context, std Streams) error {
	if !c.Yes && !isTerminal(std.In) {
		return errNoTerminal("delete")
	}
	server, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	if !c.Yes && !confirm(std, fmt.Sprintf("Delete heartbeat %q and its history?", printable(h.Name))) {
		return errors.New("nothing deleted")
	}
	return withHeartbeatName(c.SlugOrID, server.DeleteHeartbeat(ctx, idOrRef(h)))
}

// errNoTerminal returns the error of a command that cannot ask for confirmation.
func errNoTerminal(command string) error {
	return usageError("%s asks for confirmation, but standard input is not a terminal: set --yes", command)
}

// isTerminal reports whether a person can answer a question. The null device that
// cron provides is not a terminal.
func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// confirm asks a question and reports whether the answer is y or yes.
func confirm(std Streams, question string) bool {
	_, _ = fmt.Fprint(std.Err, question+" [y/N] ") // an unread question is not answered with yes
	line, _ := bufio.NewReader(std.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}
