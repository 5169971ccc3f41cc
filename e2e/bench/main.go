// Command bench measures the real binary, as its own process on a real disk,
// against the limits that Overdue promises, and exits with 1 if one is exceeded.
//
//	go run ./e2e/bench [-seconds 8] [-only NAME,…] [-postgres] [-scale] [-against BINARY] [-json FILE] [-markdown FILE]
//	go run ./e2e/bench load -url URL …    sends the same kind of load to any server
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
// afterwards the server must have stored exactly as many pings as it acknowledged, and
// opened exactly the incidents that it had to.
//
// -scale also runs what takes long: up to a million heartbeats. -against measures an
// earlier build in the same run, and reports both and their ratio.
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
	"slices"
	"strings"
	"syscall"
	"time"

	"overdue/e2e/bench/load"
)

// Time limits of a whole run: a hung server must not block a build.
const (
	runTimeout   = time.Hour
	scaleTimeout = 8 * time.Hour
)

// options are the options of the command line.
type options struct {
	seconds  float64  // of load per server and number of connections
	only     []string // names of benchmarks; empty: all
	postgres bool
	scale    bool   // run the long benchmarks too
	against  string // binary of an earlier build; "": none
	json     string // file to write; "" writes none
	add      bool   // keep the other results of that file
	markdown string // file to write; "" writes none
	plots    string // directory for plots; "" writes none
	profiles string // directory for profiles; "" writes none
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
	only := flags.String("only", "", "run only these benchmarks, separated by commas: "+strings.Join(names, ", "))
	flags.BoolVar(&o.scale, "scale", false, "also run the benchmarks that take long, up to 1,000,000 heartbeats")
	flags.StringVar(&o.against, "against", "", "also measure this binary of an earlier build, in the same run")
	flags.BoolVar(&o.add, "add", false, "keep the results of other benchmarks that the -json file has: one run per benchmark")
	flags.StringVar(&o.markdown, "markdown", "", "also write the results to this file as Markdown")
	flags.StringVar(&o.profiles, "profiles", "", "write profiles of servers under pings to this directory")
	flags.StringVar(&o.plots, "plots", "", "write plots of the growth to this directory")
	flags.BoolVar(&o.postgres, "postgres", false, "also measure PostgreSQL")
	flags.StringVar(&o.json, "json", "", "also write the results to this file as JSON")
	flags.BoolVar(&o.baseline, "baseline", false, "run the handler that only answers OK (used by bench itself)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	unknown := slices.IndexFunc(o.only, func(name string) bool { return !slices.Contains(names, name) })
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q: unexpected argument; bench accepts only flags", flags.Arg(0))
	case unknown >= 0:
		return o, fmt.Errorf("-only %s: must be one of %s", o.only[unknown], strings.Join(names, ", "))
	case o.add && o.json == "":
		return o, errors.New("-add: needs -json")
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) > 0 && args[0] == "load" {
		return load.Command(ctx, args[1:], out, errOut)
	}
	o, err := parseOptions(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(errOut, "bench:", err)
		return 2
	}
	if o.baseline {
		err = serveBaseline(ctx, errOut)
	} else {
		limit := runTimeout
		if o.scale {
			limit = scaleTimeout
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err = benchAll(ctx, o, out, errOut)
	}
	if err != nil {
		fmt.Fprintln(errOut, "bench:", err)
		return 1
	}
	return 0
}
