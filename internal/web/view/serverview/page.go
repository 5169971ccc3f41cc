// Package serverview renders the page about the server itself: its nodes, the canary, the
// services that watch it, and its readiness.
package serverview

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// Page has the state of the server.
type Page struct {
	layout.Shell
	Shared  bool // other nodes can use the database
	Nodes   []Node
	Canary  Canary
	Targets []PingTarget
	Checks  []Check
	Ready   bool
	// ReadyAnswer is the raw response of /readyz to ReadyRequest.
	ReadyRequest, ReadyAnswer string
}

// The states of a node.
const (
	NodeReady     = "ready"
	NodeNotReady  = "not-ready" // this node, by /readyz
	NodeNotStores = "not-storing"
	NodeClockOff  = "clock-off"
	NodeDead      = "dead"
)

// Node is one node. Values that a node of an earlier version does not publish are zero.
type Node struct {
	Host    string // may be long, and contains any text
	ID      string // start of the id
	Own     bool   // renders the page
	State   string
	Seen    time.Time
	Started time.Time
	// Skew is how far its clock is ahead of the database's, if SkewKnown.
	Skew         time.Duration
	SkewKnown    bool
	ClockOff     bool // the skew is above the limit, whatever else is wrong
	Lag          time.Duration
	LastCommit   time.Time
	Version      string
	OtherVersion bool // than this node
}

// name returns the name of a node for people.
func (n Node) name() string { return cmp.Or(n.Host, n.ID) }

// alive reports whether the node was seen within the timeout.
func (n Node) alive() bool { return n.State != NodeDead }

// nodeSigns are the look of the states, except that of a dead node, which counts up.
var nodeSigns = map[string]ui.StatusSign{
	NodeReady:     {Icon: "st-up", Text: "Ready", Tone: "up"},
	NodeNotReady:  {Icon: "st-down", Text: "Not ready", Tone: "down"},
	NodeNotStores: {Icon: "st-down", Text: "Stores no pings", Tone: "down"},
	NodeClockOff:  {Icon: "st-late", Text: "Clock is off", Tone: "late"},
}

// Canary is the canary of this node.
type Canary struct {
	Enabled  bool
	Interval time.Duration
	Bound    time.Duration // within which an alert must arrive
	Rounds   []Round       // oldest first
	Next     time.Time     // zero: unknown
	Running  bool          // a round is in progress
	Problem  string        // empty: none
}

// Round is one round of the canary.
type Round struct {
	At   time.Time // the missed deadline
	Took time.Duration
	Lost bool
}

// PingTarget is a service that this server pings after each arrival of the canary.
type PingTarget struct {
	Address   string    // without the path, which allows anyone to ping
	IsPair    bool      // an Overdue that also watches this server; otherwise, a watchdog URL
	SentAt    time.Time // last ping that was accepted; zero: none
	TriedAt   time.Time // last ping; zero: none
	LastError string    // of the last ping; empty: accepted
	// Heartbeat is the name of the heartbeat of the pair on this server, Status its
	// status and Path its page. They are empty for people who cannot see it.
	Heartbeat, Status, Path string
}

// The states of a check of readiness.
const (
	CheckOK      = "ok"
	CheckFailing = "failing"
	CheckWarning = "warning"
)

// Check is one condition of readiness, or a warning.
type Check struct {
	Name, State, Detail string
}

var checkSigns = map[string]ui.StatusSign{
	CheckOK:      {Icon: "dl-ok", Text: "OK", Tone: "working"},
	CheckFailing: {Icon: "dl-fail", Text: "Failing", Tone: "failing"},
	CheckWarning: {Icon: "st-late", Text: "Warning", Tone: "late"},
}

// fragmentNames lists the parts of the page that change while it is open.
var fragmentNames = []string{"server-summary", "server-clocks", "server-nodes", "server-canary", "server-targets", "server-checks", "server-answer"}

// Fragments returns the parts of the page that change while it is open.
func (p Page) Fragments() []layout.Fragment {
	return layout.NewFragments(fragmentNames, func(c ui.Clock, name string) templ.Component {
		p.Clock = c
		return fragment(p, name)
	})
}

// summary returns the state of the server in one line. It has no figures that change
// every second, because a change of it is announced.
func (p Page) summary() string {
	text := ui.If(p.Ready, "This node is ready.", "This node is not ready.")
	if p.Canary.Problem != "" {
		text += " Its canary fails."
	}
	if len(p.Nodes) < 2 {
		return text + p.clockSummary()
	}
	return text + fmt.Sprintf(" %d of %d nodes %s.", p.working(), len(p.Nodes), ui.If(p.working() == 1, "works", "work")) + p.clockSummary()
}

// clockSummary returns how many clocks are off, or "".
func (p Page) clockSummary() string {
	n := len(p.clocksOff())
	if n == 0 {
		return ""
	}
	return " " + ui.Plural(n, "clock") + ui.If(n == 1, " is off.", " are off.")
}

// clocksOff returns the nodes that are alive and whose clock is off.
func (p Page) clocksOff() (list []Node) {
	for _, n := range p.Nodes {
		if n.alive() && n.ClockOff {
			list = append(list, n)
		}
	}
	return list
}

// working returns the number of nodes that store pings.
func (p Page) working() (n int) {
	for _, node := range p.Nodes {
		if node.State == NodeReady || node.State == NodeClockOff {
			n++
		}
	}
	return n
}

// ownName returns the name of the node that renders the page.
func (p Page) ownName() string {
	for _, n := range p.Nodes {
		if n.Own {
			return n.name()
		}
	}
	return "this node"
}

// nodesHeading returns the heading of the table of nodes.
func (p Page) nodesHeading() string { return ui.Plural(len(p.Nodes), "node") }

// nodesAbout returns the line next to that heading.
func (p Page) nodesAbout() string {
	if dead := len(p.Nodes) - p.aliveCount(); dead > 0 {
		return fmt.Sprintf("%d running, %d left out", p.aliveCount(), dead)
	}
	return ui.If(p.Shared, "All do the same work on one PostgreSQL database", "On SQLite")
}

func (p Page) aliveCount() (n int) {
	for _, node := range p.Nodes {
		if node.alive() {
			n++
		}
	}
	return n
}

// signedSeconds returns a skew with its sign: "+12 ms", "−1.2 s", "0 ms".
func signedSeconds(d time.Duration) string {
	text := shortSeconds(d.Abs())
	switch {
	case text == shortSeconds(0):
		return text
	case d < 0:
		return "−" + text
	}
	return "+" + text
}

// shortSeconds returns a duration with its unit: "38 ms", "1.2 s", "3m".
func shortSeconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "\u00a0ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "\u00a0s"
	}
	return ui.Elapsed(d)
}

// skewText returns which way a clock is off: "1.2 s ahead of".
func skewText(d time.Duration) string {
	return shortSeconds(d.Abs()) + ui.If(d < 0, " behind", " ahead of")
}

// skewTicks are the ticks of the ruler in percent, and the upper end of each. The long
// ones are at 1 s to each side.
var skewTicks = []struct {
	at  float64
	top int
}{{2, 12}, {18, 9}, {34, 12}, {66, 12}, {82, 9}, {98, 12}}

// skewPosition returns the place of the needle in percent: 32 percent a second, at most
// at the end of the ruler.
func skewPosition(d time.Duration) float64 {
	return 50 + math.Max(-48, math.Min(48, 32*d.Seconds()))
}
