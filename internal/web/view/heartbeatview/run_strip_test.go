package heartbeatview

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// outcomePaths contains the SVG path of each outcome at the start of the strip. X is a
// coordinate.
var outcomePaths = map[string]string{
	OutcomeOnTime:   "MX 22v-7h4v7z",
	OutcomeLate:     "MX 22v-14h4v14z",
	OutcomeFailed:   "MX 22v-20h4v20z",
	OutcomeMissed:   "MX 21.4v-18.8h2.75v18.8z",
	OutcomeUnknown:  "MX 21v-2h2v2zMX 17v-2h2v2zMX 13v-2h2v2z",
	OutcomeUpcoming: "MX 21.5v-6h3v6z",
	OutcomeRunning:  "MX 22v-7h4v7zMX 13v-3h4v3z",
}

func TestRunStrip_DrawsEveryRunOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := RunStrip(rapid.SliceOfN(rapid.SampledFrom([]string{OutcomeOnTime, OutcomeLate, OutcomeFailed, OutcomeMissed, OutcomeUnknown, OutcomeUpcoming, OutcomeRunning}), 0, 40).Draw(t, "runs"))
		drawn := 0
		for _, p := range s.strokes() {
			outcome := strings.TrimPrefix(p.class, "s-")
			one := strings.ReplaceAll(regexp.QuoteMeta(outcomePaths[outcome]), "X", `(\d+(?:\.\d+)?)`)
			if !regexp.MustCompile(`^(?:` + one + `)+$`).MatchString(p.d) {
				t.Fatalf("%s is drawn %q", outcome, p.d)
			}
			drawn += len(regexp.MustCompile(one).FindAllString(p.d, -1))
		}
		if want := min(len(s), 30); drawn != want {
			t.Fatalf("%d runs are drawn; want %d", drawn, want)
		}
	})
}

func TestRunStrip_NewestRunIsAtTheRightEdge(t *testing.T) {
	got := RunStrip{OutcomeLate, OutcomeMissed, OutcomeUpcoming}.strokes()
	want := []runsPath{
		{"s-late", "M191 22v-14h4v14z"},
		{"s-missed", "M198.625 21.4v-18.8h2.75v18.8z"},
		{"s-upcoming", "M205.5 21.5v-6h3v6z"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(runsPath{})); diff != "" {
		t.Errorf("strip (-want +got):\n%s", diff)
	}
}

func TestRunStrip_LabelIsOneSentence(t *testing.T) {
	for want, s := range map[string]RunStrip{
		"No runs yet":                               {OutcomeUpcoming},
		"The only expected run: late":               {OutcomeLate, OutcomeUpcoming},
		"Last 3 expected runs: 2 on time, 1 missed": {OutcomeOnTime, OutcomeMissed, OutcomeOnTime, OutcomeRunning, OutcomeUpcoming},
		"Last 30 expected runs: 30 late":            RunStrip(slices.Repeat([]string{OutcomeLate}, 45)),
	} {
		if got := s.label(); got != want {
			t.Errorf("%v reads %q; want %q", s, got, want)
		}
	}
}

func moment(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}
