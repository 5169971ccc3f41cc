package monitor

import "testing"

// inMaintenance plans a window, in minutes.
func (f *hostsFixture) inMaintenance(from, to float64) {
	f.h = f.h.changeMaintenance(func(m *MaintenanceState) { m.Windows = append(m.Windows, Window{From: minute(from), To: minute(to)}) })
}

// TestMaintenance_OfHosts has an interval of 10 min and a grace of 2 min: without the window from 5 to 30, the
// deadline of the pings at 0 would be at 12.
func TestMaintenance_OfHosts(t *testing.T) {
	begin := func(t *testing.T) *hostsFixture {
		f := newHosts(t, EachHost)
		f.inMaintenance(5, 30)
		f.succeed(0, "web1", "web2")
		return f
	}
	t.Run("AllWaitOnePeriodAfterIt", func(t *testing.T) {
		f := begin(t)
		f.evaluate(41.9)
		f.want(Late, "before the deadline")
		f.evaluate(42)
		f.want(Down, "at the deadline")
		if want := minute(42); f.change.Opened == nil || !f.change.Opened.At.Equal(want) {
			t.Errorf("opened %+v; want at %s", f.change.Opened, want)
		}
	})
	t.Run("AHostThatPingsInItDoesNotMoveTheWaitOfOthers", func(t *testing.T) {
		f := begin(t)
		f.succeed(10, "web1")
		f.succeed(20, "web1")
		f.evaluate(31)
		f.succeed(31, "web1")
		f.succeed(41, "web1")
		f.evaluate(41.9)
		f.want(Late, "before the deadline of web2")
		f.succeed(41.9, "web2")
		f.want(Up, "after web2")
		if f.change.Opened != nil {
			t.Error("an incident opened")
		}
	})
	t.Run("AHostThatStaysSilentOpensAnIncident", func(t *testing.T) {
		f := begin(t)
		f.succeed(10, "web1")
		f.succeed(31, "web1")
		f.succeed(41, "web1")
		f.evaluate(42)
		f.want(Down, "one period after the window")
		if missing := f.h.MissingHosts(); len(missing) != 1 || missing[0].Name != "web2" {
			t.Errorf("missing %v; want web2", missing)
		}
	})
	t.Run("PingsOfAllInItBeginTheWait", func(t *testing.T) {
		f := begin(t)
		f.succeed(28, "web1", "web2")
		f.evaluate(39.9)
		f.want(Late, "before the deadline")
		f.evaluate(40)
		f.want(Down, "12 min after the pings")
	})
	t.Run("RunsBeforeAPingInItAreExcused", func(t *testing.T) {
		f := begin(t)
		f.succeed(27, "web1")
		f.succeed(28, "web2")
		outcomes := map[Outcome]int64{f.h.History.Latest.Outcome: f.h.History.Latest.Count}
		for _, s := range f.change.ClosedSpans {
			outcomes[s.Outcome] += s.Count
		}
		if outcomes[RunMissed] > 0 || outcomes[RunExcused] == 0 {
			t.Errorf("outcomes %v; want excused runs, none missed", outcomes)
		}
	})
	t.Run("HostsAreNotMissingUntilTheWaitAfterItEnds", func(t *testing.T) {
		f := begin(t)
		f.evaluate(30)
		for at, want := range map[float64]HostStatus{42: HostOK, 42.1: HostMissing} {
			if got := f.h.HostStatus(f.h.Hosts[0], minute(at)); got != want {
				t.Errorf("at %v: %s; want %s", at, got, want)
			}
		}
	})
	t.Run("AnotherWindowSoonAfterItExcusesTheWaitAgain", func(t *testing.T) {
		f := begin(t)
		f.inMaintenance(36, 50)
		f.evaluate(61.9)
		f.want(Late, "before one period after the second window")
		f.evaluate(62)
		f.want(Down, "one period after it")
	})
	t.Run("WindowsDoNotHideADeadHost", func(t *testing.T) {
		f := begin(t)
		f.succeed(10, "web1", "web2")
		f.inMaintenance(42, 50)
		f.evaluate(49.9)
		if status := f.h.HostStatus(f.h.Hosts[0], minute(49.9)); status != HostOK {
			t.Errorf("in the second window: %s", status)
		}
		f.evaluate(50)
		f.want(Down, "at the end of the second window")
	})
	t.Run("AFailureInItWaitsForItsEnd", func(t *testing.T) {
		f := begin(t)
		f.ping("web1", PingFail, 10)
		f.succeed(12, "web2")
		f.evaluate(29.9)
		f.want(Up, "in the window")
		f.evaluate(30)
		f.want(Down, "at its end")
	})
	t.Run("ASuccessOfTheHostInItEndsItsFailure", func(t *testing.T) {
		f := begin(t)
		f.ping("web1", PingFail, 10)
		f.succeed(12, "web2")
		f.succeed(14, "web1")
		f.evaluate(30)
		f.want(Up, "at its end")
	})
}
