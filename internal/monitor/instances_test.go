package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hostsStart is the time from which tests of hosts count.
var hostsStart = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// hostsFixture is a heartbeat that several hosts ping, with an interval of ten minutes and two minutes of grace.
type hostsFixture struct {
	*testing.T
	h      Heartbeat
	change Change
}

func newHosts(t *testing.T, n Instances) *hostsFixture {
	return &hostsFixture{T: t, h: Heartbeat{
		Status: New, Created: hostsStart, Rule: Rule{Interval: 10 * time.Minute, Grace: 2 * time.Minute, Instances: n, AlertAfter: 1},
	}}
}

// minute returns a time in minutes after the start.
func minute(n float64) time.Time {
	return hostsStart.Add(time.Duration(n * float64(time.Minute)))
}

// ping applies a ping of a host.
func (f *hostsFixture) ping(host string, kind PingKind, at float64) {
	f.h, f.change = f.h.ApplyPing(Ping{Kind: kind, At: minute(at), Host: host, Source: "192.0.2.1", ExitCode: NoExitCode}, minute(at))
}

// succeed applies successes of hosts.
func (f *hostsFixture) succeed(at float64, hosts ...string) {
	for _, host := range hosts {
		f.ping(host, PingSuccess, at)
	}
}

// evaluate evaluates the heartbeat.
func (f *hostsFixture) evaluate(at float64) { f.h, f.change = f.h.Evaluate(minute(at)) }

// want checks the status.
func (f *hostsFixture) want(status Status, when string) {
	f.Helper()
	if f.h.Status != status {
		f.Errorf("%s: %s; want %s: %s", when, f.h.Status, status, f.h.Why(minute(0)))
	}
}

func TestInstances_AMissingHostOpensAnIncidentThatNamesIt(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1", "web2", "web3")
	f.succeed(9, "web1", "web3")
	f.evaluate(12)
	f.want(Down, "web2 is silent")
	o := f.change.Opened
	if o == nil || o.Cause != CauseMissed || !o.At.Equal(minute(12)) || o.Host != "web2" {
		t.Fatalf("%+v; want a missed ping of web2 at its deadline", o)
	}
	if !strings.Contains(o.Reason, "missing: web2 (last success 2026-03-01 12:00:00 UTC)") || strings.Contains(o.Reason, "web1") {
		t.Errorf("reason %q; want only web2", o.Reason)
	}
	f.succeed(18, "web1", "web3")
	f.want(Down, "the others succeed")
	f.succeed(19, "web2")
	f.want(Up, "web2 is back")
	if f.change.Resolved == nil || f.change.Resolved.Reason != ResolvedByPing {
		t.Errorf("%+v; want a resolution", f.change)
	}
	if due := f.h.Due(); !due.Equal(minute(28)) {
		t.Errorf("due at %s; want an interval after the oldest success", due)
	}
}

func TestInstances_ALoneHostBehavesLikeAnyHost(t *testing.T) {
	f := newHosts(t, EachHost)
	f.ping("", PingSuccess, 0) // the address is the host
	f.evaluate(11)
	f.want(Late, "after the interval")
	f.succeed(11.5) // nothing
	f.evaluate(12)
	f.want(Down, "at the deadline")
	if f.change.Opened.Host != "192.0.2.1" {
		t.Errorf("host %q; want the address", f.change.Opened.Host)
	}
}

func TestInstances_AFailureOfOneHostOpensAndOnlyThisHostResolves(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1", "web2")
	f.ping("web1", PingFail, 1)
	f.want(Down, "web1 failed")
	if o := f.change.Opened; o == nil || o.Cause != CauseFailure || o.Host != "web1" {
		t.Fatalf("%+v; want a failure of web1", o)
	}
	f.succeed(2, "web2")
	f.want(Down, "a success of web2 says nothing about web1")
	f.ping("web2", PingFail, 3)
	if !f.change.FailedAgain {
		t.Error("the failure of web2 is not on the timeline")
	}
	f.succeed(4, "web1")
	f.want(Down, "web2 failed")
	f.succeed(5, "web2")
	f.want(Up, "both succeeded")
}

func TestInstances_AtLeastToleratesFailuresOfTheOthers(t *testing.T) {
	f := newHosts(t, 2)
	f.succeed(0, "web1", "web2", "web3")
	f.ping("web1", PingFail, 1)
	f.want(Up, "two hosts succeed")
	f.evaluate(11.9)
	f.succeed(11.9, "web2", "web3")
	f.want(Up, "two hosts still succeed")
	f.ping("web2", PingFail, 12)
	f.want(Down, "one host is left")
	f.succeed(13, "web1")
	f.want(Up, "two again")
	f.evaluate(23.9)
	f.want(Down, "the second success was at 11.9")
	if o := f.change.Opened; o.Host != "" || !strings.Contains(o.Reason, "only 1 of at least 2 hosts succeeded after that") {
		t.Errorf("%+v; want no host, and how many succeeded", o)
	}
}

func TestInstances_AtLeastWaitsForTheFirstHosts(t *testing.T) {
	f := newHosts(t, 2)
	f.succeed(0, "web1")
	f.succeed(9, "web1")
	f.want(Up, "the second host has time")
	f.evaluate(12)
	f.want(Down, "no second host came")
}

// Pings are stored in any order, and on any node.
func TestInstances_TheOrderOfStoringDoesNotMatter(t *testing.T) {
	pings := []Ping{
		{Kind: PingSuccess, At: minute(1), Host: "a"},
		{Kind: PingSuccess, At: minute(2), Host: "b"},
		{Kind: PingFail, At: minute(3), Host: "a"},
		{Kind: PingSuccess, At: minute(4), Host: "a"},
		{Kind: PingSuccess, At: minute(5), Host: "b"},
	}
	seen := map[string]bool{}
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {3, 4, 0, 2, 1}, {2, 4, 3, 1, 0}} {
		f := newHosts(t, EachHost)
		for _, n := range order {
			f.h, _ = f.h.ApplyPing(pings[n], minute(0))
		}
		seen[fmt.Sprint(f.h.Status, f.h.Hosts, f.h.LastPing, f.h.LastHost)] = true
		f.evaluate(17) // 16, unless the first ping of b was stored before a was known
		f.want(Down, "a was silent since 4")
	}
	if len(seen) != 1 {
		t.Errorf("%d results: %v", len(seen), seen)
	}
}

func TestInstances_AStartIsOnlyLogged(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1")
	f.ping("web2", PingStart, 1)
	if len(f.h.Hosts) != 1 || len(f.h.ActiveRuns) != 0 || f.h.PingCount != 2 {
		t.Errorf("%+v; want no run and no host", f.h)
	}
	f.evaluate(12)
	f.want(Down, "a start is no success")
}

func TestInstances_APauseGivesEachHostTimeAgain(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1", "web2")
	f.h, _ = f.h.Pause(minute(1), minute(1))
	f.h = f.h.Resume(minute(100))
	f.succeed(105, "web1")
	f.evaluate(111.9)
	f.want(Late, "web2 has a whole interval")
	f.evaluate(112)
	f.want(Down, "web2 is silent")
}

func TestInstances_ABlackoutGivesEachHostTimeAgain(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1", "web2")
	f.h = f.h.WithBlackouts([]Blackout{{Key: 1, From: minute(8), To: minute(14)}})
	f.succeed(15, "web1")
	f.want(Up, "Overdue was not watching")
	f.evaluate(25.9)
	f.want(Late, "web2 has an interval from the end of the blackout")
	f.evaluate(26)
	f.want(Down, "web2 is silent")
}

func TestForgetHost_ResolvesIfTheOthersAreEnough(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1", "web2", "web3")
	f.succeed(9, "web1")
	f.evaluate(12)
	f.want(Down, "two are silent")
	if _, _, found := f.h.ForgetHost("web9", minute(13), minute(13)); found {
		t.Error("an unknown host was found")
	}
	f.h.OpenIncident = "id"
	f.h, f.change, _ = f.h.ForgetHost("web2", minute(13), minute(13))
	f.want(Down, "web3 is still silent")
	f.h, f.change, _ = f.h.ForgetHost("web3", minute(14), minute(14))
	f.want(Up, "the rest is in time")
	if r := f.change.Resolved; r == nil || r.Reason != ResolvedByEdit || r.Incident != "id" || f.h.OpenIncident != "" {
		t.Errorf("%+v; want a resolution", f.change)
	}
	f.evaluate(21)
	f.want(Down, "web1 is expected")
	f.h, f.change, _ = f.h.ForgetHost("web1", minute(22), minute(22))
	f.want(Down, "no host is left, so nothing ends the incident")
}

func TestInstances_TheNumberOfHostsIsLimited(t *testing.T) {
	for _, n := range []Instances{EachHost, 3} {
		f := newHosts(t, n)
		for i := range 150 {
			f.succeed(float64(i)/100, fmt.Sprintf("host%03d", i))
		}
		last := f.h.Hosts[len(f.h.Hosts)-1].Name
		if len(f.h.Hosts) != MaxHosts || (n == EachHost) != (last == "host099") {
			t.Errorf("%s: %d hosts, the last is %s", n, len(f.h.Hosts), last)
		}
		if full := strings.Contains(f.h.Why(minute(2)), "further hosts are only logged"); full != (n == EachHost) {
			t.Errorf("%s: %s", n, f.h.Why(minute(2)))
		}
		before := f.h
		f.succeed(3, "host000")
		if n == EachHost && (len(before.Hosts) != len(f.h.Hosts) || !f.h.Hosts[0].Success.Equal(minute(3))) {
			t.Errorf("a known host does not count: %+v", f.h.Hosts[0])
		}
	}
}

// A host that must succeed is never forgotten by itself: its incident would end without a success.
func TestInstances_SilentHostsAreForgottenOnlyIfANumberIsEnough(t *testing.T) {
	for _, c := range []struct {
		n    Instances
		want int
	}{{EachHost, 2}, {1, 1}} {
		f := newHosts(t, c.n)
		f.succeed(0, "web1", "web2")
		f.succeed(31*24*60, "web1")
		if len(f.h.Hosts) != c.want {
			t.Errorf("%s: hosts %+v; want %d", c.n, f.h.Hosts, c.want)
		}
	}
}

func TestChangeRule_KeepsTheHostsThatAreMissing(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1", "web2")
	f.succeed(9, "web1")
	f.evaluate(12)
	change := func(at float64, edit func(r *Rule)) {
		rule := f.h.Rule
		edit(&rule)
		f.h, f.change = f.h.ChangeRule(rule, minute(at), minute(at))
	}
	change(13, func(r *Rule) { r.Grace = time.Minute })
	f.want(Down, "web2 is still missing")
	change(13, func(r *Rule) { r.Grace = 5 * time.Minute })
	f.want(Late, "the deadline is at 15")
	f.evaluate(15)
	f.want(Down, "web2 is missing after the new grace")
	change(16, func(r *Rule) { r.Instances = 1 })
	f.want(Up, "web1 is enough")
	change(17, func(r *Rule) { r.Instances = AnyHost })
	if f.h.Hosts != nil || !f.h.StaleBefore.Equal(minute(9)) {
		t.Errorf("hosts %+v, stale before %s", f.h.Hosts, f.h.StaleBefore)
	}
	f.want(Up, "any host is enough")
	change(18, func(r *Rule) { r.Instances = EachHost })
	f.succeed(19, "web1")
	f.evaluate(25)
	f.want(Up, "web2 is not known since hosts counted separately")
}

func TestParseInstances_ReadsWhatStringWrites(t *testing.T) {
	for _, n := range []Instances{AnyHost, EachHost, 1, MaxHosts} {
		if got, err := ParseInstances(n.String()); got != n || err != nil {
			t.Errorf("%s: %s, %v", n, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "101", "all", "1.5", "Each"} {
		if got, err := ParseInstances(text); err == nil {
			t.Errorf("%s: %s; want an error", text, got)
		}
	}
	if diff := cmp.Diff([]string{"any host", "each host", "at least 1 host", "at least 2 hosts"}, []string{AnyHost.Describe(), EachHost.Describe(), Instances(1).Describe(), Instances(2).Describe()}); diff != "" {
		t.Error(diff)
	}
}

// A failure that is stored after a newer success of its host says nothing about now.
func TestInstances_AnOlderFailureOfAHostOpensNoIncident(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(2, "web1", "web2")
	f.ping("web1", PingFail, 1)
	f.want(Up, "web1 succeeded later")
	if f.change.Opened != nil || f.h.PingCount != 3 {
		t.Errorf("%+v; want it only in the history", f.change)
	}
}

// Overdue has not watched a whole period of the silence, so the second blackout starts the wait again, too.
func TestInstances_TwoBlackoutsInOneWaitRaiseNoFalseAlarm(t *testing.T) {
	f := newHosts(t, EachHost)
	f.succeed(0, "web1", "web2")
	f.h = f.h.WithBlackouts([]Blackout{{Key: 1, From: minute(8), To: minute(14)}, {Key: 2, From: minute(15), To: minute(24)}})
	f.evaluate(35.9)
	f.want(Late, "each host has an interval from the end of the second blackout")
	f.evaluate(36)
	f.want(Down, "both are silent")
}
