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
		for _, s := range f.change.ClosedSpans {
			if s.Outcome == RunMissed && s.First.Before(minute(30)) {
				t.Errorf("a run in the window was missed: %+v", s)
			}
		}
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
