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
	statsSpan     = 30 * 24 * time.Hour
	historyPings  = 1000 // all that a history keeps
	shownBody     = 4000 // bytes of each body in the log
	logPage       = 25
	mostIncidents = 10 // in the table
	mostStretches = 2000
)

// DetailQuery says which part of the log is shown.
type DetailQuery struct {
	Kind   string // success, start or fail; any other shows all
	Before int64  // number of the last one of the page before, 0 to begin
}

// Detail is all that the page of one heartbeat tells.
type Detail struct {
	Watched                          // with up to all of its history
	CreatedBy     string             // may be empty
	Open          *monitor.Incident  // nil when none is open
	Incidents     []monitor.Incident // the newest of the last 30 days
	Opened        int                // how many incidents there were in 30 days
	Log           []monitor.Ping     // newest first, with the beginning of each body
	Older         int64              // Before of the next page of the log, 0 at its end
	Events        int                // pings of the last 30 days
	Channels      []monitor.Channel  // of the project, with secrets as dots
	Hint          string             // that something about the schedule is odd; may be empty
	NotDelivering []monitor.Channel  // those that the heartbeat alerts and that do not deliver
}

// kinds of event that the log can be narrowed to.
var logKinds = map[string]monitor.PingKind{"success": monitor.Success, "start": monitor.Start, "fail": monitor.Fail}

// Detail reads one heartbeat by id or ref.
func (d *Desk) Detail(ctx context.Context, a auth.Actor, idOrRef string, q DetailQuery) (page Detail, err error) {
	if err := may(a, auth.Read); err != nil {
		return page, err
	}
	now := stamp()
	err = d.db.View(ctx, func(tx *store.Tx) error {
		h, err := heartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		page = Detail{}
		for _, read := range []func(*store.Tx, auth.Actor, monitor.Heartbeat, time.Time) error{
			page.history, page.deeds, page.incidents, page.routes,
		} {
			if err := read(tx, a, h, now); err != nil {
				return err
			}
		}
		return page.log(tx, a, h, q, now)
	})
	return page, err
}

// history reads what became of the runs of the last 30 days.
func (p *Detail) history(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, now time.Time) error {
	keys := []int64{h.Key}
	pings, err := tx.RecentPings(keys, historyPings)
	if err != nil {
		return err
	}
	outages, err := tx.Outages(keys, now.Add(-statsSpan), mostOutages)
	if err != nil {
		return err
	}
	p.Hint = zoneHint(h, pings[h.Key])
	slots, err := tx.Slots(store.SlotFilter{Heartbeat: h.Key, Since: now.Add(-statsSpan), Limit: mostStretches})
	if err != nil {
		return err
	}
	slices.Reverse(slots)
	if err := veilPings(tx, a, h.ID, pings[h.Key]); err != nil {
		return err
	}
	p.Watched = Watched{Pings: pings[h.Key], Outages: outages[h.Key], Slots: append(slots, h.Unwritten(now, 0)...)}
	p.Watched.Heartbeat, err = veiled(tx, a, h)
	return err
}

// deeds reads who created and who paused it.
func (p *Detail) deeds(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, _ time.Time) error {
	made, err := tx.LastDeeds(a.Project.Key, "heartbeat.create", []string{called(h)})
	if err != nil {
		return err
	}
	p.CreatedBy = made[called(h)].Actor
	paused, err := tx.LastDeeds(a.Project.Key, "heartbeat.pause", []string{called(h)})
	p.Watched.pause(paused[called(h)])
	return err
}

// incidents reads those of the last 30 days.
func (p *Detail) incidents(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, now time.Time) error {
	newest, err := tx.Incidents(store.IncidentFilter{Project: h.Project, Heartbeat: h.Key, Limit: MostItems})
	if err != nil {
		return err
	}
	if err := veilIncidents(tx, a, newest); err != nil {
		return err
	}
	for _, i := range newest {
		if i.ResolvedAt.IsZero() {
			p.Open = &i
		}
		if i.Opened.Before(now.Add(-statsSpan)) && !i.ResolvedAt.IsZero() {
			continue
		}
		p.Opened++
		if len(p.Incidents) < mostIncidents {
			p.Incidents = append(p.Incidents, i)
		}
	}
	return nil
}

// routes reads the channels.
func (p *Detail) routes(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, _ time.Time) error {
	channels, err := tx.Channels(h.Project)
	if err != nil {
		return err
	}
	if channels, err = withHealth(tx, a, channels); err != nil {
		return err
	}
	for _, c := range channels {
		p.Channels = append(p.Channels, masked(a, c))
	}
	p.NotDelivering = notDelivering(h, p.Channels)
	return nil
}

// log reads a part of the event log.
func (p *Detail) log(tx *store.Tx, a auth.Actor, h monitor.Heartbeat, q DetailQuery, now time.Time) (err error) {
	p.Log, err = tx.PingLog(store.PingLog{Heartbeat: h.Key, Kind: logKinds[q.Kind], Before: q.Before, Limit: logPage + 1, Bytes: shownBody})
	if err != nil {
		return err
	}
	if len(p.Log) > logPage {
		p.Log = p.Log[:logPage]
		p.Older = p.Log[logPage-1].N
	}
	if err := veilPings(tx, a, h.ID, p.Log); err != nil {
		return err
	}
	p.Events, err = tx.PingsSince(h.Key, now.Add(-statsSpan))
	return err
}
