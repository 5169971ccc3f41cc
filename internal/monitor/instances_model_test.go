package monitor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// hostsModel is a second implementation of the rules of hosts. It knows whole seconds, remembers every report, and
// asks of each second again whether the heartbeat is down.
type hostsModel struct {
	need    int // -1: each
	window  int // interval and grace period
	reports []hostReport
	floor   int // time of the first ping or the last resumption; -1: never
	enough  int // of need > 0: the latest time at which enough hosts had succeeded
	paused  bool
	down    bool
}

// hostReport is a ping of a host.
type hostReport struct {
	at   int
	host string
	ok   bool
}

// newest returns the newest report of a host, and its newest success, -1 if none.
func (m *hostsModel) newest(host string) (last hostReport, success int) {
	success = -1
	for _, r := range m.reports {
		if r.host == host {
			if last = r; r.ok {
				success = r.at
			}
		}
	}
	return last, success
}

// hosts returns all names.
func (m *hostsModel) hosts() (all []string) {
	for _, r := range m.reports {
		if !slices.Contains(all, r.host) {
			all = append(all, r.host)
		}
	}
	return all
}

// successes returns the newest successes of the hosts whose newest report is one, newest first.
func (m *hostsModel) successes() (all []int) {
	for _, host := range m.hosts() {
		if last, at := m.newest(host); last.ok {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, func(a, b int) int { return b - a })
	return all
}

// report adds a ping.
func (m *hostsModel) report(r hostReport) {
	m.reports = append(m.reports, r)
	inWindow := 0
	for _, at := range m.successes() {
		if at+m.window >= r.at {
			inWindow++
		}
	}
	first := m.floor < 0 || m.paused
	if m.paused && !r.ok && m.need > 0 && inWindow >= m.need {
		return
	}
	if first {
		m.floor, m.enough, m.paused, m.down = r.at, r.at, false, false
	}
	if m.need < 0 {
		return
	}
	all := m.successes()
	switch {
	case !r.ok:
		m.down = m.down || inWindow < m.need
	case first:
	case len(all) >= m.need:
		m.down = m.down && max(all[m.need-1], m.floor)+m.window < r.at
		m.enough = max(m.enough, all[m.need-1])
	}
}

// isDown reports whether the heartbeat is down just after a second.
func (m *hostsModel) isDown(at int) bool {
	if m.paused || m.floor < 0 {
		return false
	}
	if m.need > 0 {
		m.down = m.down || m.enough+m.window <= at
		return m.down
	}
	was := m.down
	m.down = false
	for _, host := range m.hosts() {
		last, success := m.newest(host)
		recent := last.at >= m.floor || was // an older failure opens no incident, and also ends none
		m.down = m.down || !last.ok && recent || max(success, m.floor)+m.window <= at
	}
	return m.down
}

func TestInstances_EverySecondAgreesWithTheModel(t *testing.T) {
	second := func(n int) time.Time { return time.Unix(1_800_000_000+int64(n), 0).UTC() }
	downs, ups := 0, 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 64))
		need := []Instances{EachHost, EachHost, 1, 2, 3}[r.IntN(5)]
		h := Heartbeat{Status: New, Created: second(0), Rule: Rule{Interval: 10 * time.Second, Grace: time.Duration(r.IntN(6)) * time.Second, Instances: need}}
		m := &hostsModel{need: int(need), window: int((h.Rule.Interval + h.Rule.Grace) / time.Second), floor: -1}
		hosts := []string{"a", "b", "c", "d"}[:1+r.IntN(4)]
		rate := 2 + r.IntN(12)
		var log []string
		for now := 1; now < 150; now++ {
			if r.IntN(rate) == 0 {
				report := hostReport{now, hosts[r.IntN(len(hosts))], r.IntN(8) > 0}
				kind := PingSuccess
				if !report.ok {
					kind = PingFail
				}
				log = append(log, fmt.Sprintf("%d %s %s", now, report.host, kind))
				m.isDown(now - 1)
				m.report(report)
				h, _ = h.ApplyPing(Ping{Kind: kind, At: second(now), Host: report.host, ExitCode: NoExitCode}, second(now))
			}
			switch {
			case r.IntN(60) == 0 && m.floor >= 0 && !m.paused:
				log = append(log, fmt.Sprint(now, " pause"))
				m.paused = true
				h, _ = h.Pause(second(now), second(now).Add(-Precision))
			case r.IntN(10) == 0 && m.paused:
				log = append(log, fmt.Sprint(now, " resume"))
				m.paused, m.down, m.floor, m.enough = false, false, now, now
				h = h.Resume(second(now))
			}
			just := second(now).Add(time.Millisecond)
			swept, _ := h.Evaluate(just)
			if want, got := m.isDown(now), swept.Status == Down; want != got {
				t.Fatalf("seed %d, instances %d, window %d, second %d: down %t; the model says %t\n%q\n%s", seed, need, m.window, now, got, want, log, swept.Why(just))
			}
			if swept.Status == Down {
				downs++
			} else {
				ups++
			}
			if next := h.NextEvaluation(); h.Status != swept.Status && (next.IsZero() || next.After(just)) {
				t.Fatalf("seed %d: became %s at %d, but is due at %s", seed, swept.Status, now, next)
			}
			if r.IntN(3) == 0 {
				h = swept
			}
		}
	}
	if downs < 10_000 || ups < 10_000 {
		t.Errorf("%d seconds down and %d not; want many of both", downs, ups)
	}
}
