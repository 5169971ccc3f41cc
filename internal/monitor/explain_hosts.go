package monitor

import (
	"fmt"
	"strings"
)

// explainHosts describes where the wait for the next ping of the hosts starts.
func (h Heartbeat) explainHosts() string {
	from := formatTime(h.CountedFrom)
	b, unwatched := h.CountsFromBlackout()
	switch {
	case unwatched:
		return fmt.Sprintf("Overdue was not watching from %s to %s; %s", formatTime(b.From), formatTime(b.To), from)
	case !h.satisfiedSince().Equal(h.CountedFrom):
		return "counted from " + from
	case h.Rule.Instances == EachHost:
		return fmt.Sprintf("each host has succeeded since %s (%s)", from, h.MissingHosts()[0].Name)
	}
	return fmt.Sprintf("%s have succeeded since %s", countHosts(int(h.Rule.Instances)), from)
}

// explainMissingHosts names the hosts that an incident is about.
func (h Heartbeat) explainMissingHosts() string {
	missing, names := h.MissingHosts(), []string(nil)
	if h.Rule.Instances != EachHost {
		return fmt.Sprintf("only %d of at least %s succeeded after that", len(h.Hosts)-len(missing), countHosts(int(h.Rule.Instances)))
	}
	for _, s := range missing {
		last := "no success"
		if !s.Success.IsZero() {
			last = "last success " + formatTime(s.Success)
		}
		if names = append(names, s.Name+" ("+last+")"); len(names) == maxNamedHosts && len(missing) > maxNamedHosts {
			names = append(names, fmt.Sprintf("and %d more", len(missing)-maxNamedHosts))
			break
		}
	}
	if len(names) == 0 {
		return "no host succeeded"
	}
	return "missing: " + strings.Join(names, ", ")
}

// maxNamedHosts is the maximum number of hosts that a sentence names.
const maxNamedHosts = 10

// countHosts is a number of hosts in words.
func countHosts(n int) string {
	if n == 1 {
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}

// explainHostLimit returns a text if further hosts are not expected, or "".
func (h Heartbeat) explainHostLimit() string {
	if h.Rule.Instances != EachHost || len(h.Hosts) < MaxHosts {
		return ""
	}
	return fmt.Sprintf(" It has %d hosts, the maximum: pings of further hosts are only logged. Forget hosts that no longer exist.", MaxHosts)
}

// silentHost returns the host of an incident about missing pings: the one that has been silent for the longest time.
func (h Heartbeat) silentHost() string {
	if missing := h.MissingHosts(); h.Rule.Instances == EachHost && len(missing) > 0 {
		return missing[0].Name
	}
	return ""
}
