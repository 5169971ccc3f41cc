package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Limits of the page of one heartbeat.
const (
	statsPeriod       = 30 * 24 * time.Hour
	maxHistoryPings   = 1000 // everything that a history keeps
	maxShownBody      = 4000 // bytes of each body in the log
	eventLogPageSize  = 25
	maxShownIncidents = 10 // in the table
	maxShownSpans     = 2000
)

// HeartbeatDetailQuery selects the part of the event log to show.
type HeartbeatDetailQuery struct {
	Kind   string    // success, start or fail; any other value selects all
	Before int64     // number of the last ping of the page before, 0 for the first page
	Since  time.Time // start of the log; zero means no limit
	Until  time.Time // end of the log, exclusive; zero means no limit
}

// HeartbeatDetail is everything that the page of one heartbeat shows.
type HeartbeatDetail struct {
	HeartbeatHistory                     // with up to its full history
	CreatedBy        string              // may be empty
	OpenIncident     *monitor.Incident   // nil if no incident is open
	Incidents        []monitor.Incident  // the newest of the last 30 days
	IncidentCount    int                 // number of incidents within 30 days, up to MaxLimit
	Deliveries       []Delivery          // of the open incident
	Log              []monitor.Ping      // newest first, with the beginning of each body; without the starts of ended runs unless only starts are shown
	NextBefore       int64               // Before of the next page of the log, 0 on the last
	EventCount       int                 // number of stored pings of the last 30 days
	Channels         []monitor.Channel   // of the project, with masked secrets
	ScheduleHint     string              // that the time zone of the schedule may be wrong; may be empty
	Blackouts        []HeartbeatBlackout // of the last 30 days, newest first
	FailingChannels  []monitor.Channel   // failing channels that receive the alerts of the heartbeat
	Plan             []monitor.Notification
	NotifyRule       monitor.NotifyRule // decides the plan
}

// eventKinds are the filters of the event log.
var eventKinds = map[string]monitor.PingKind{"success": monitor.PingSuccess, "start": monitor.PingStart, "fail": monitor.PingFail}

// HeartbeatDetail reads one heartbeat by id or ref, with everything that its page shows.
func (svc *Service) HeartbeatDetail(ctx context.Context, a auth.Actor, idOrRef string, q HeartbeatDetailQuery) (page HeartbeatDetail, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return page, err
	}
	now := svc.currentTime()
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		h, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		page = HeartbeatDetail{}
		for _, read := range []func(*store.Tx, auth.Actor, monitor.Heartbeat, time.Time) error{
			page.readHistory, page.readAuditAuthors, page.readIncidents, page.readChannels, page.readBlackouts,
		} {
			if err := read(tx, a, h, now); err != nil {
				return err
			}
		}
		return page.readEventLog(tx, a, h, q, now)
	})
	return page, err
}

// readHistory reads the runs of the last 30 days.
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

// readAuditAuthors reads the person who created the heartbeat and the one who paused it.
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

// readIncidents reads the incidents of the last 30 days.
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

// readChannels reads the channels of the project.
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
	policies, err := tx.Policies(h.Project)
	who := monitor.Audience{Channels: p.Channels, Policies: policies}
	p.Plan, p.NotifyRule = h.NotificationPlan(who), h.NotifyRule(who)
	p.FailingChannels = failingChannels(p.Plan, p.Channels)
	return err
}

// readBlackouts reads the blackouts of the last 30 days.
func (p *HeartbeatDetail) readBlackouts(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, now time.Time) (err error) {
	p.Blackouts, err = readHeartbeatBlackouts(tx, a, h.Key, now.Add(-statsPeriod))
	return err
}

// readEventLog reads a page of the event log. It reads more than one page, because the
// starts of ended runs have no line.
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

// Uptime counts the expected runs and the good ones.
type Uptime = store.Uptime

// minHintSuccesses is the number of successes that must agree for a hint about the time
// zone.
const minHintSuccesses = 5

// RunQuery selects the runs to list.
type RunQuery struct {
	Since time.Time // zero: the whole history
	PageQuery
}

// Runs lists the outcomes of the slots of a heartbeat, newest first, and sums up the last
// 30 days.
func (svc *Service) Runs(ctx context.Context, a auth.Actor, idOrRef string, q RunQuery) (listing ListPage[monitor.Span], up Uptime, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return listing, up, err
	}
	from, limit, err := q.position("runs")
	if err != nil {
		return listing, up, err
	}
	now := svc.currentTime()
	f := store.RunHistoryFilter{Since: q.Since, Limit: limit + 1}
	if from.Key > 0 {
		f.Before = time.UnixMicro(from.Key).UTC()
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		h, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		open := h.UnstoredSpans(now, 0)
		if up, err = readUptime(tx, h, open, now); err != nil {
			return err
		}
		f.Heartbeat = h.Key
		closed, err := tx.RunHistory(f)
		if err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(s monitor.Span) bool {
			return s.Last.Before(f.Since) || !f.Before.IsZero() && !s.First.Before(f.Before)
		})
		slices.Reverse(open)
		listing = paginate(append(open, closed...), limit, "runs", func(s monitor.Span) int64 { return s.First.UnixMicro() })
		return nil
	})
	return listing, up, err
}

// readUptime counts the runs of the last 30 days, including those that are not stored yet.
func readUptime(tx *store.Tx, h monitor.Heartbeat, open []monitor.Span, now time.Time) (Uptime, error) {
	since := now.Add(-statsPeriod)
	up, err := tx.Uptime(h.Key, since)
	for _, s := range open {
		if !s.First.Before(since) {
			up.Add(s)
		}
	}
	return up, err
}

// ExplainHeartbeat returns a heartbeat, and a hint if its time zone looks wrong.
func (svc *Service) ExplainHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (h monitor.Heartbeat, hint string, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return h, "", err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = findHeartbeat(tx, a, idOrRef); err != nil {
			return err
		}
		if hint, err = readScheduleHint(tx, h); err != nil {
			return err
		}
		h, err = redactHeartbeat(tx, a, h)
		return err
	})
	return h, hint, err
}

// readScheduleHint compares the newest successes of a heartbeat with its calendar.
func readScheduleHint(tx *store.Tx, h monitor.Heartbeat) (string, error) {
	if h.Rule.Calendar == nil {
		return "", nil
	}
	recent, err := tx.RecentPings([]int64{h.Key}, maxRecentPings)
	if err != nil {
		return "", err
	}
	return zoneHint(h, recent[h.Key]), nil
}

// zoneHint compares the newest successes with the calendar. pings are oldest first.
func zoneHint(h monitor.Heartbeat, pings []monitor.Ping) string {
	var successes []monitor.Ping
	for i := len(pings) - 1; i >= 0 && len(successes) < minHintSuccesses; i-- {
		if pings[i].Kind == monitor.PingSuccess {
			successes = append(successes, pings[i])
		}
	}
	return h.Rule.ZoneHint(successes)
}

// findHeartbeat returns a heartbeat by id or ref.
func findHeartbeat(tx *store.Tx, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	if !isSearchable(idOrRef) {
		return monitor.Heartbeat{}, notFound("heartbeat")
	}
	return tx.Heartbeat(a.Project.Key, idOrRef)
}

// Heartbeat returns a heartbeat by id or ref.
func (svc *Service) Heartbeat(ctx context.Context, a auth.Actor, idOrRef string) (monitor.Heartbeat, error) {
	return svc.readHeartbeat(ctx, a, func(tx *store.Tx) (monitor.Heartbeat, error) { return findHeartbeat(tx, a, idOrRef) })
}

// HeartbeatBySlug returns a heartbeat by slug.
func (svc *Service) HeartbeatBySlug(ctx context.Context, a auth.Actor, slug string) (monitor.Heartbeat, error) {
	return svc.readHeartbeat(ctx, a, func(tx *store.Tx) (monitor.Heartbeat, error) {
		if !isSearchable(slug) {
			return monitor.Heartbeat{}, notFound("heartbeat")
		}
		return tx.HeartbeatWithSlug(a.Project.Key, slug)
	})
}

// readHeartbeat returns a heartbeat as the actor may see it.
func (svc *Service) readHeartbeat(ctx context.Context, a auth.Actor, find func(*store.Tx) (monitor.Heartbeat, error)) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return h, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = find(tx); err != nil {
			return err
		}
		h, err = redactHeartbeat(tx, a, h)
		return err
	})
	return h, err
}

// Pings lists the pings of a heartbeat, newest first, without their bodies.
func (svc *Service) Pings(ctx context.Context, a auth.Actor, idOrRef string, p PageQuery) (h monitor.Heartbeat, listing ListPage[monitor.Ping], err error) {
	if err := authorize(a, auth.Read); err != nil {
		return h, listing, err
	}
	from, limit, err := p.position("pings")
	if err != nil {
		return h, listing, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		if h, err = findHeartbeat(tx, a, idOrRef); err != nil {
			return err
		}
		pings, err := tx.Pings(h.Key, from.Key, limit+1)
		if err != nil {
			return err
		}
		listing = paginate(pings, limit, "pings", func(p monitor.Ping) int64 { return p.Number })
		if err := redactPings(tx, a, h.ID, listing.Items); err != nil {
			return err
		}
		h, err = redactHeartbeat(tx, a, h)
		return err
	})
	return h, listing, err
}

// Ping returns a ping with its body.
func (svc *Service) Ping(ctx context.Context, a auth.Actor, idOrRef string, n int64) (p monitor.Ping, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return p, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		h, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		if p, err = tx.Ping(h.Key, n); err != nil {
			return err
		}
		one := []monitor.Ping{p}
		err = redactPings(tx, a, h.ID, one)
		p = one[0]
		return err
	})
	return p, err
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
