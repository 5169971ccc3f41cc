package view_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/web/view/serverview"
)

// exampleServer has four nodes on PostgreSQL: the clock of one is off, and one is dead.
func exampleServer() serverview.Page {
	now := exampleClock().Now
	node := func(host, id string, skew time.Duration) serverview.Node {
		return serverview.Node{
			Host: host, ID: id, State: serverview.NodeReady, Seen: now.Add(-400 * time.Millisecond), Started: now.Add(-55 * time.Hour),
			Skew: skew, SkewKnown: true, Lag: 38 * time.Millisecond, LastCommit: now.Add(-300 * time.Millisecond), Version: "1.4.0",
		}
	}
	p := serverview.Page{
		Shell: exampleShell(), Shared: true, Ready: true,
		Nodes: []serverview.Node{
			node("ovd-1", "1f3a9c2e", 12*time.Millisecond), node("ovd-2", "77ab01d3", -41*time.Millisecond),
			node("ovd-3", "0c5512aa", 1200*time.Millisecond), node("ovd-4", "9e01b7f0", 0),
		},
		Canary:       serverview.Canary{Enabled: true, Interval: 2 * time.Minute, Bound: 10 * time.Second, Next: now.Add(71 * time.Second)},
		ReadyRequest: "GET https://overdue.kestrel.example/readyz",
		ReadyAnswer:  "HTTP/1.1 200 OK\n\nready; warning: the clock of this machine is 1.2 s ahead of the database's",
		Targets: []serverview.PingTarget{
			{Address: "https://hc.example.net/…", SentAt: now.Add(-49 * time.Second), TriedAt: now.Add(-49 * time.Second)},
			{
				Address: "https://overdue-b.kestrel.example", IsPair: true, SentAt: now.Add(-9 * time.Minute), TriedAt: now.Add(-44 * time.Second), LastError: "503 Service Unavailable",
				Heartbeat: "Overdue at overdue-b.kestrel.example", Status: "up", Path: "/heartbeats/hbr_3f0a91c4d27e",
			},
		},
		Checks: []serverview.Check{
			{Name: "storing pings", State: serverview.CheckOK, Detail: "The last ping or test ping was stored 0.3 s ago"},
			{Name: "evaluating heartbeats", State: serverview.CheckOK, Detail: "Pings are stored up to 38 ms ago"},
			{Name: "delivering alerts", State: serverview.CheckFailing, Detail: "delivery loop stalled for 42 s"},
			{Name: "testing the pipeline", State: serverview.CheckOK, Detail: "The last alert of the canary took 0.24 s"},
			{Name: "using the clock", State: serverview.CheckWarning, Detail: "the clock of this machine is 1.2 s ahead of the database's"},
		},
	}
	p.LivePath = "/live/server"
	p.Nodes[0].Own = true
	p.Nodes[2].State, p.Nodes[2].ClockOff, p.Nodes[2].Version, p.Nodes[2].OtherVersion = serverview.NodeClockOff, true, "1.3.2", true
	p.Nodes[3].State, p.Nodes[3].Seen, p.Nodes[3].LastCommit = serverview.NodeDead, now.Add(-26*time.Second), now.Add(-27*time.Second)
	for i := range 60 {
		p.Canary.Rounds = append(p.Canary.Rounds, serverview.Round{At: now.Add(time.Duration(i-60) * 2 * time.Minute), Took: time.Duration(180+37*i%150) * time.Millisecond})
	}
	p.Canary.Rounds[22].Took = 12 * time.Second
	p.Canary.Rounds[41] = serverview.Round{At: p.Canary.Rounds[41].At, Lost: true}
	return p
}

// hostileHost is a host name that tries to change the page.
const hostileHost = "<script>alert(1)</script>\u202e" + `"onload=x`

// exampleManyNodes has twelve nodes: long and hostile names, an earlier version, and a
// clock that is 30 s off.
func exampleManyNodes() serverview.Page {
	p := exampleServer()
	one := p.Nodes[1]
	p.Nodes = p.Nodes[:1]
	for i := range 11 {
		n := one
		n.ID, n.Host = fmt.Sprintf("%08x", i*7919+11), fmt.Sprintf("overdue-%d.eu-central-1.compute.internal", i)
		switch i {
		case 1:
			n.Host = strings.Repeat("overdue-production-node-in-a-very-long-domain-", 5) + "example"
		case 2:
			n.Host = hostileHost
		case 3:
			n = serverview.Node{ID: n.ID, State: serverview.NodeReady, Seen: n.Seen, OtherVersion: true}
		case 4:
			n.State, n.ClockOff, n.Skew = serverview.NodeClockOff, true, 30*time.Second
		case 5:
			n.State, n.Seen = serverview.NodeDead, exampleClock().Now.Add(-5*time.Hour)
		case 6:
			n.State, n.LastCommit = serverview.NodeNotStores, exampleClock().Now.Add(-40*time.Second)
		case 7:
			n.Skew = -700 * time.Millisecond
		}
		p.Nodes = append(p.Nodes, n)
	}
	p.Ready, p.ReadyAnswer = false, "HTTP/1.1 503 Service Unavailable\nRetry-After: 5\n\nnot ready: canary: not delivered for 14 s (see the log)"
	p.Canary.Problem = "canary: not delivered for 14 s"
	p.Nodes[0].State = serverview.NodeNotReady
	return p
}

// exampleOneNode is a new server on SQLite that nothing watches.
func exampleOneNode() serverview.Page {
	p := exampleServer()
	p.Shared, p.Nodes, p.Targets, p.Canary.Rounds, p.Canary.Running = false, p.Nodes[:1], nil, nil, true
	p.Checks = p.Checks[:2]
	return p
}

func TestServer_SaysTheStateOfEachNode(t *testing.T) {
	html := render(t, serverview.Server(exampleServer()))
	for _, want := range []string{
		"This node is ready. 3 of 4 nodes work. 1 clock is off.", ">ovd-1<", "This node", "Ready", "+12\u00a0ms", "−41\u00a0ms", "Clock is off", "+1.2\u00a0s",
		"The clock of <bdi>ovd-3</bdi> is 1.2\u00a0s ahead of the database", "Not seen for", ">26s<", "left out", "differs", "3 running, 1 left out",
		"The last 60 alerts of the canary: 58 within 10\u00a0s. Late or lost: ", "not delivered", `class="c-slow"`, `class="c-miss"`,
		"https://hc.example.net/…", "Last ping failed", "503 Service Unavailable", "HTTP/1.1 200 OK", "delivery loop stalled for 42 s",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
}

func TestServer_LongAndHostileNamesAndOldVersionsStayText(t *testing.T) {
	html := render(t, serverview.Server(exampleManyNodes()))
	for _, want := range []string{"This node is not ready. Its canary fails. 9 of 12 nodes work. 1 clock is off.", "+30.0\u00a0s", `x="98.00%"`, "Stores no pings", ">earlier<", "unknown", "503 Service Unavailable"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
	if strings.Contains(html, "<script>alert") || strings.Contains(html, `"onload=x`) {
		t.Error("a host name is HTML")
	}
	if !regexp.MustCompile(`<bdi class="node-host"[^>]*>&lt;script&gt;alert`).MatchString(html) {
		t.Error("a host name can reverse the text after it")
	}
}

func TestServer_OneNodeOnSQLiteSaysWhatASecondOneNeeds(t *testing.T) {
	html := render(t, serverview.Server(exampleOneNode()))
	for _, want := range []string{"This node is ready.", "A second node requires PostgreSQL", "/docs/self-hosting#several-servers", "In progress", "No round yet", "No other service notices"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
	if strings.Contains(html, "Clock against the database") {
		t.Error("SQLite has no clock to compare with")
	}
}

// Figures change every second. A live region that contains them would be read aloud
// every second.
func TestServer_OnlyTheSummaryIsAnnounced(t *testing.T) {
	before, after := exampleServer(), exampleServer()
	for i := range after.Nodes {
		after.Nodes[i].Skew += 70 * time.Millisecond
		after.Nodes[i].Lag, after.Nodes[i].LastCommit = 61*time.Millisecond, after.Nodes[i].LastCommit.Add(time.Second)
	}
	after.Checks[0].Detail = "The last ping or test ping was stored 1.3 s ago"
	for i, f := range before.Fragments() {
		old, next := render(t, f.Draw(exampleClock())), render(t, after.Fragments()[i].Draw(exampleClock()))
		if strings.Contains(old, `role="status"`) && old != next {
			t.Errorf("%s is announced although only figures changed", f.Name)
		}
	}
	after.Nodes[1].State = serverview.NodeDead
	if render(t, before.Fragments()[0].Draw(exampleClock())) == render(t, after.Fragments()[0].Draw(exampleClock())) {
		t.Error("a dead node is not announced")
	}
}
