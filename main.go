// Overdue is a self-hosted heartbeat monitor: jobs ping it, and it notifies people if a
// ping does not arrive.
package main

import (
	"os"
	_ "time/tzdata" // schedules name time zones, and small images contain no zone files

	_ "golang.org/x/crypto/x509roots/fallback" // small images contain no certificates of authorities

	"overdue/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
