// Overdue is a self-hosted heartbeat monitor: jobs call it when they have run,
// and it tells people when a call does not come.
package main

import (
	"os"
	_ "time/tzdata" // schedules name time zones, and small images carry no zone files

	"overdue/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
