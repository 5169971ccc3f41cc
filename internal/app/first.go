package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// ensureProject makes the project that everybody begins with, and reports
// whether this is the first start.
func ensureProject(ctx context.Context, db *store.DB) (first bool, err error) {
	err = db.Update(ctx, func(tx *store.Tx) error {
		projects, err := tx.Projects()
		if err != nil || len(projects) > 0 {
			first = false
			return err
		}
		first = true
		_, err = tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now().UTC()})
		return err
	})
	if errors.Is(err, store.ErrTaken) {
		return false, nil // another node made it just now
	}
	return first, err
}

// printWelcome tells the operator where the server is and what to do next. setup is the
// one-time link that creates the owner, empty when there is one. It goes to the
// operator and never to the log, which others may read.
func (o Options) printWelcome(base string, first bool, setup string) {
	fmt.Fprintf(o.Out, "Overdue %s is running.\n\n  address   %s\n  data      %s\n", o.Version, base, store.DescribeAddress(o.Database))
	if setup != "" {
		fmt.Fprintf(o.Out, "\nOpen this link to create the owner. It works once, and a restart makes a new one.\n\n  %s\n", setup)
	}
	if !first {
		return
	}
	database, self := "", o.programName()
	switch {
	case strings.Contains(o.Database, "://"):
		database = " --database postgres://…" // the address may hold a password
	case o.Database != "overdue.db":
		database = " --database " + o.Database
	}
	fmt.Fprintf(o.Out, `
Or begin in another terminal: make an API key and a heartbeat, and ping it.

  export OVERDUE_URL=%s
  export OVERDUE_API_KEY=$(%s api-key create --name me%s)
  %s heartbeats create --name "Nightly backup" --interval 24h --grace 1h

The last command prints the ping URL. Send it a ping with curl, and see the
heartbeat go up with:  %s heartbeats list

`, base, self, database, self, self)
}

// programName is how this program is called.
func (o Options) programName() string {
	if strings.Contains(os.Args[0], string(filepath.Separator)+"go-build") {
		return "go run ." // the binary vanishes with the server
	}
	return os.Args[0]
}
