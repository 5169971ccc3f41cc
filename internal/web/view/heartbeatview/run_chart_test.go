package heartbeatview

import (
	"context"
	"strings"
	"testing"
	"time"

	"overdue/internal/web/view/ui"
)

// measuredRuns returns runs of these lengths.
func measuredRuns(took ...time.Duration) (all []ChartRun) {
	for i, d := range took {
		due := moment("2025-10-04T01:00:00Z").Add(time.Duration(i) * time.Hour)
		all = append(all, ChartRun{Number: int64(i + 1), Outcome: OutcomeOnTime, Due: due, Ended: due.Add(d), Took: d, Measured: true})
	}
	return all
}

func TestRunChart_HasRoundTicks(t *testing.T) {
	for name, x := range map[string]struct {
		chart RunChart
		want  string
	}{
		"hours with a limit":        {RunChart{Runs: measuredRuns(4*time.Hour, 5*time.Hour), Limit: 6 * time.Hour}, "0 2h 4h 6h 8h"},
		"minutes":                   {RunChart{Runs: measuredRuns(150*time.Second, 270*time.Second), Limit: 10 * time.Minute}, "0 3m 6m 9m 12m"},
		"a limit far from the runs": {RunChart{Runs: measuredRuns(5*time.Second, 8*time.Second), Limit: time.Hour}, "0 2s 4s 6s 8s 10s"},
		"milliseconds":              {RunChart{Runs: measuredRuns(7*time.Millisecond, 12*time.Millisecond)}, "0 5ms 10ms 15ms"},
		"days":                      {RunChart{Runs: measuredRuns(70 * time.Hour)}, "0 24h 48h 3d 4d"},
	} {
		var texts []string
		for _, l := range x.chart.runTimeTicks() {
			texts = append(texts, l.text)
		}
		if got := strings.Join(texts, " "); got != x.want {
			t.Errorf("%s: the ticks are %q; want %q", name, got, x.want)
		}
	}
}

func TestRunChart_KeepsLabelsApart(t *testing.T) {
	m := RunChart{Runs: measuredRuns(4*time.Minute, 10*time.Minute), Limit: 10 * time.Minute, Half: 10 * time.Minute, Most: 10 * time.Minute}
	labels := m.limitLabels()
	if len(labels) != 3 || labels[0].at == labels[1].at || labels[1].at == labels[2].at {
		t.Errorf("%+v", labels)
	}
	m.Limit = 10 * time.Hour
	if labels := m.limitLabels(); labels[0].text != "max 10h ↑" {
		t.Errorf("a limit above the axis reads %q", labels[0].text)
	}
}

func TestRunChart_LinksToTheLogOfTheRun(t *testing.T) {
	c := ui.Clock{Now: moment("2025-10-14T20:09:04Z")}
	m := RunChart{PagePath: "/heartbeats/k", OldestPing: 5, NewestPing: 9}
	for want, r := range map[string]ChartRun{
		"#run-7":                           {Number: 7},
		"/heartbeats/k?run=4#run-4":        {Number: 4},
		"/heartbeats/k?day=2025-10-04#log": {Outcome: OutcomeMissed, Due: moment("2025-10-04T01:00:00Z")},
	} {
		if got := m.runPath(c, r); got != want {
			t.Errorf("%+v leads to %s; want %s", r, got, want)
		}
	}
}

func TestRunChart_EveryOutcomeHasWordsAndALegend(t *testing.T) {
	for outcome, mark := range runMarks {
		m := RunChart{Runs: []ChartRun{{Outcome: outcome, Due: moment("2025-10-04T01:00:00Z")}}}
		if mark.words == "" || len(m.legend()) != 1 {
			t.Errorf("%s has the words %q and %d entries in the legend", outcome, mark.words, len(m.legend()))
		}
	}
}

func TestChartMarks_EveryOutcomeHasAShape(t *testing.T) {
	var page strings.Builder
	if err := chartMarks().Render(context.Background(), &page); err != nil {
		t.Fatal(err)
	}
	for outcome, m := range runMarks {
		if !strings.Contains(page.String(), `id="m-`+m.mark+`"`) {
			t.Errorf("%s: there is no shape %q, so the run is invisible", outcome, m.mark)
		}
	}
}

func TestRules_RunsOfSeveralHostsAreNotTimed(t *testing.T) {
	h := Heartbeat{Status: "up", Grace: time.Minute, Instances: "each host"}
	for _, r := range (DetailPage{Heartbeat: h}).rules(ui.Clock{}) {
		if strings.Contains(r.text, "longer") {
			t.Errorf("the page says %q, but starts have no effect", r.text)
		}
	}
	if text := h.maxRunTimeText(); text != "" {
		t.Errorf("maximum run time %q", text)
	}
}
