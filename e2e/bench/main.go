// Command bench measures the real binary, as its own process on a real disk,
// against the limits that Overdue promises, and exits with 1 if one is exceeded.
//
//	go run ./e2e/bench [-seconds 8] [-only NAME] [-postgres] [-json FILE]
//
//	bench ── load (keep-alive connections) ──▶ overdue serve ──▶ SQLite | PostgreSQL
//	      ── the same load ────────────────▶ bench -baseline (answers OK, stores nothing)
//	      ◀─ webhooks ───────────────────── overdue serve
//
// Client and servers share one machine, so an absolute number says little: the
// rate of pings is compared with that of a handler that only answers OK, under
// the same load and in the same minute. The two run alternately, and the result
// is the median of the ratios.
//
// Every measurement is verified: every response must be 200 with the body OK, and
// afterwards the server must have stored exactly as many pings as it acknowledged.
//
// Invariants: every wait and every loop has a limit. At the end of the run, no process is
// left, and no directory unless the run was killed (SIGKILL).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// runTimeout limits the whole run: a hung server must not block a build.
const runTimeout = 10 * time.Minute

// options are the options of the command line.
type options struct {
	seconds  float64 // of load per server and number of connections
	only     string  // name of one benchmark; "" runs all
	postgres bool
	json     string // file to write; "" writes none
	baseline bool   // run the handler that only answers OK
}

// parseOptions reads the command line.
func parseOptions(args []string, errOut io.Writer) (options, error) {
	var o options
	var names []string
	for _, m := range benchmarks() {
		names = append(names, m.name)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Float64Var(&o.seconds, "seconds", 8, "seconds of load per server and number of connections")
	flags.StringVar(&o.only, "only", "", "run only this benchmark: "+strings.Join(names, ", "))
	flags.BoolVar(&o.postgres, "postgres", false, "also measure PostgreSQL")
	flags.StringVar(&o.json, "json", "", "also write the results to this file as JSON")
	flags.BoolVar(&o.baseline, "baseline", false, "run the handler that only answers OK (used by bench itself)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	known := o.only == ""
	for _, name := range names {
		known = known || name == o.only
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q: unexpected argument; bench accepts only flags", flags.Arg(0))
	case !known:
		return o, fmt.Errorf("-only %s: must be one of %s", o.only, strings.Join(names, ", "))
	case o.seconds < 0.3 || o.seconds > 60:
		return o, fmt.Errorf("-seconds %g: must be from 0.3 to 60", o.seconds)
	}
	return o, nil
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 0 if all values are within their limits, 1 if a limit is exceeded or
// a measurement failed, 2 if the command line is invalid.
func run(args []string, out, errOut io.Writer) int {
	o, err := parseOptions(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(errOut, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.baseline {
		err = serveBaseline(ctx, errOut)
	} else {
		ctx, cancel := context.WithTimeout(ctx, runTimeout)
		defer cancel()
		err = benchAll(ctx, o, out, errOut)
	}
	if err != nil {
		fmt.Fprintln(errOut, "bench:", err)
		return 1
	}
	return 0
}
