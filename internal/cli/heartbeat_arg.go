package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"overdue/client"

	"github.com/google/uuid"
	"golang.org/x/term"
)

// heartbeatArg is the heartbeat that pause, resume and delete are about.
type heartbeatArg struct {
	apiFlags

	SlugOrID string `arg:"" name:"slug-or-id" help:"Slug or id of the heartbeat."`
}

// find looks the heartbeat up.
func (c *heartbeatArg) find(ctx context.Context) (*client.Client, client.Heartbeat, error) {
	far, err := c.newClient()
	if err != nil {
		return nil, client.Heartbeat{}, err
	}
	if uuid.Validate(c.SlugOrID) == nil {
		h, err := far.Heartbeat(ctx, c.SlugOrID)
		return far, h, withHeartbeatName(c.SlugOrID, err)
	}
	h, err := findBySlug(ctx, far, c.SlugOrID)
	return far, h, withHeartbeatName(c.SlugOrID, err)
}

// findBySlug asks for heartbeats that look like the slug first, which is one page,
// and then for all: what the server searches in is its own affair.
func findBySlug(ctx context.Context, far *client.Client, slug string) (client.Heartbeat, error) {
	for _, q := range []string{slug, ""} {
		for h, err := range far.AllHeartbeats(ctx, client.HeartbeatQuery{Q: q}) {
			if err != nil || h.Slug == slug {
				return h, err
			}
		}
	}
	return client.Heartbeat{}, errors.New("there is none with this slug")
}

// withHeartbeatName puts the name that the operator typed before what went wrong.
func withHeartbeatName(which string, err error) error {
	if err != nil {
		return fmt.Errorf("heartbeat %s: %w", which, err)
	}
	return nil
}

// idOrRef is what changes need; a read-only key is not told it, and may not change.
func idOrRef(h client.Heartbeat) string {
	if h.ID == nil {
		return h.Ref
	}
	return *h.ID
}

// heartbeatsPauseCmd is for planned work: silence during it is no incident.
type heartbeatsPauseCmd struct{ heartbeatArg }

// Run pauses the heartbeat.
func (c *heartbeatsPauseCmd) Run(ctx context.Context) error {
	far, h, err := c.find(ctx)
	if err == nil {
		_, err = far.PauseHeartbeat(ctx, idOrRef(h))
		err = withHeartbeatName(c.SlugOrID, err)
	}
	return err
}

// heartbeatsResumeCmd ends a pause.
type heartbeatsResumeCmd struct{ heartbeatArg }

// Run resumes the heartbeat.
func (c *heartbeatsResumeCmd) Run(ctx context.Context) error {
	far, h, err := c.find(ctx)
	if err == nil {
		_, err = far.ResumeHeartbeat(ctx, idOrRef(h))
		err = withHeartbeatName(c.SlugOrID, err)
	}
	return err
}

// heartbeatsDeleteCmd is the one command here that cannot be undone.
type heartbeatsDeleteCmd struct {
	heartbeatArg

	Yes bool `help:"Do not ask."`
}

// Run deletes the heartbeat, once somebody has agreed to it.
func (c *heartbeatsDeleteCmd) Run(ctx context.Context, std Streams) error {
	if !c.Yes && !isTerminal(std.In) {
		return usageError("delete asks before it deletes, and there is no terminal to ask on: give --yes")
	}
	far, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	if !c.Yes && !confirm(std, fmt.Sprintf("Delete heartbeat %q and its history?", printable(h.Name))) {
		return errors.New("nothing deleted")
	}
	return withHeartbeatName(c.SlugOrID, far.DeleteHeartbeat(ctx, idOrRef(h)))
}

// isTerminal reports whether somebody is there to answer. A null device, as cron
// gives it, is not a terminal.
func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// confirm asks, and takes nothing but a clear yes for one.
func confirm(std Streams, question string) bool {
	_, _ = fmt.Fprint(std.Err, question+" [y/N] ") // unseen, it will not be answered with yes
	line, _ := bufio.NewReader(std.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}
