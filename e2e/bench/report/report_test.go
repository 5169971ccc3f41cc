package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/e2e/bench/load"
)

// oneSecondRound returns a round of one second with the given number of pings.
func oneSecondRound(pings int64) load.Result {
	return load.Result{Pings: pings, Elapsed: time.Second, Took: load.Latencies{1e6, 2e6}, CPU: 20 * time.Microsecond, Commits: 1}
}

func TestReport_UsesTheMedianOfTheRatiosOfTheRounds(t *testing.T) {
	r := &Report{}
	baseline := []load.Result{oneSecondRound(100), oneSecondRound(1000), oneSecondRound(200)}
	got := r.AddComparison("pings", "SQLite", 64, []load.Result{oneSecondRound(50), oneSecondRound(100), oneSecondRound(60)}, baseline)
	want := Comparison{Measure: "pings", Connections: 64, Server: "SQLite", PerSecond: 60, Ratio: 0.3, P50: 1, P99: 2, Max: 2, PerCommit: 2, CPU: 10}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("comparison (-want +got):\n%s", diff)
	}
	if r.CPU("pings", 64, "SQLite") != 10 || r.P99("pings", 64, "SQLite") != 2 || r.P99("pings", 256, "SQLite") != 0 {
		t.Errorf("comparisons %+v", r.Comparisons)
	}
}

func TestReport_ShowsTheEarlierBuildNextToThisOne(t *testing.T) {
	r := &Report{}
	f := Figure{Measure: "lists", On: "SQLite", What: "p95", Value: 20, Unit: "ms", Bound: AtMost(25)}
	r.Add(f)
	f.Value = 100
	r.AddBefore(f)
	f.What, f.Value = "only before", 7
	r.AddBefore(f)
	if len(r.Exceeded()) > 0 {
		t.Errorf("exceeded: %v; the bounds do not apply to the earlier build", r.Exceeded())
	}
	file := filepath.Join(t.TempDir(), "table.md")
	if err := r.WriteMarkdown(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"| lists | SQLite | p95 | 100 | 20 ms | at most 25 | ok |", "| lists | SQLite | only before | 7 |  |  |  |"} {
		if !strings.Contains(string(text), row) {
			t.Errorf("no row %q in:\n%s", row, text)
		}
	}
}

func TestBound_AllowsItsLimit(t *testing.T) {
	for _, c := range []struct {
		bound *Bound
		value float64
		kept  bool
	}{
		{nil, 1e9, true},
		{AtMost(10), 10, true},
		{AtMost(10), 10.1, false},
		{AtLeast(10), 10, true},
		{AtLeast(10), 9.9, false},
	} {
		r := &Report{Figures: []Figure{{Value: c.value, Bound: c.bound}}}
		if kept := len(r.Exceeded()) == 0; kept != c.kept {
			t.Errorf("%g against %q: kept %v; want %v", c.value, c.bound, kept, c.kept)
		}
	}
}

func TestReport_NamesEachExceededBound(t *testing.T) {
	r := &Report{}
	r.Add(Figure{Measure: "detection", On: "SQLite", What: "delivered, p99", Value: 300, Unit: "ms", Bound: AtMost(250)})
	r.Add(Figure{Measure: "memory", On: "SQLite", What: "idle", Value: 42, Unit: "MB", Bound: AtMost(60)})
	var out strings.Builder
	r.Print(&out)
	var verdicts []string
	for line := range strings.Lines(out.String()) {
		if fields := strings.Fields(line); len(fields) > 2 && strings.Contains(line, "at most") {
			verdicts = append(verdicts, fields[0]+" "+fields[len(fields)-1])
		}
	}
	if diff := cmp.Diff([]string{"detection EXCEEDED", "memory ok"}, verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s\n%s", diff, out.String())
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := errors.Join(back.Read(file), back.Read(file+" that is missing")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*r, back); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	// Another run replaces its own results.
	back.Add(Figure{Measure: "memory", On: "SQLite", What: "idle", Value: 43, Unit: "MB", Bound: AtMost(60)})
	back.Add(Figure{Measure: "start", On: "SQLite", What: "slowest", Value: 90, Unit: "ms"})
	if len(back.Figures) != 3 || back.Figures[1].Value != 43 {
		t.Errorf("figures %+v", back.Figures)
	}
}
