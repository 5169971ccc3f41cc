package manage

import (
	"context"
	"math"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maxMedianIncidents is the maximum number of incidents in a median.
const maxMedianIncidents = 5000

// incidentList names the list of incidents, for cursors.
const incidentList = "incidents"

// IncidentListQuery filters the list of incidents, for the API and for the pages. An empty member does
// not filter.
type IncidentListQuery struct {
	State, Cause string
	Heartbeat    string // id or ref
	Text         string // in the name of the heartbeat, or the number
	Limit        int
	Cursor       string // Prev or Next of another page
}

// AlertCounts counts alerts by state.
type AlertCounts = store.AlertCounts

// IncidentList is one page of the incidents of a project, newest first.
type IncidentList struct {
	Rows               []monitor.Incident
	Before             int                    // number of rows on the pages before
	Alerts             map[string]AlertCounts // by id
	Total              int                    // of all pages, among the newest incidents
	More               bool                   // older incidents are not counted in Total
	Prev, Next         string                 // cursors, empty at either end
	Open, Acknowledged int                    // in the project
	Last30Days         IncidentStats
	Newest             NewestKeys
}

// IncidentStats describes the last 30 days. A median is 0 if there are no values.
type IncidentStats struct {
	Opened                                                  int
	MedianDuration, MedianToAcknowledge, MedianToFirstAlert time.Duration // medians
	// TotalDuration and LongestDuration include unresolved incidents until now.
	TotalDuration, LongestDuration time.Duration
	Alerts                         AlertCounts
}

// validate returns the faults of the query. The pages skip it: an outdated link still shows a list.
func (q IncidentListQuery) validate() error {
	states := []monitor.IncidentState{monitor.StateOpen, monitor.StateAcknowledged, monitor.StateResolved}
	if q.State != "" && !slices.Contains(states, monitor.IncidentState(q.State)) {
		return monitor.Faultf(monitor.Invalid, "state", "Unknown state %q: use open, acknowledged or resolved.", q.State)
	}
	return nil
}

// storeFilter returns the filter of the store. Texts that no row can contain find nothing.
func (q IncidentListQuery) storeFilter(a auth.Actor) store.IncidentFilter {
	f := store.IncidentFilter{
		Project: a.Project.Key, State: monitor.IncidentState(q.State), Cause: monitor.Cause(q.Cause), Text: q.Text, SearchIDs: a.SeesPingURLs(),
	}
	if !isSearchable(q.Text) || !isSearchable(q.Cause) {
		f.Text, f.Cause = noMatch, ""
	}
	return f
}

// incidentPage is one page of incidents with its cursors.
type incidentPage struct {
	rows       []monitor.Incident
	before     int
	prev, next string
}

// readIncidentPage reads the page at a position. total is the number of rows on all pages.
func readIncidentPage(tx *store.Tx, a auth.Actor, f store.IncidentFilter, at listPosition, limit, total int) (incidentPage, error) {
	f.From, f.Backwards, f.Limit = at.Row.Key, at.Backwards, limit+1
	rows, err := tx.Incidents(f)
	if err != nil {
		return incidentPage{}, err
	}
	b := boundsOf(len(rows), limit, total, at)
	p := incidentPage{rows: rows[b.from:b.to], before: b.before}
	if b.hasPrev {
		p.prev = at.prev(store.RowPosition{Key: p.rows[0].Number}, b.before-limit)
	}
	if b.hasNext {
		p.next = at.next(store.RowPosition{Key: p.rows[len(p.rows)-1].Number}, b.before+len(p.rows))
	}
	return p, redactIncidents(tx, a, p.rows)
}

// Incidents lists the incidents of the actor's project, newest first.
func (svc *Service) Incidents(ctx context.Context, a auth.Actor, q IncidentListQuery) (page ListPage[monitor.Incident], err error) {
	if err := authorize(a, auth.Read); err != nil {
		return page, err
	}
	if err := q.validate(); err != nil {
		return page, err
	}
	at, limit, err := validPosition(incidentList, q.Cursor, q.Limit)
	if err != nil {
		return page, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
		f := q.storeFilter(a)
		if q.Heartbeat != "" {
			h, err := findHeartbeat(tx, a, q.Heartbeat)
			if err != nil {
				return missingToFieldFault(err, "heartbeat")
			}
			f.Heartbeat = h.Key
		}
		found, err := readIncidentPage(tx, a, f, at, limit, math.MaxInt)
		page = ListPage[monitor.Incident]{Items: found.rows, Next: found.next}
		return err
	})
	return page, err
}

// IncidentList is Incidents for the pages: with the alerts, and the counts around the list.
func (svc *Service) IncidentList(ctx context.Context, a auth.Actor, q IncidentListQuery) (l IncidentList, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return l, err
	}
	f, now := q.storeFilter(a), svc.currentTime()
	at, _ := parsePosition(incidentList, q.Cursor)
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		l = IncidentList{}
		if l.Newest, err = tx.NewestIDs(a.Project.Key); err != nil {
			return err
		}
		if err := l.readCounts(tx, f); err != nil {
			return err
		}
		if l.Last30Days, err = readIncidentStats(tx, a, now); err != nil {
			return err
		}
		total := l.Total
		if l.More {
			total = math.MaxInt
		}
		found, err := readIncidentPage(tx, a, f, at, clampLimit(q.Limit), total)
		if err != nil {
			return err
		}
		l.Rows, l.Before, l.Prev, l.Next = found.rows, found.before, found.prev, found.next
		ids := make([]string, 0, len(l.Rows))
		for _, i := range l.Rows {
			ids = append(ids, i.ID)
		}
		l.Alerts, err = tx.AlertCountsByIncident(ids)
		return err
	})
	return l, err
}

// IncidentOverview returns the counts of unresolved incidents and the statistics of
// IncidentList, without rows.
func (svc *Service) IncidentOverview(ctx context.Context, a auth.Actor) (l IncidentList, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return l, err
	}
	now := svc.currentTime()
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		l = IncidentList{}
		if l.Open, l.Acknowledged, err = tx.CountUnresolvedIncidents(a.Project.Key); err != nil {
			return err
		}
		l.Last30Days, err = readIncidentStats(tx, a, now)
		return err
	})
	return l, err
}

// IncidentsByID reads incidents by id, newest first, with their alerts. It omits those that
// do not exist.
func (svc *Service) IncidentsByID(ctx context.Context, a auth.Actor, ids []string) (rows []monitor.Incident, alerts map[string]AlertCounts, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, nil, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		if rows, err = tx.IncidentsByID(a.Project.Key, ids); err != nil {
			return err
		}
		if err := redactIncidents(tx, a, rows); err != nil {
			return err
		}
		alerts, err = tx.AlertCountsByIncident(ids)
		return err
	})
	return rows, alerts, err
}

// readCounts counts the incidents of the filter and of the project.
func (l *IncidentList) readCounts(tx *store.Tx, f store.IncidentFilter) (err error) {
	count, err := tx.CountIncidents(f)
	if err != nil {
		return err
	}
	l.Total, l.More = count.Total, count.More
	l.Open, l.Acknowledged, err = tx.CountUnresolvedIncidents(f.Project)
	return err
}

// readIncidentStats reads the statistics of the last 30 days.
func readIncidentStats(tx *store.Tx, a auth.Actor, now time.Time) (f IncidentStats, err error) {
	spans, err := tx.IncidentTimesSince(a.Project.Key, now.Add(-statsPeriod), maxMedianIncidents)
	if err != nil {
		return f, err
	}
	var down, acknowledged, firstAlert []time.Duration
	for _, s := range spans {
		end := s.Resolved
		if end.IsZero() {
			end = now
		}
		f.TotalDuration += max(0, end.Sub(s.Opened))
		f.LongestDuration = max(f.LongestDuration, end.Sub(s.Opened))
		down = appendDuration(down, s.Opened, s.Resolved)
		acknowledged = appendDuration(acknowledged, s.Opened, s.Acknowledged)
		firstAlert = appendDuration(firstAlert, s.Opened, s.Notified)
	}
	f.Opened, f.MedianDuration, f.MedianToAcknowledge, f.MedianToFirstAlert = len(spans), median(down), median(acknowledged), median(firstAlert)
	f.Alerts, err = tx.AlertCountsSince(a.Project.Key, now.Add(-statsPeriod))
	return f, err
}

// appendDuration appends the time between two events, if the second has happened.
func appendDuration(all []time.Duration, from, to time.Time) []time.Duration {
	if to.IsZero() {
		return all
	}
	return append(all, max(0, to.Sub(from)))
}

// median returns the lower median, 0 for an empty list.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// Types of the store that pages use unchanged.
type (
	NewestKeys = store.NewestIDs
	NewMatches = store.NewMatches
)

// NewIncidentMatches is NewHeartbeatMatches for the list of incidents.
func (svc *Service) NewIncidentMatches(ctx context.Context, a auth.Actor, q IncidentListQuery, since NewestKeys, shown []string) (n NewMatches, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return n, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.NewIncidentMatches(q.storeFilter(a), since, shown)
		return err
	})
	return n, err
}
