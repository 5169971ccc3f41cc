package monitor

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
	"time"
)

// FactorKind is what incidents of a group have in common. The values are part of the API.
type FactorKind string

// The kinds of factors, most specific first.
const (
	FactorHost   FactorKind = "host"   // that the job named
	FactorSource FactorKind = "source" // client address, if the job named no host
	FactorTag    FactorKind = "tag"
)

// rank orders kinds: the most specific one first.
func (k FactorKind) rank() int {
	return slices.Index([]FactorKind{FactorHost, FactorSource, FactorTag}, k)
}

// Factor is something that incidents can have in common.
type Factor struct {
	Kind  FactorKind
	Value string
}

// compare orders factors: the most specific kind first, then by value.
func (f Factor) compare(g Factor) int {
	return cmp.Or(cmp.Compare(f.Kind.rank(), g.Kind.rank()), cmp.Compare(f.Value, g.Value))
}

// HostFactor returns the factor of Incident.Host. ok is false if it is not known.
func HostFactor(host string) (f Factor, ok bool) {
	if isAddress(host) {
		return Factor{FactorSource, host}, true
	}
	return Factor{FactorHost, host}, host != ""
}

// isAddress reports whether a text has the form of an IP address. This package parses nothing of the network.
func isAddress(text string) bool {
	if strings.Contains(text, ":") { // IPv6
		return strings.Trim(text, "0123456789abcdefABCDEF:.") == "" && strings.Count(text, ":") > 1
	}
	return strings.Count(text, ".") == 3 && strings.Trim(text, "0123456789.") == "" && !strings.Contains("."+text+".", "..")
}

// Limits of a group.
const (
	// GroupWindow is the time between the openings of incidents within which they belong together.
	GroupWindow = time.Minute
	// MaxGroupSpan is the time between the first and the last opening of a group. Without it, a tag that
	// all heartbeats have would make one group without an end.
	MaxGroupSpan = 2 * time.Hour
	// GroupAcknowledgement is the time after the acknowledgement of a group in which incidents that join it
	// are acknowledged too.
	GroupAcknowledgement = 2 * time.Hour
)

// GroupableIncident is an incident that belongs to no group yet.
type GroupableIncident struct {
	Number   int64
	OpenedAt time.Time
	Factors  []Factor
}

// has reports whether the incident has a factor.
func (i GroupableIncident) has(f Factor) bool { return slices.Contains(i.Factors, f) }

// IncidentGroup is a set of incidents that share one factor and opened one after the other, with less than
// GroupWindow between two of them.
type IncidentGroup struct {
	Project     int64
	Number      int64 // of its first incident
	Factor      Factor
	First, Last time.Time // openings
	Members     int       // incidents that joined it

	AcknowledgedAt time.Time // zero: never
	AcknowledgedBy string
}

// accepts reports whether an incident that opened at a time belongs to the group, if it has the factor.
func (g IncidentGroup) accepts(opened time.Time) bool {
	return !opened.Before(g.First.Add(-GroupWindow)) && !opened.After(g.Last.Add(GroupWindow)) &&
		opened.Sub(g.First) <= MaxGroupSpan && g.Last.Sub(opened) <= MaxGroupSpan
}

// add returns the group with another member.
func (g IncidentGroup) add(opened time.Time) IncidentGroup {
	if opened.Before(g.First) {
		g.First = opened
	}
	if opened.After(g.Last) {
		g.Last = opened
	}
	g.Members++
	return g
}

// Acknowledges reports whether an incident that joins the group now is acknowledged with it.
func (g IncidentGroup) Acknowledges(now time.Time) bool {
	return !g.AcknowledgedAt.IsZero() && now.Before(g.AcknowledgedAt.Add(GroupAcknowledgement))
}

// Correlation is the result of Correlate.
type Correlation struct {
	Groups map[int64]int64 // number of the group, by the number of the incident; others belong to none
	New    []IncidentGroup // groups that did not exist
	Grown  []IncidentGroup // existing groups with new members
}

// Correlate decides which incidents belong to which group:
//
//   - An incident joins an existing group whose factor it has and that accepts it: the one with the most
//     members, then the one with the most specific factor.
//   - The others form new groups. The factor that most of them share within GroupWindow makes the
//     first, and so on. If two factors are shared by as many, the more specific one decides.
//
// So incidents of one host with a common tag are one group, and incidents of many hosts with a common tag
// are one group of the tag, not one for each host.
func Correlate(groups []IncidentGroup, incidents []GroupableIncident) Correlation {
	incidents = slices.Clone(incidents)
	slices.SortFunc(incidents, func(a, b GroupableIncident) int {
		return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.Number, b.Number))
	})
	c := Correlation{Groups: map[int64]int64{}}
	c.join(groups, incidents)
	c.form(incidents)
	return c
}

// join adds incidents, in the order of their openings, to existing groups.
func (c *Correlation) join(groups []IncidentGroup, incidents []GroupableIncident) {
	groups = slices.Clone(groups)
	byFactor, grown := map[Factor][]int{}, map[int]bool{}
	for n, g := range groups {
		byFactor[g.Factor] = append(byFactor[g.Factor], n)
	}
	for _, i := range incidents {
		best := -1
		for _, f := range i.Factors {
			for _, n := range byFactor[f] {
				if groups[n].accepts(i.OpenedAt) && (best < 0 || groups[n].compare(groups[best]) < 0) {
					best = n
				}
			}
		}
		if best >= 0 {
			groups[best], grown[best] = groups[best].add(i.OpenedAt), true
			c.Groups[i.Number] = groups[best].Number
		}
	}
	for n, g := range groups {
		if grown[n] {
			c.Grown = append(c.Grown, g)
		}
	}
}

// compare orders groups: the one that an incident joins comes first.
func (g IncidentGroup) compare(other IncidentGroup) int {
	return cmp.Or(cmp.Compare(other.Members, g.Members), g.Factor.compare(other.Factor), cmp.Compare(g.Number, other.Number))
}

// form forms groups of the incidents that joined none. A queue has the number of incidents that share each
// factor, which can only become smaller: it is counted again when the factor is the first.
func (c *Correlation) form(incidents []GroupableIncident) {
	members := map[Factor][]GroupableIncident{}
	for _, i := range incidents {
		if c.Groups[i.Number] == 0 {
			for _, f := range i.Factors {
				members[f] = append(members[f], i)
			}
		}
	}
	var q factorQueue
	for f, of := range members {
		if len(of) > 1 {
			q = append(q, sharedFactor{f, len(of)})
		}
	}
	heap.Init(&q)
	for len(q) > 0 {
		f := q[0]
		rest := slices.DeleteFunc(members[f.Factor], func(i GroupableIncident) bool { return c.Groups[i.Number] != 0 })
		members[f.Factor] = rest
		longest := longestRun(rest)
		switch {
		case len(longest) < 2:
			heap.Pop(&q)
		case len(longest) < f.shared:
			q[0].shared = len(longest)
			heap.Fix(&q, 0)
		default:
			c.New = append(c.New, c.newGroup(f.Factor, longest))
		}
	}
}

// newGroup forms a group of incidents in the order of their openings.
func (c *Correlation) newGroup(f Factor, incidents []GroupableIncident) IncidentGroup {
	g := IncidentGroup{Number: incidents[0].Number, Factor: f, First: incidents[0].OpenedAt, Last: incidents[0].OpenedAt}
	for _, i := range incidents {
		g = g.add(i.OpenedAt)
		g.Number = min(g.Number, i.Number)
	}
	for _, i := range incidents {
		c.Groups[i.Number] = g.Number
	}
	return g
}

// longestRun returns the most incidents that opened one after the other within the limits of a group. They
// are in the order of their openings.
func longestRun(incidents []GroupableIncident) (longest []GroupableIncident) {
	for first := 0; first < len(incidents); {
		end := first + 1
		for end < len(incidents) && incidents[end].OpenedAt.Sub(incidents[end-1].OpenedAt) <= GroupWindow &&
			incidents[end].OpenedAt.Sub(incidents[first].OpenedAt) <= MaxGroupSpan {
			end++
		}
		if end-first > len(longest) {
			longest = incidents[first:end]
		}
		first = end
	}
	return longest
}

// sharedFactor is a factor and the number of incidents that share it at most.
type sharedFactor struct {
	Factor
	shared int
}

// factorQueue is a heap of factors: the one that most incidents share is the first.
type factorQueue []sharedFactor

func (q factorQueue) Len() int      { return len(q) }
func (q factorQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q factorQueue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].shared, q[i].shared), q[i].Factor.compare(q[j].Factor)) < 0
}

// Push adds a factor.
func (q *factorQueue) Push(f any) { *q = append(*q, f.(sharedFactor)) }

// Pop removes the last factor.
func (q *factorQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
