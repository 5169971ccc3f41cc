package monitor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var correlationStart = time.Date(2026, 11, 29, 2, 10, 0, 0, time.UTC)

// groupable returns an incident with factors such as "source=192.0.2.1" or "tag=db".
func groupable(number int64, opened time.Duration, factors ...string) GroupableIncident {
	i := GroupableIncident{Number: number, OpenedAt: correlationStart.Add(opened)}
	for _, f := range factors {
		kind, value, _ := strings.Cut(f, "=")
		i.Factors = append(i.Factors, Factor{FactorKind(kind), value})
	}
	return i
}

// describeGroups returns each incident with its group, and each new group with its factor.
func describeGroups(c Correlation, incidents []GroupableIncident) string {
	var parts []string
	for _, g := range append(slices.Clone(c.Grown), c.New...) {
		text := fmt.Sprintf("%s=%s:", g.Factor.Kind, g.Factor.Value)
		for _, i := range incidents {
			if c.Groups[i.Number] == g.Number {
				text += fmt.Sprintf(" %d", i.Number)
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func TestCorrelate_DecidesWhatBelongsTogether(t *testing.T) {
	const second, minute = time.Second, time.Minute
	db := IncidentGroup{Number: 7, Factor: Factor{FactorTag, "db"}, First: correlationStart.Add(-30 * second), Last: correlationStart, Members: 5}
	for name, test := range map[string]struct {
		groups    []IncidentGroup
		incidents []GroupableIncident
		want      string
	}{
		"one incident is no group":         {incidents: []GroupableIncident{groupable(1, 0, "tag=db")}},
		"a shared tag":                     {incidents: []GroupableIncident{groupable(1, 0, "tag=db"), groupable(2, minute, "tag=db", "tag=x")}, want: "tag=db: 1 2"},
		"nothing in common":                {incidents: []GroupableIncident{groupable(1, 0, "tag=db"), groupable(2, 0, "tag=x"), groupable(3, 0)}},
		"more than a minute apart":         {incidents: []GroupableIncident{groupable(1, 0, "tag=db"), groupable(2, minute+1, "tag=db")}},
		"one after the other":              {incidents: []GroupableIncident{groupable(1, 0, "tag=db"), groupable(3, 90*second, "tag=db"), groupable(2, 50*second, "tag=db")}, want: "tag=db: 1 3 2"},
		"a source comes before a tag":      {incidents: []GroupableIncident{groupable(1, 0, "tag=db", "source=a"), groupable(2, 0, "tag=db", "source=a")}, want: "source=a: 1 2"},
		"a host comes before a source":     {incidents: []GroupableIncident{groupable(1, 0, "source=a", "host=b"), groupable(2, 0, "source=a", "host=b")}, want: "host=b: 1 2"},
		"what more share comes first":      {incidents: []GroupableIncident{groupable(1, 0, "source=a", "tag=db"), groupable(2, 0, "source=a", "tag=db"), groupable(3, 0, "source=b", "tag=db")}, want: "tag=db: 1 2 3"},
		"two groups":                       {incidents: []GroupableIncident{groupable(1, 0, "tag=db"), groupable(2, 0, "tag=x"), groupable(3, 0, "tag=db"), groupable(4, 0, "tag=x")}, want: "tag=db: 1 3; tag=x: 2 4"},
		"it joins an existing group":       {groups: []IncidentGroup{db}, incidents: []GroupableIncident{groupable(8, minute, "tag=db")}, want: "tag=db: 8"},
		"also one that opened before it":   {groups: []IncidentGroup{db}, incidents: []GroupableIncident{groupable(8, -90*second, "tag=db")}, want: "tag=db: 8"},
		"too late for an existing group":   {groups: []IncidentGroup{db}, incidents: []GroupableIncident{groupable(8, minute+1, "tag=db")}},
		"another factor than its group":    {groups: []IncidentGroup{db}, incidents: []GroupableIncident{groupable(8, 0, "source=a")}},
		"a group ends after two hours":     {groups: []IncidentGroup{{Number: 7, Factor: db.Factor, First: correlationStart.Add(-MaxGroupSpan), Last: correlationStart, Members: 9}}, incidents: []GroupableIncident{groupable(8, 1, "tag=db")}},
		"the larger of two groups":         {groups: []IncidentGroup{db, {Number: 9, Factor: Factor{FactorSource, "a"}, First: correlationStart, Last: correlationStart, Members: 4}}, incidents: []GroupableIncident{groupable(10, 0, "source=a", "tag=db")}, want: "tag=db: 10"},
		"the number is that of the lowest": {incidents: []GroupableIncident{groupable(5, second, "tag=db"), groupable(6, 0, "tag=db")}, want: "tag=db: 5 6"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := describeGroups(Correlate(test.groups, test.incidents), test.incidents); got != test.want {
				t.Errorf("groups %q; want %q", got, test.want)
			}
		})
	}
}

// correlateSlowly is the rule of Correlate, with a search of everything at each step.
func correlateSlowly(groups []IncidentGroup, incidents []GroupableIncident) (all map[int64]int64) {
	all = map[int64]int64{}
	incidents, groups = slices.Clone(incidents), slices.Clone(groups)
	slices.SortStableFunc(incidents, func(a, b GroupableIncident) int { return int(a.Number - b.Number) })
	slices.SortStableFunc(incidents, func(a, b GroupableIncident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	more := func(n int, f Factor, m int, g Factor) bool { // n incidents share f, and m share g
		if n != m {
			return n > m
		}
		if f.Kind != g.Kind {
			return f.Kind == FactorHost || f.Kind == FactorSource && g.Kind == FactorTag
		}
		return f.Value < g.Value
	}
	for _, i := range incidents {
		best := -1
		for n, g := range groups {
			near := i.OpenedAt.Sub(g.Last) <= time.Minute && g.First.Sub(i.OpenedAt) <= time.Minute
			short := i.OpenedAt.Sub(g.First) <= 2*time.Hour && g.Last.Sub(i.OpenedAt) <= 2*time.Hour
			if near && short && i.has(g.Factor) && (best < 0 || more(g.Members, g.Factor, groups[best].Members, groups[best].Factor)) {
				best = n
			}
		}
		if best >= 0 {
			all[i.Number] = groups[best].Number
			groups[best] = groups[best].add(i.OpenedAt)
		}
	}
	for {
		var run []GroupableIncident
		var shared Factor
		for _, first := range incidents {
			for _, f := range first.Factors {
				var of []GroupableIncident // the incidents that share f, from the first on
				for _, i := range incidents {
					if all[i.Number] == 0 && i.has(f) && !i.OpenedAt.Before(first.OpenedAt) && (i.OpenedAt.After(first.OpenedAt) || i.Number >= first.Number) {
						if n := len(of); n > 0 && (i.OpenedAt.Sub(of[n-1].OpenedAt) > time.Minute || i.OpenedAt.Sub(of[0].OpenedAt) > 2*time.Hour) {
							break
						}
						of = append(of, i)
					}
				}
				if len(of) > 1 && (len(run) == 0 || more(len(of), f, len(run), shared)) {
					run, shared = of, f
				}
			}
		}
		if len(run) == 0 {
			return all
		}
		number := run[0].Number
		for _, i := range run {
			number = min(number, i.Number)
		}
		for _, i := range run {
			all[i.Number] = number
		}
	}
}

func TestCorrelate_AgreesWithTheSlowModel(t *testing.T) {
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 13))
		var groups []IncidentGroup
		factor := func() Factor {
			switch random.IntN(4) {
			case 0:
				return Factor{FactorSource, fmt.Sprint(random.IntN(4))}
			case 1:
				return Factor{FactorHost, fmt.Sprint(random.IntN(2))}
			}
			return Factor{FactorTag, fmt.Sprint(random.IntN(4))}
		}
		for n := range random.IntN(3) {
			first := correlationStart.Add(time.Duration(random.IntN(200)) * time.Second)
			g := IncidentGroup{Number: int64(n + 1), Factor: factor(), First: first, Last: first.Add(time.Duration(random.IntN(7200)) * time.Second), Members: 2 + random.IntN(3)}
			if !slices.ContainsFunc(groups, func(o IncidentGroup) bool { return o.Factor == g.Factor }) {
				groups = append(groups, g)
			}
		}
		var incidents []GroupableIncident
		for n := range random.IntN(14) {
			i := GroupableIncident{Number: int64(10 + n), OpenedAt: correlationStart.Add(time.Duration(random.IntN(300)) * time.Second)}
			for range random.IntN(4) {
				if f := factor(); !i.has(f) {
					i.Factors = append(i.Factors, f)
				}
			}
			incidents = append(incidents, i)
		}
		got, want := Correlate(groups, incidents), correlateSlowly(groups, incidents)
		if fmt.Sprint(got.Groups) != fmt.Sprint(want) {
			t.Fatalf("seed %d: groups %v; the model says %v\n%+v\n%+v", seed, got.Groups, want, groups, incidents)
		}
	}
}

func TestCorrelate_ManyIncidentsAreFast(t *testing.T) {
	var incidents []GroupableIncident
	for n := range int64(20_000) {
		incidents = append(incidents, groupable(n+1, 0, fmt.Sprintf("source=%d", n/2), fmt.Sprintf("tag=rack-%d", n/40), "tag=edge"))
	}
	begin := time.Now()
	c := Correlate(nil, incidents)
	if len(c.New) != 1 || c.New[0].Members != len(incidents) || c.New[0].Number != 1 {
		t.Errorf("%d groups; want one of all: %+v", len(c.New), c.New[:1])
	}
	for n := range incidents {
		incidents[n].Factors = incidents[n].Factors[:2] // many small groups
	}
	if c := Correlate(nil, incidents); len(c.New) != 500 {
		t.Errorf("%d groups; want 500", len(c.New))
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("40,000 incidents took %s", took)
	}
}

func TestHostFactor_TellsNamesFromAddresses(t *testing.T) {
	for host, want := range map[string]string{"web1": "host=web1", "192.0.2.1": "source=192.0.2.1", "2001:db8::1": "source=2001:db8::1", "10.0.0": "host=10.0.0", "1.2.3.4.": "host=1.2.3.4.", "db:5432": "host=db:5432"} {
		if f, ok := HostFactor(host); !ok || string(f.Kind)+"="+f.Value != want {
			t.Errorf("%s: %+v, %t; want %s", host, f, ok, want)
		}
	}
	if _, ok := HostFactor(""); ok {
		t.Error("no host is a factor")
	}
}
