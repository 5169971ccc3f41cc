package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// oneSecondRound returns a round of one second with the given number of pings.
func oneSecondRound(pings int64) roundResult {
	return roundResult{pings: pings, elapsed: time.Second, took: latencies{1e6, 2e6}, cpu: 20 * time.Microsecond, commits: 1}
}

func TestReport_UsesTheMedianOfTheRatiosOfTheRounds(t *testing.T) {
	r := &report{}
	baseline := []roundResult{oneSecondRound(100), oneSecondRound(1000), oneSecondRound(200)}
	r.addComparison(serverRounds{64, "SQLite", []roundResult{oneSecondRound(50), oneSecondRound(100), oneSecondRound(60)}}, baseline)
	want := []comparison{{Connections: 64, Server: "SQLite", PerSecond: 60, Ratio: 0.3, P50: 1, P99: 2, Max: 2, PerCommit: 2, CPU: 10}}
	if diff := cmp.Diff(want, r.Comparisons); diff != "" {
		t.Errorf("races (-want +got):\n%s", diff)
	}
	if errs := r.exceeded(); len(errs) != 1 || !strings.Contains(errs[0].Error(), "64 connections: 0.3 ; must be at least 0.35") {
		t.Errorf("broken: %v; want the ratio", errs)
	}
}

func TestBound_AllowsItsLimit(t *testing.T) {
	for _, c := range []struct {
		bound *bound
		value float64
		kept  bool
	}{
		{nil, 1e9, true},
		{atMost(10), 10, true},
		{atMost(10), 10.1, false},
		{atLeast(10), 10, true},
		{atLeast(10), 9.9, false},
	} {
		r := &report{Figures: []figure{{Value: c.value, Bound: c.bound}}}
		if kept := len(r.exceeded()) == 0; kept != c.kept {
			t.Errorf("%g against %q: kept %v; want %v", c.value, c.bound, kept, c.kept)
		}
	}
}

func TestReport_NamesEachExceededBound(t *testing.T) {
	r := &report{}
	r.spread("detection", "SQLite", "delivered", latencies{5e6, 300e6}, atMost(250))
	r.add(figure{"memory", "SQLite", "idle", 42, "MB", atMost(60)})
	var out strings.Builder
	r.print(&out)
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
	if err := r.write(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*r, back); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestParseOptions_ChecksTheCommandLine(t *testing.T) {
	for args, good := range map[string]bool{
		"":                              true,
		"-only silence -seconds 0.3":    true,
		"-postgres -json x -seconds 60": true,
		"-only nothing":                 false,
		"-seconds 0":                    false,
		"-seconds 61":                   false,
		"pings":                         false,
		"-nonsense":                     false,
	} {
		if _, err := parseOptions(strings.Fields(args), io.Discard); (err == nil) != good {
			t.Errorf("%q: %v; want good: %v", args, err, good)
		}
	}
}
