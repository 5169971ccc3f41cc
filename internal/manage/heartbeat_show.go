package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Bounds of the page of one heartbeat.
const (
	statsPeriod       = 30 * 24 * time.Hour
	maxHistoryPings   = 1000 // all that a history keeps
	maxShownBody      = 4000 // bytes of each body in the log
	eventLogPageSize  = 25
	maxShownIncidents = 10 // in the table
	maxShownSpans     = 2000
)

// HeartbeatDetailQuery says which part of the log is shown.
type HeartbeatDetailQuery struct {
	Kind   string    // success, start or fail; any other shows all
	Before int64     // number of the last one of the page before, 0 to begin
	Since  time.Time // the log begins here; zero for no limit
	Until  time.Time // the log ends before this; zero for no limit
}

// HeartbeatDetail is all that the page of one heartbeat tells.
type HeartbeatDetail struct {
	HeartbeatHistory                    // with up to all of its history
	CreatedBy        string             // may be empty
	OpenIncident     *monitor.Incident  // nil when none is open
	Incidents        []monitor.Incident // the newest of the last 30 days
	IncidentCount    int                // how many incidents there were in 30 days
	Deliveries       []Delivery         // of the open incident
	Log              []monitor.Ping     // newest first, with the beginning of each body, without the starts of ended runs unless only starts are shown
	NextBefore       int64              // Before of the next page of the log, 0 at its end
	EventCount       int                // pings of the last 30 days
	Channels         []monitor.Channel  // of the project, with secrets as dots
	ScheduleHint     string             // that something about the schedule is odd; may be empty
	FailingChannels  []monitor.Channel  // those that the heartbeat alerts and that do not deliver
}

// kinds of event that the log can be narrowed to.
var eventKinds = map[string]monitor.PingKind{"success": monitor.PingSuccess, "start": monitor.PingStart, "fail": monitor.PingFail}

// HeartbeatDetail reads one heartbeat by id or ref.
func (d *Service) HeartbeatDetail(ctx context.Context, a auth.Actor, idOrRef string, q HeartbeatDetailQuery) (page HeartbeatDetail, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return page, err
	}
	now := currentTime()
	err = d.db.View(ctx, func(tx *store.Tx) error {
		h, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		page = HeartbeatDetail{}
		for _, read := range []func(*store.Tx, auth.Actor, monitor.Heartbeat, time.Time) error{
			page.readHistory, page.readAuditAuthors, page.readIncidents, page.readChannels,
		} {
			if err := read(tx, a, h, now); err != nil {
				return err
			}
		}
		return page.readEventLog(tx, a, h, q, now)
	})
	return page, err
}

// readHistory reads what became of the runs of the last 30 days.
func (p *HeartbeatDetail) readHistory(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, now time.Time) error {
	keys := []int64{h.Key}
	pings, err := tx.RecentPings(keys, maxHistoryPings)
	if err != nil {
		return err
	}
	outages, err := tx.Outages(keys, now.Add(-statsPeriod), maxOutages)
	if err != nil {
		return err
	}
	p.ScheduleHint = zoneHint(h, pings[h.Key])
	slots, err := tx.RunHistory(store.RunHistoryFilter{Heartbeat: h.Key, Since: now.Add(-statsPeriod), Limit: maxShownSpans})
	if err != nil {
		return err
	}
	slices.Reverse(slots)
	if err := redactPings(tx, a, h.ID, pings[h.Key]); err != nil {
		return err
	}
	p.HeartbeatHistory = HeartbeatHistory{Pings: pings[h.Key], Outages: outages[h.Key], Spans: append(slots, h.UnstoredSpans(now, 0)...)}
	p.HeartbeatHistory.Heartbeat, err = redactHeartbeat(tx, a, h)
	return err
}

// readAuditAuthors reads who created and who paused it.
func (p *HeartbeatDetail) readAuditAuthors(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, _ time.Time) error {
	made, err := tx.LastAuditActions(a.Project.Key, "heartbeat.create", []string{heartbeatLabel(h)})
	if err != nil {
		return err
	}
	p.CreatedBy = made[heartbeatLabel(h)].Actor
	paused, err := tx.LastAuditActions(a.Project.Key, "heartbeat.pause", []string{heartbeatLabel(h)})
	p.HeartbeatHistory.setPaused(paused[heartbeatLabel(h)])
	return err
}

// readIncidents reads those of the last 30 days.
func (p *HeartbeatDetail) readIncidents(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, now time.Time) error {
	newest, err := tx.Incidents(store.IncidentFilter{Project: h.Project, Heartbeat: h.Key, Limit: MaxLimit})
	if err != nil {
		return err
	}
	if err := redactIncidents(tx, a, newest); err != nil {
		return err
	}
	for _, i := range newest {
		if i.ResolvedAt.IsZero() {
			p.OpenIncident = &i
			if p.Deliveries, err = tx.Deliveries(i.ID); err != nil {
				return err
			}
			if err := redactTimeline(tx, a, h.ID, nil, p.Deliveries); err != nil {
				return err
			}
		}
		if i.OpenedAt.Before(now.Add(-statsPeriod)) && !i.ResolvedAt.IsZero() {
			continue
		}
		p.IncidentCount++
		if len(p.Incidents) < maxShownIncidents {
			p.Incidents = append(p.Incidents, i)
		}
	}
	return nil
}

// readChannels reads the channels.
func (p *HeartbeatDetail) readChannels(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, _ time.Time) error {
	channels, err := tx.Channels(h.Project)
	if err != nil {
		return err
	}
	if channels, err = withHealth(tx, a, channels); err != nil {
		return err
	}
	for _, c := range channels {
		p.Channels = append(p.Channels, maskSecrets(a, c))
	}
	p.FailingChannels = failingChannels(h, p.Channels)
	return nil
}

// readEventLog reads a part of the event log. It reads more than one page, because the
// starts of ended runs have no line of their own.
func (p *HeartbeatDetail) readEventLog(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, q HeartbeatDetailQuery, now time.Time) (err error) {
	p.Log, err = tx.PingLog(store.PingLogFilter{
		Heartbeat: h.Key, Kind: eventKinds[q.Kind], Before: q.Before, Since: q.Since, Until: q.Until, Limit: 2*eventLogPageSize + 1, BodyBytes: maxShownBody,
	})
	if err != nil {
		return err
	}
	if len(p.Log) > 2*eventLogPageSize {
		p.NextBefore = p.Log[2*eventLogPageSize-1].Number
		p.Log = p.Log[:2*eventLogPageSize]
	}
	if eventKinds[q.Kind] == "" {
		ended := runStarts(p.Pings)
		p.Log = slices.DeleteFunc(p.Log, func(e monitor.Ping) bool {
			return e.Kind == monitor.PingStart && e.BodySize == 0 && ended[e.At.UnixMicro()]
		})
	}
	if len(p.Log) > eventLogPageSize {
		p.Log = p.Log[:eventLogPageSize]
		p.NextBefore = p.Log[eventLogPageSize-1].Number
	}
	if err := redactPings(tx, a, h.ID, p.Log); err != nil {
		return err
	}
	p.EventCount, err = tx.CountPingsSince(h.Key, now.Add(-statsPeriod))
	return err
}

// runStarts returns when the runs that ended with these pings started, as far as it is
// known.
func runStarts(ends []monitor.Ping) map[int64]bool {
	starts := map[int64]bool{}
	for _, e := range ends {
		if e.HasRunTime {
			starts[e.At.Add(-e.RunTime).UnixMicro()] = true
		}
	}
	return starts
}
