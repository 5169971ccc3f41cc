package web

import (
	"context"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/web/live"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/serverview"
)

// ServerStatus is what one node knows about itself.
type ServerStatus struct {
	Shared  bool // other nodes can use the database
	Canary  CanaryStatus
	Targets []PingTarget
	Checks  []ReadinessCheck
	// Answer is the response of /readyz, with its status line.
	Answer string
	Ready  bool
}

// The canary of the node, and one of its rounds.
type (
	CanaryStatus = serverview.Canary
	CanaryRound  = serverview.Round
)

// PingTarget is a service that the node pings after each arrival of the canary.
type PingTarget struct {
	Address         string // without the path and credentials
	IsPair          bool
	TriedAt, SentAt time.Time // last ping, and last accepted one; zero: none
	LastError       string    // of the last ping; empty: it was accepted
	// Project, Ref, Name and Status are those of the heartbeat of a pair. The name is
	// empty if it was deleted.
	Project           int64
	Ref, Name, Status string
}

// ReadinessCheck is one condition of readiness, or a warning.
type ReadinessCheck struct {
	Name, Detail     string
	Failing, Warning bool
}

// Limits of what the page reports.
const (
	maxSkew      = time.Second      // as /readyz warns
	maxCommitAge = 15 * time.Second // a node stores a test ping every few seconds
)

// serverRefresh is the interval at which the page about the server is updated.
const serverRefresh = time.Second

// serverRoutes returns the routes of the page about the server.
func (s *Site) serverRoutes() []route {
	return []route{
		{pattern: "GET /server", right: auth.SeeServer, handle: showServer},
		{pattern: "GET /live/server", right: auth.SeeServer, handle: streamServer, isStream: true, projectInQuery: true},
	}
}

// showServer shows the page about the server.
func showServer(req *request) error {
	p, err := req.serverPage(req.ctx())
	if err != nil {
		return err
	}
	refs, err := req.fragmentRefs(p.Fragments())
	if err != nil {
		return err
	}
	p.Shell = req.shell(live.StreamURL("/live"+paths.Server, req.withProject(nil), refs))
	return req.render(serverview.Server(p))
}

// streamServer keeps the page about the server up to date.
func streamServer(req *request) error {
	_, digests := live.ParseStreamURL(req.r.URL.Query(), manage.MaxLimit)
	v := live.View{Poll: pollAlways(), PollInterval: serverRefresh} // not shared: pairs depend on the projects of the person
	v.Snapshot = func(ctx context.Context, now time.Time) (found live.Snapshot, err error) {
		p, err := req.atTime(now).serverPage(ctx)
		if err != nil {
			return found, err
		}
		found.Fragments, err = live.Fragments(ctx, req.clock.Zone, p.Fragments())
		return found, err
	}
	return req.serveStream(v, digests)
}

// serverPage returns the page about the server, without the frame.
func (req *request) serverPage(ctx context.Context) (p serverview.Page, err error) {
	nodes, err := req.site.Service.Nodes(ctx, req.actor)
	if err != nil {
		return p, err
	}
	st := ServerStatus{Ready: true, Answer: "HTTP/1.1 200 OK\n\nready"}
	if req.site.ServerStatus != nil {
		if st, err = req.site.ServerStatus(ctx); err != nil {
			return p, err
		}
	}
	p.Clock, p.Shared, p.Ready, p.ReadyAnswer = req.clock, st.Shared, st.Ready, st.Answer
	p.ReadyRequest = "GET " + req.site.BaseURL + "/readyz"
	p.Canary = st.Canary
	for _, n := range nodes.Items {
		p.Nodes = append(p.Nodes, serverNode(n, st.Ready, req.site.Version))
	}
	for _, t := range st.Targets {
		p.Targets = append(p.Targets, req.pingTarget(t))
	}
	for _, k := range st.Checks {
		p.Checks = append(p.Checks, serverCheck(k))
	}
	return p, nil
}

// serverNode converts a node. ready and version are those of this node.
func serverNode(n manage.Node, ready bool, version string) serverview.Node {
	const idLength = 8 // characters that distinguish the nodes of one machine
	shown := serverview.Node{
		Host: n.Host, ID: n.ID[:min(len(n.ID), idLength)], Own: n.Own, State: serverview.NodeReady, Seen: n.Seen, Started: n.Started,
		Skew: n.Skew, SkewKnown: n.SkewKnown, ClockOff: n.SkewKnown && n.Skew.Abs() > maxSkew,
		Lag: n.WatermarkLag(), LastCommit: n.LastCommit, Version: n.Version, OtherVersion: n.Version != version,
	}
	switch {
	case !n.Alive:
		shown.State = serverview.NodeDead
	case n.Own && !ready:
		shown.State = serverview.NodeNotReady
	case !n.LastCommit.IsZero() && n.Seen.Sub(n.LastCommit) > maxCommitAge:
		shown.State = serverview.NodeNotStores
	case shown.ClockOff:
		shown.State = serverview.NodeClockOff
	}
	return shown
}

// pingTarget converts a service that is pinged. Its heartbeat is shown to people who
// belong to the project of the heartbeat.
func (req *request) pingTarget(t PingTarget) serverview.PingTarget {
	shown := serverview.PingTarget{Address: t.Address, IsPair: t.IsPair, TriedAt: t.TriedAt, SentAt: t.SentAt, LastError: t.LastError}
	if !t.IsPair || t.Name == "" {
		return shown
	}
	for _, m := range req.person.Memberships {
		if m.Project.Key == t.Project {
			shown.Heartbeat, shown.Status, shown.Path = t.Name, t.Status, paths.Heartbeat(t.Ref)
		}
	}
	return shown
}

// serverCheck converts a check of readiness.
func serverCheck(k ReadinessCheck) serverview.Check {
	shown := serverview.Check{Name: k.Name, State: serverview.CheckOK, Detail: k.Detail}
	switch {
	case k.Failing:
		shown.State = serverview.CheckFailing
	case k.Warning:
		shown.State = serverview.CheckWarning
	}
	return shown
}
