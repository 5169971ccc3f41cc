package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// unusualText draws a text with quotes, wildcards and any letters, without NUL, which PostgreSQL
// rejects.
func unusualText() *rapid.Generator[string] {
	return rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune(`'"\%_[]{},;/ é🜛`)), rapid.Rune().Filter(func(r rune) bool { return r != 0 })))
}

// anyTime draws a time with microseconds, sometimes zero.
func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return time.UnixMicro(rapid.Int64Range(-1, 1<<52).Draw(t, "µs")).UTC()
	})
}

// anyDuration draws a duration of microseconds.
func anyDuration() *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, 400*24*3600*1e6).Draw(t, "µs")) * time.Microsecond
	})
}

// calendars returns calendars of heartbeats, including nil.
func calendars(t *rapid.T) []*monitor.Calendar {
	cron, err := monitor.NewCalendar(monitor.Cron, []string{"0 3 * * *", "30 4 * * mon"}, "Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	onCalendar, err := monitor.NewCalendar(monitor.OnCalendar, []string{"Mon..Fri 03:00"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return []*monitor.Calendar{nil, cron, onCalendar}
}

// anyHeartbeat draws a heartbeat that uses every field, in any combination.
func anyHeartbeat(project int64) *rapid.Generator[monitor.Heartbeat] {
	return rapid.Custom(func(t *rapid.T) monitor.Heartbeat {
		run := rapid.Custom(func(t *rapid.T) monitor.ActiveRun {
			return monitor.ActiveRun{ID: unusualText().Draw(t, "run"), StartedAt: anyTime().Draw(t, "start"), Overran: rapid.Bool().Draw(t, "lost")}
		})
		h := monitor.Heartbeat{
			ID: uuid.NewString(), Ref: uuid.NewString(), Project: project,
			Name: unusualText().Draw(t, "name"), Slug: uuid.NewString(), Description: unusualText().Draw(t, "description"), Tags: rapid.SliceOfN(unusualText(), 0, 3).Draw(t, "tags"),
			Rule: monitor.Rule{
				Interval: anyDuration().Draw(t, "interval"), Grace: anyDuration().Draw(t, "grace"), MaxRunTime: anyDuration().Draw(t, "max run time"),
				Calendar: rapid.SampledFrom(calendars(t)).Draw(t, "calendar"), Early: rapid.OneOf(rapid.Just(monitor.DefaultEarly), anyDuration()).Draw(t, "early"),
				MinRunTime: anyDuration().Draw(t, "min run time"), StartGrace: anyDuration().Draw(t, "start grace"),
				AlertAfter: rapid.IntRange(0, 100).Draw(t, "alert after"), Instances: monitor.Instances(rapid.IntRange(-1, 100).Draw(t, "instances")), ExpectFirstBy: anyTime().Draw(t, "expect first by"),
				Methods: rapid.SampledFrom([]monitor.Methods{monitor.AnyMethod, monitor.PostOnly}).Draw(t, "methods"), ManualResume: rapid.Bool().Draw(t, "manual"),
			},
			Severity:       rapid.SampledFrom([]monitor.Severity{monitor.SeverityCritical, monitor.SeverityWarning, monitor.SeverityInfo}).Draw(t, "severity"),
			Policy:         rapid.SampledFrom([]string{"", "nights", "p.1_x"}).Draw(t, "policy"),
			FlappingAlerts: rapid.SampledFrom([]monitor.FlappingAlerts{monitor.FlappingHold, monitor.FlappingSend}).Draw(t, "flapping"),
			AllChannels:    rapid.Bool().Draw(t, "all channels"), Status: rapid.SampledFrom(monitor.Statuses).Draw(t, "status"),
			EarlySlot: anyTime().Draw(t, "slot"), FailedRuns: rapid.IntRange(0, 200).Draw(t, "bad"),
			Tolerated:   monitor.ToleratedRuns{LastSlot: anyTime().Draw(t, "tolerated slot"), Count: rapid.IntRange(0, 99).Draw(t, "tolerated runs")},
			History:     monitor.RunHistory{DecidedUntil: anyTime().Draw(t, "until")},
			CountedFrom: anyTime().Draw(t, "from"), StaleBefore: anyTime().Draw(t, "heard"), LastPing: anyTime().Draw(t, "last ping"), LastStart: anyTime().Draw(t, "began"),
			HasRunTime: rapid.Bool().Draw(t, "has run"), ActiveRuns: rapid.SliceOfN(run, 0, 3).Draw(t, "runs"), PingCount: rapid.Int64Range(0, 1<<62).Draw(t, "pings"),
			OpenIncident: unusualText().Draw(t, "incident"), DownCause: rapid.SampledFrom([]monitor.Cause{"", monitor.CauseMissed, monitor.CauseFailure, monitor.CauseOverran}).Draw(t, "cause"),
			Created: anyTime().Draw(t, "created"), Updated: anyTime().Draw(t, "updated"), Deleted: anyTime().Draw(t, "deleted"),
		}
		h.Created, h.Updated = h.Created.Add(time.Microsecond), h.Updated.Add(time.Microsecond) // these are never none
		if !h.AllChannels {
			h.Channels = rapid.SliceOfN(unusualText(), 0, 3).Draw(t, "channels")
		}
		if n := rapid.Int64Range(0, 1<<40).Draw(t, "count"); n > 0 {
			h.History.Latest = monitor.Span{
				Outcome: rapid.SampledFrom(monitor.Outcomes).Draw(t, "outcome"), First: anyTime().Draw(t, "first"), Last: anyTime().Draw(t, "last"),
				Count: n, LateBy: anyDuration().Draw(t, "late by"), LastPing: anyTime().Draw(t, "at"),
			}
		}
		if h.HasRunTime {
			h.LastRunTime = anyDuration().Draw(t, "run time")
		}
		return h
	})
}

func TestSave_EveryFieldOfAHeartbeatIsReadBack(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		rapid.Check(w.T, func(t *rapid.T) {
			added := anyHeartbeat(w.project.Key).Draw(t, "added")
			want := anyHeartbeat(w.project.Key).Draw(t, "saved")
			w.update(func(tx *store.Tx) error {
				h, err := tx.AddHeartbeat(added)
				if err != nil {
					return err
				}
				want.Key, want.ID, want.Ref, want.Created = h.Key, h.ID, h.Ref, h.Created
				if err := tx.SaveHeartbeatSettings(want); err != nil {
					return err
				}
				_, err = tx.Save(w.start, []store.Transition{{Heartbeat: want}})
				return err
			})
			if diff := cmp.Diff(want, w.reload(want), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("heartbeat (-saved +loaded):\n%s", diff)
			}
		})
	})
}

func TestAddHeartbeat_EveryFieldIsReadBack(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		rapid.Check(w.T, func(t *rapid.T) {
			drawn := anyHeartbeat(w.project.Key).Draw(t, "heartbeat")
			want := monitor.Heartbeat{ // without a life so far
				ID: drawn.ID, Ref: drawn.Ref, Project: drawn.Project, Name: drawn.Name, Slug: drawn.Slug, Description: drawn.Description, Tags: drawn.Tags,
				Severity: drawn.Severity, FlappingAlerts: drawn.FlappingAlerts, Policy: drawn.Policy, Rule: drawn.Rule, AllChannels: drawn.AllChannels, Channels: drawn.Channels, Status: drawn.Status, Created: drawn.Created, Updated: drawn.Updated,
			}
			added := w.addHeartbeat(want)
			want.Key = added.Key
			if diff := cmp.Diff(want, w.reload(added), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("heartbeat (-added +loaded):\n%s", diff)
			}
		})
	})
}
