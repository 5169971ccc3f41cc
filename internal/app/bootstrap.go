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

// ensureProject creates the first project, and reports whether this is the
// first start.
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
		return false, nil // another node has just created it
	}
	return first, err
}

// printWelcome prints the address of the server and the next steps. setup is the
// one-time link that creates the owner, empty if there is an owner. It is printed and
// never logged, because other people may read the log.
func (o Options) printWelcome(base string, first bool, setup string) {
	fmt.Fprintf(o.Out, "Overdue %s is running.\n\n  address   %s\n  data      %s\n", o.Version, base, store.DescribeAddress(o.Database))
	if setup != "" {
		fmt.Fprintf(o.Out, "\nOpen this link to create the owner. It works once. A restart prints a new one.\n\n  %s\n", setup)
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
Or start in another terminal: create an API key and a heartbeat, and ping it.

  export OVERDUE_URL=%s
  export OVERDUE_API_KEY=$(%s api-key create --name me%s)
  %s heartbeats create --name "Nightly backup" --interval 24h --grace 1h

The last command prints the ping URL. Ping it with curl, and see the
heartbeat become Up with:  %s heartbeats list

`, base, self, database, self, self)
}

// programName returns the command that started this program.
func (o Options) programName() string {
	if strings.Contains(os.Args[0], string(filepath.Separator)+"go-build") {
		return "go run ." // the binary is deleted with the server
	}
	return os.Args[0]
}
