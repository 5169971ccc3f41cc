// Package report collects the results of benchmarks, compares them with their limits and
// with an earlier build, and writes them as text, JSON, Markdown and plots.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"overdue/e2e/bench/load"
)

// Report contains all results, in the format of the JSON file.
type Report struct {
	Machine     Machine      `json:"machine"`
	Comparisons []Comparison `json:"pings"`
	Figures     []Figure     `json:"figures"`
}

// Comparison is the result of one server under load from a number of connections.
type Comparison struct {
	Measure     string  `json:"measure"`
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

// Figure is one result with its limit.
type Figure struct {
	Measure string   `json:"measure"`
	On      string   `json:"on"`
	What    string   `json:"what"`
	Value   float64  `json:"value"`
	Unit    string   `json:"unit"`
	Bound   *Bound   `json:"bound,omitempty"`
	Before  *float64 `json:"before,omitempty"` // of the earlier build
	Load    float64  `json:"load"`             // load average of the last minute
}

// Bound is the maximum or minimum of a figure.
type Bound struct {
	Limit float64 `json:"limit"`
	Least bool    `json:"least"`
}

// AtMost returns a maximum.
func AtMost(limit float64) *Bound { return &Bound{Limit: limit} }

// AtLeast returns a minimum.
func AtLeast(limit float64) *Bound { return &Bound{Limit: limit, Least: true} }

// allows reports whether a value is within the bound. A nil bound allows all values.
func (b *Bound) allows(value float64) bool {
	return b == nil || (b.Least && value >= b.Limit) || (!b.Least && value <= b.Limit)
}

// String returns the bound in words.
func (b *Bound) String() string {
	switch {
	case b == nil:
		return ""
	case b.Least:
		return fmt.Sprintf("at least %g", b.Limit)
	}
	return fmt.Sprintf("at most %g", b.Limit)
}

// Add adds a figure of this build. If the earlier build was measured first, its value
// is already there.
func (r *Report) Add(f Figure) {
	f.Load = LoadAverage()
	if known := r.find(f); known != nil {
		f.Before = known.Before
		*known = f
		return
	}
	r.Figures = append(r.Figures, f)
}

// AddBefore adds a figure of the earlier build. Its bound does not apply.
func (r *Report) AddBefore(f Figure) {
	known := r.find(f)
	if known == nil {
		f.Load = LoadAverage()
		r.Figures = append(r.Figures, Figure{Measure: f.Measure, On: f.On, What: f.What, Unit: f.Unit, Value: unmeasured, Load: f.Load})
		known = &r.Figures[len(r.Figures)-1]
	}
	known.Before = &f.Value
}

// unmeasured is the value of a figure that only the earlier build has.
const unmeasured = -1

// find returns the figure with the same name, nil if there is none.
func (r *Report) find(f Figure) *Figure {
	for i := range r.Figures {
		if k := &r.Figures[i]; k.Measure == f.Measure && k.On == f.On && k.What == f.What {
			return k
		}
	}
	return nil
}

// Exceeded returns an error for each value outside its bound.
func (r *Report) Exceeded() []error {
	var errs []error
	for _, f := range r.Figures {
		if !f.Bound.allows(f.Value) {
			errs = append(errs, fmt.Errorf("bound exceeded: %s on %s: %s: %.4g %s; must be %s", f.Measure, f.On, f.What, f.Value, f.Unit, f.Bound))
		}
	}
	return errs
}

// verdict tells in a word whether a figure is within its bound.
func (f Figure) verdict() string {
	switch {
	case f.Bound == nil:
		return ""
	case f.Bound.allows(f.Value):
		return "ok"
	}
	return "EXCEEDED"
}

// before returns the value of the earlier build and the factor by which this build is
// smaller, as texts.
func (f Figure) before() (value, factor string) {
	if f.Before == nil {
		return "", ""
	}
	value = fmt.Sprintf("%.4g", *f.Before)
	if f.Value > 0 {
		factor = fmt.Sprintf("%.2f", *f.Before/f.Value)
	}
	return value, factor
}

// Print writes the report as tables.
func (r *Report) Print(out io.Writer) {
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
	fmt.Fprint(w, "\nmeasure\ton\twhat\tvalue\tunit\tbefore\tbefore/value\tbound\tverdict\n")
	for _, f := range r.Figures {
		before, factor := f.before()
		fmt.Fprintf(w, "%s\t%s\t%s\t%.4g\t%s\t%s\t%s\t%s\t%s\n", f.Measure, f.On, f.What, f.Value, f.Unit, before, factor, f.Bound, f.verdict())
	}
}

// Read adds the results of a file that Write wrote. A missing file is not an error.
func (r *Report) Read(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}

// Write writes the report as JSON.
func (r *Report) Write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return nil
}

// AddComparison adds the rounds of a server, compared with those of the baseline.
func (r *Report) AddComparison(measure, server string, connections int, results, baseline []load.Result) Comparison {
	var took load.Latencies
	var rates, ratios []float64
	var commits float64
	var cpu time.Duration
	for i, t := range results {
		took = append(took, t.Took...)
		rates = append(rates, t.PerSecond())
		ratios = append(ratios, t.PerSecond()/baseline[i].PerSecond())
		commits += t.Commits
		cpu += t.CPU
	}
	pings := float64(max(len(took), 1))
	row := Comparison{
		Measure: measure, Connections: connections, Server: server, PerSecond: load.Median(rates), Ratio: load.Median(ratios),
		P50: load.MS(took.At(0.5)), P99: load.MS(took.At(0.99)), Max: load.MS(took.At(1)),
		CPU: float64(cpu) / float64(time.Microsecond) / pings,
	}
	if commits > 0 {
		row.PerCommit = pings / commits
	}
	for i := range r.Comparisons {
		if k := &r.Comparisons[i]; k.Measure == measure && k.Server == server && k.Connections == connections {
			*k = row
			return row
		}
	}
	r.Comparisons = append(r.Comparisons, row)
	return row
}

// comparison returns the results of a server.
func (r *Report) comparison(measure string, connections int, server string) Comparison {
	for _, c := range r.Comparisons {
		if c.Measure == measure && c.Connections == connections && c.Server == server {
			return c
		}
	}
	return Comparison{}
}

// P99 returns the p99 of a server in milliseconds.
func (r *Report) P99(measure string, connections int, server string) float64 {
	return r.comparison(measure, connections, server).P99
}

// CPU returns the processor time of a server per ping, in microseconds.
func (r *Report) CPU(measure string, connections int, server string) float64 {
	return max(r.comparison(measure, connections, server).CPU, 1e-3)
}
