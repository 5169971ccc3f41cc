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

// oneHeartbeat is the heartbeat that pause, resume and delete are about.
type oneHeartbeat struct {
	clientFlags

	Which string `arg:"" name:"slug-or-id" help:"Slug or id of the heartbeat."`
}

// find looks the heartbeat up.
func (c *oneHeartbeat) find(ctx context.Context) (*client.Client, client.Heartbeat, error) {
	far, err := c.client()
	if err != nil {
		return nil, client.Heartbeat{}, err
	}
	if uuid.Validate(c.Which) == nil {
		h, err := far.Heartbeat(ctx, c.Which)
		return far, h, named(c.Which, err)
	}
	h, err := bySlug(ctx, far, c.Which)
	return far, h, named(c.Which, err)
}

// bySlug asks for heartbeats that look like the slug first, which is one page,
// and then for all: what the server searches in is its own affair.
func bySlug(ctx context.Context, far *client.Client, slug string) (client.Heartbeat, error) {
	for _, q := range []string{slug, ""} {
		for h, err := range far.AllHeartbeats(ctx, client.HeartbeatQuery{Q: q}) {
			if err != nil || h.Slug == slug {
				return h, err
			}
		}
	}
	return client.Heartbeat{}, errors.New("there is none with this slug")
}

// named puts the name that the operator typed before what went wrong.
func named(which string, err error) error {
	if err != nil {
		return fmt.Errorf("heartbeat %s: %w", which, err)
	}
	return nil
}

// id is what changes need; a read-only key is not told it, and may not change.
func id(h client.Heartbeat) string {
	if h.ID == nil {
		return h.Ref
	}
	return *h.ID
}

// heartbeatsPauseCmd is for planned work: silence during it is no incident.
type heartbeatsPauseCmd struct{ oneHeartbeat }

// Run pauses the heartbeat.
func (c *heartbeatsPauseCmd) Run(ctx context.Context) error {
	far, h, err := c.find(ctx)
	if err == nil {
		_, err = far.PauseHeartbeat(ctx, id(h))
		err = named(c.Which, err)
	}
	return err
}

// heartbeatsResumeCmd ends a pause.
type heartbeatsResumeCmd struct{ oneHeartbeat }

// Run resumes the heartbeat.
func (c *heartbeatsResumeCmd) Run(ctx context.Context) error {
	far, h, err := c.find(ctx)
	if err == nil {
		_, err = far.ResumeHeartbeat(ctx, id(h))
		err = named(c.Which, err)
	}
	return err
}

// heartbeatsDeleteCmd is the one command here that cannot be undone.
type heartbeatsDeleteCmd struct {
	oneHeartbeat

	Yes bool `help:"Do not ask."`
}

// Run deletes the heartbeat, once somebody has agreed to it.
func (c *heartbeatsDeleteCmd) Run(ctx context.Context, std Streams) error {
	if !c.Yes && !onTerminal(std.In) {
		return usage("delete asks before it deletes, and there is no terminal to ask on: give --yes")
	}
	far, h, err := c.find(ctx)
	if err != nil {
		return err
	}
	if !c.Yes && !agreed(std, fmt.Sprintf("Delete heartbeat %q and its history?", printable(h.Name))) {
		return errors.New("nothing deleted")
	}
	return named(c.Which, far.DeleteHeartbeat(ctx, id(h)))
}

// onTerminal reports whether somebody is there to answer. A null device, as cron
// gives it, is not a terminal.
func onTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// agreed asks, and takes nothing but a clear yes for one.
func agreed(std Streams, question string) bool {
	_, _ = fmt.Fprint(std.Err, question+" [y/N] ") // unseen, it will not be answered with yes
	line, _ := bufio.NewReader(std.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}
