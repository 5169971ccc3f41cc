package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// report contains all results, in the format of the JSON file.
type report struct {
	Machine     machine      `json:"machine"`
	Comparisons []comparison `json:"pings"`
	Figures     []figure     `json:"figures"`
}

// comparison is the result of one server under load from a number of connections.
type comparison struct {
	Connections int     `json:"connections"`
	Server      string  `json:"server"`
	PerSecond   float64 `json:"per_second"` // median of the rounds
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	Max         float64 `json:"max_ms"`
	Ratio       float64 `json:"ratio"`            // to the baseline: median of the rounds
	PerCommit   float64 `json:"pings_per_commit"` // 0 for the baseline
	CPU         float64 `json:"cpu_us_per_ping"`  // processor time of the server
}

// serverRounds contains the results of the rounds of one server.
type serverRounds struct {
	connections int
	server      string
	rounds      []roundResult
}

// figure is one result with its limit.
type figure struct {
	Measure string  `json:"measure"`
	On      string  `json:"on"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Bound   *bound  `json:"bound,omitempty"`
}

// bound is the maximum or minimum of a figure.
type bound struct {
	Limit float64 `json:"limit"`
	Least bool    `json:"least"`
}

// atMost and atLeast return bounds.
func atMost(limit float64) *bound  { return &bound{Limit: limit} }
func atLeast(limit float64) *bound { return &bound{Limit: limit, Least: true} }

// allows reports whether a value is within the bound. A nil bound allows all values.
func (b *bound) allows(value float64) bool {
	return b == nil || (b.Least && value >= b.Limit) || (!b.Least && value <= b.Limit)
}

// String returns the bound in words.
func (b *bound) String() string {
	switch {
	case b == nil:
		return ""
	case b.Least:
		return fmt.Sprintf("at least %g", b.Limit)
	}
	return fmt.Sprintf("at most %g", b.Limit)
}

// addComparison adds the rounds of a server, compared with those of the baseline.
func (r *report) addComparison(e serverRounds, baseline []roundResult) {
	var took latencies
	var rates, ratios []float64
	var commits float64
	var cpu time.Duration
	for i, t := range e.rounds {
		took = append(took, t.took...)
		rates = append(rates, t.perSecond())
		ratios = append(ratios, t.perSecond()/baseline[i].perSecond())
		commits += t.commits
		cpu += t.cpu
	}
	pings := float64(max(len(took), 1))
	row := comparison{
		Connections: e.connections, Server: e.server, PerSecond: median(rates), Ratio: median(ratios),
		P50: ms(took.at(0.5)), P99: ms(took.at(0.99)), Max: ms(took.at(1)),
		CPU: float64(cpu) / float64(time.Microsecond) / pings,
	}
	if commits > 0 {
		row.PerCommit = pings / commits
	}
	r.Comparisons = append(r.Comparisons, row)
	if e.server == "SQLite" {
		what := fmt.Sprintf("ratio to the baseline, %d connections", e.connections)
		r.add(figure{"pings", e.server, what, row.Ratio, "", atLeast(minRatio)})
	}
}

// add adds a figure.
func (r *report) add(f figure) { r.Figures = append(r.Figures, f) }

// spread adds the p50, p99 and maximum of latencies. The bound, in milliseconds,
// applies to the p99.
func (r *report) spread(measure, on, what string, took latencies, p99 *bound) {
	r.add(figure{measure, on, what + ", p50", ms(took.at(0.5)), "ms", nil})
	r.add(figure{measure, on, what + ", p99", ms(took.at(0.99)), "ms", p99})
	r.add(figure{measure, on, what + ", max", ms(took.at(1)), "ms", nil})
}

// exceeded returns an error for each value outside its bound.
func (r *report) exceeded() []error {
	var errs []error
	for _, f := range r.Figures {
		if !f.Bound.allows(f.Value) {
			errs = append(errs, fmt.Errorf("bound exceeded: %s on %s: %s: %.4g %s; must be %s", f.Measure, f.On, f.What, f.Value, f.Unit, f.Bound))
		}
	}
	return errs
}

// print writes the report as tables.
func (r *report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n", r.Machine)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	if len(r.Comparisons) > 0 {
		fmt.Fprint(w, "\nconnections\tserver\tpings/s\tp50 ms\tp99 ms\tmax ms\tratio\tCPU µs/ping\tpings/commit\n")
		for _, row := range r.Comparisons {
			fmt.Fprintf(w, "%d\t%s\t%.0f\t%.2f\t%.2f\t%.1f\t%.2f\t%.1f\t%.1f\n",
				row.Connections, row.Server, row.PerSecond, row.P50, row.P99, row.Max, row.Ratio, row.CPU, row.PerCommit)
		}
	}
	fmt.Fprint(w, "\nmeasure\ton\twhat\tvalue\tunit\tbound\tverdict\n")
	for _, f := range r.Figures {
		verdict := ""
		if f.Bound != nil {
			verdict = map[bool]string{true: "ok", false: "EXCEEDED"}[f.Bound.allows(f.Value)]
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.4g\t%s\t%s\t%s\n", f.Measure, f.On, f.What, f.Value, f.Unit, f.Bound, verdict)
	}
}

// write writes the report as JSON.
func (r *report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}

// machine describes the machine, because the results depend on it.
type machine struct {
	At   time.Time `json:"at"`
	CPUs int       `json:"cpus"`
	Load float64   `json:"load"`        // load average of the last minute before the run
	Sync float64   `json:"sync_p50_ms"` // time to sync 4 kB to disk
	Slow float64   `json:"sync_p99_ms"`
}

// String describes the machine and how to read the numbers.
func (m machine) String() string {
	return fmt.Sprintf("%d CPUs, shared by the load, the servers and other programs (load average before: %.1f).\n"+
		"A sync of 4 kB to this disk takes %.2f ms (p99 %.2f ms). Compare ratios: absolute numbers depend on this machine and its other load.",
		m.CPUs, m.Load, m.Sync, m.Slow)
}
