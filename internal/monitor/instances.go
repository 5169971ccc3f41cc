package monitor

import (
	"errors"
	"slices"
	"strconv"
	"time"
)

// Instances says which of the hosts that ping a heartbeat must succeed.
type Instances int

// The values. A positive number is the minimum number of hosts.
const (
	AnyHost  Instances = 0  // a success of any host is enough
	EachHost Instances = -1 // each host that has pinged
)

// String returns any, each or the number, as the API has it.
func (i Instances) String() string {
	switch i {
	case AnyHost:
		return "any"
	case EachHost:
		return "each"
	}
	return strconv.Itoa(int(i))
}

var errInstances = errors.New("neither any, each nor a number of hosts")

// ParseInstances parses the result of String. An empty text is any.
func ParseInstances(text string) (Instances, error) {
	switch text {
	case "", "any":
		return AnyHost, nil
	case "each":
		return EachHost, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > MaxHosts {
		return AnyHost, errInstances
	}
	return Instances(n), nil
}

// Describe returns the rule in words, such as "at least 2 hosts".
func (i Instances) Describe() string {
	switch i {
	case AnyHost:
		return "any host"
	case EachHost:
		return "each host"
	}
	return "at least " + countHosts(int(i))
}

// MaxHosts is the maximum number of hosts of a heartbeat. It is also the maximum of Instances.
const MaxHosts = 100

// HostRetention is the time for which a host that sends nothing is remembered if only a number of hosts must succeed. It is
// longer if the interval is. If each host must succeed, only a user forgets hosts: otherwise an incident
// would end without a success.
const HostRetention = 30 * 24 * time.Hour

// HostState is one of the hosts of a heartbeat.
type HostState struct {
	Name    string
	At      time.Time // newest success or failure
	Success time.Time // newest success, zero if none
}

// Failed reports whether the newest report of the host was a failure.
func (s HostState) Failed() bool { return s.Success.Before(s.At) }

// needed returns how many hosts must succeed.
func (h *Heartbeat) needed() int {
	if h.Rule.Instances == EachHost {
		return len(h.Hosts)
	}
	return int(h.Rule.Instances)
}

// succeedingHosts returns the number of hosts whose newest report was a success within the interval and the
// grace period before at. A zero at selects all whose newest report was a success.
func (h *Heartbeat) succeedingHosts(at time.Time) int {
	n := 0
	for _, s := range h.Hosts {
		if !s.Failed() && (at.IsZero() || !s.Success.Add(h.hostWindow()).Before(at)) {
			n++
		}
	}
	return n
}

// hostWindow returns how long a success of a host counts.
func (h *Heartbeat) hostWindow() time.Duration {
	return h.Rule.Interval + h.Rule.Grace + h.credit()
}

// satisfiedSince returns the newest time since which as many hosts as needed have succeeded: the wait for
// the next ping counts from it. It is the oldest last success of the hosts that are needed, or zero if
// too few hosts succeed.
func (h *Heartbeat) satisfiedSince() time.Time {
	var all []time.Time
	for _, s := range h.Hosts {
		if !s.Failed() {
			all = append(all, s.Success)
		}
	}
	n := h.needed()
	if n == 0 || len(all) < n {
		return time.Time{}
	}
	slices.SortFunc(all, func(a, b time.Time) int { return b.Compare(a) })
	return all[n-1]
}

// silentSince returns when the silence began that an incident would report.
func (h *Heartbeat) silentSince() time.Time {
	if h.Rule.Instances == AnyHost {
		return h.StaleBefore
	}
	return laterOf(h.StaleBefore, h.satisfiedSince())
}

// applyHostPing is ApplyPing for a heartbeat whose hosts count separately. It evaluates nothing at or after
// before. Runs are not timed, so a start only enters the history. StaleBefore does not move with pings: a ping
// is stale if its host has sent a newer one.
func (h Heartbeat) applyHostPing(p Ping, before time.Time) (Heartbeat, Change) {
	change := Change{Ping: p}
	if host := p.HostOrSource(); host != h.LastHost && !p.At.Before(laterOf(h.LastPing, h.LastStart)) {
		h.LastHost = host
	}
	if p.Kind == PingStart {
		h.LastStart = laterOf(h.LastStart, p.At)
		return h, change
	}
	if p.At.Before(h.StaleBefore) {
		return h, change
	}
	if h.changesBy(before.Add(-Precision)) {
		h, change = h.Evaluate(before.Add(-Precision))
	}
	if len(h.PendingBlackouts) > 0 {
		h, change = h.applyBlackoutBefore(p.At, change)
	}
	change.Ping = p
	h, known := h.withHost(p)
	last := h.LastPing
	h.LastPing = laterOf(h.LastPing, p.At)
	switch {
	case !known, h.Status == Paused && (h.Rule.ManualResume || p.Kind == PingFail && h.succeedingHosts(p.At) >= h.needed()):
		return h, change // only remembered
	case p.Kind == PingFail && h.succeedingHosts(p.At) >= h.needed():
		return h, change // tolerated: enough other hosts succeed
	}
	h.LastPing = last // finishRun sets it
	from := h.CountedFrom
	first := h.Status == Paused || from.IsZero()
	if h.Status == Paused {
		h.StaleBefore = p.At
	}
	if first {
		from = p.At
	}
	if p.Kind == PingSuccess && !first {
		if !h.completes(p) {
			h.LastPing, h.CountedFrom = laterOf(last, p.At), laterOf(from, h.satisfiedSince())
			return h, change // other hosts are missing, or were silent for longer
		}
		from = laterOf(from, h.satisfiedSince())
	}
	if h.Maintenance != nil {
		// Only what the ping completes ends in a window. The wait for other hosts begins again at its end.
		h, change = h.applyWindowBefore(p.At, change)
	}
	return h.finishHostRun(p, from, change)
}

// completes reports whether a success completes what is expected of the hosts: it makes the wait begin later,
// or, if an incident is open, enough hosts have succeeded in time.
func (h *Heartbeat) completes(p Ping) bool {
	since := h.satisfiedSince()
	if h.Status != Down {
		return since.After(h.CountedFrom)
	}
	// Hosts have time again after a pause and after a blackout.
	since = laterOf(laterOf(since, h.StaleBefore), h.Blackout.RestartedAfter.To)
	return h.succeedingHosts(time.Time{}) >= h.needed() && !since.Add(h.hostWindow()).Before(p.At)
}

// finishHostRun applies a ping that completes what is expected of the hosts, or a failure. The wait counts
// from the given time.
func (h Heartbeat) finishHostRun(p Ping, from time.Time, change Change) (Heartbeat, Change) {
	before := h
	h, change = h.finishRun(finishingPing{Ping: p}, change)
	h.StaleBefore, h.CountedFrom, h.LastPing = before.StaleBefore, from, laterOf(before.LastPing, p.At)
	if before.Status == Late && h.Status == Up && !h.due().After(p.At) {
		h.Status = Late // another host is late, too
	}
	return h, change
}

// withHost returns the heartbeat after a success or failure of a host. known is false if the ping does not
// count: its host has sent a newer one, or there are too many hosts.
func (h Heartbeat) withHost(p Ping) (after Heartbeat, known bool) {
	name, keep := p.HostOrSource(), max(HostRetention, 3*h.hostWindow())
	hosts := make([]HostState, 0, len(h.Hosts)+1)
	state := HostState{Name: name}
	for _, s := range h.Hosts {
		switch {
		case s.Name == name:
			state = s
		case h.Rule.Instances == EachHost || p.At.Sub(s.At) <= keep:
			hosts = append(hosts, s)
		}
	}
	if h.Rule.Instances == EachHost && len(hosts) == MaxHosts {
		return h, false
	}
	if len(hosts) == MaxHosts {
		oldest := slices.MinFunc(hosts, func(a, b HostState) int { return a.At.Compare(b.At) })
		hosts = slices.DeleteFunc(hosts, func(s HostState) bool { return s == oldest })
	}
	known = !p.At.Before(state.At)
	if state.At = laterOf(state.At, p.At); p.Kind == PingSuccess {
		state.Success = laterOf(state.Success, p.At)
	}
	h.Hosts = append(hosts, state)
	slices.SortFunc(h.Hosts, compareHosts)
	return h, known
}

// compareHosts sorts hosts by name.
func compareHosts(a, b HostState) int {
	if a.Name < b.Name {
		return -1
	}
	return 1
}

// recount returns the heartbeat whose wait counts as its rule requires. old is the rule that applied until now.
func (h Heartbeat) recount(old Instances) Heartbeat {
	switch {
	case h.Rule.Calendar != nil || h.CountedFrom.IsZero():
	case h.Rule.Instances == AnyHost || old == AnyHost:
		h.CountedFrom = laterOf(h.CountedFrom, h.LastPing) // an interval counts from the ping itself
	default:
		h.CountedFrom = laterOf(h.CountedFrom, h.satisfiedSince())
	}
	if h.Rule.Instances == AnyHost && old != AnyHost {
		h.StaleBefore = laterOf(h.StaleBefore, h.LastPing)
	}
	if h.Rule.Instances == AnyHost || old == AnyHost {
		h.Hosts = nil
	}
	if h.Rule.Instances != AnyHost {
		h.ActiveRuns, h.FinishedRuns = nil, nil
	}
	return h
}

// ForgetHost returns the heartbeat without one of its hosts. If the others are enough, it resolves an
// incident. found is false if the host is unknown. Silence counts only up to the watermark, as in ChangeRule.
func (h Heartbeat) ForgetHost(name string, now, until time.Time) (after Heartbeat, change Change, found bool) {
	rest := slices.DeleteFunc(slices.Clone(h.Hosts), func(s HostState) bool { return s.Name == name })
	if len(rest) == len(h.Hosts) {
		return h, Change{}, false
	}
	h, change = h.Evaluate(until)
	var decided []Span
	h, decided = h.recordSilence(until)
	change.ClosedSpans = append(change.ClosedSpans, decided...)
	h.Hosts = rest
	since := h.satisfiedSince()
	if since.IsZero() || h.Status == Paused || h.CountedFrom.IsZero() {
		return h, change, true
	}
	h.CountedFrom = laterOf(h.CountedFrom, since)
	inTime := !h.CountedFrom.Add(h.hostWindow()).Before(now)
	if h.Status == Down && inTime {
		change.Resolved = &Resolution{Reason: ResolvedByEdit, At: now, Incident: h.OpenIncident}
		h.OpenIncident, h.DownCause, h.FailedRuns, h.Status = "", "", 0, Up
	}
	if h.Status == Late && h.due().After(now) {
		h.Status, change.LateSince = Up, time.Time{}
	}
	return h, change, true
}

// MissingHosts returns the hosts that have not succeeded since the wait for the next ping began, the longest
// silent one first. They cause the incident if it opens.
func (h Heartbeat) MissingHosts() []HostState {
	var missing []HostState
	for _, s := range h.Hosts {
		if s.Failed() || !s.Success.After(h.CountedFrom) {
			missing = append(missing, s)
		}
	}
	slices.SortStableFunc(missing, func(a, b HostState) int { return a.Success.Compare(b.Success) })
	return missing
}

// HostStatus is the state of one host. The values are part of the API.
type HostStatus string

// The values.
const (
	HostOK      HostStatus = "ok"
	HostMissing HostStatus = "missing" // its last success is older than the interval and the grace period
	HostFailed  HostStatus = "failed"  // its newest report was a failure
)

// HostStatus returns the state of a host at now. Hosts of a heartbeat that is paused or in maintenance are not missing.
func (h Heartbeat) HostStatus(s HostState, now time.Time) HostStatus {
	from := laterOf(laterOf(s.Success, h.StaleBefore), h.Blackout.RestartedAfter.To)
	if h.Maintenance != nil {
		from = laterOf(from, h.Maintenance.Restarted.To)
	}
	_, inMaintenance := h.InMaintenance(now)
	switch {
	case s.Failed():
		return HostFailed
	case h.Status != Paused && !inMaintenance && from.Add(h.hostWindow()).Before(now):
		return HostMissing
	}
	return HostOK
}
