package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maxMedianIncidents bounds how many incidents the medians are taken of.
const maxMedianIncidents = 5000

// IncidentListQuery says what the list of incidents shows. Empty members do not
// filter.
type IncidentListQuery struct {
	State, Cause string
	Text         string // in the name of the heartbeat, or the number
	From         int64  // the number beside which the page lies, 0 to begin
	Backwards    bool   // the page is newer than From, not older
	Limit        int
}

// AlertCounts counts alerts by what became of them.
type AlertCounts = store.AlertCounts

// IncidentList is one page of the incidents of a project, newest first.
type IncidentList struct {
	Rows               []monitor.Incident
	Alerts             map[string]AlertCounts // by id
	Total              int                    // of all pages
	Newer, Older       bool                   // there are others beside the page
	Open, Acknowledged int                    // in the project
	Last30Days         IncidentStats
	Newest             NewestKeys
}

// IncidentStats are those of the last 30 days. A median is 0 when there is
// nothing to take it from.
type IncidentStats struct {
	Opened                                                  int
	MedianDuration, MedianToAcknowledge, MedianToFirstAlert time.Duration // medians
	Alerts                                                  AlertCounts
}

// storeFilter is the query for the store.
func (q IncidentListQuery) storeFilter(a auth.Actor) store.IncidentSearch {
	s := store.IncidentSearch{
		Project: a.Project.Key, State: monitor.IncidentState(q.State), Cause: monitor.Cause(q.Cause), Text: q.Text, SearchIDs: a.SeesPingURLs(), From: q.From, Backwards: q.Backwards,
	}
	if !isSearchable(q.Text) || !isSearchable(q.Cause) {
		s.Text, s.Cause = "\uFFFD", "" // no row has it
	}
	return s
}

// IncidentList lists incidents for people.
func (d *Service) IncidentList(ctx context.Context, a auth.Actor, q IncidentListQuery) (l IncidentList, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return l, err
	}
	limit := min(max(q.Limit, 1), MaxLimit)
	s := q.storeFilter(a)
	s.Limit = limit + 1
	now := currentTime()
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		l = IncidentList{}
		if l.Newest, err = tx.NewestIDs(a.Project.Key); err != nil {
			return err
		}
		if err := l.readCounts(tx, s); err != nil {
			return err
		}
		if l.Last30Days, err = readIncidentStats(tx, a, now); err != nil {
			return err
		}
		return l.readPage(tx, a, s, limit)
	})
	return l, err
}

// IncidentsByID reads incidents by id, newest first, with their alerts. What is
// not there is left out.
func (d *Service) IncidentsByID(ctx context.Context, a auth.Actor, ids []string) (rows []monitor.Incident, alerts map[string]AlertCounts, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
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

// readCounts reads how many there are.
func (l *IncidentList) readCounts(tx *store.Tx, s store.IncidentSearch) (err error) {
	if l.Total, err = tx.CountIncidents(s); err != nil {
		return err
	}
	if l.Open, err = tx.CountIncidents(store.IncidentSearch{Project: s.Project, State: monitor.StateOpen}); err != nil {
		return err
	}
	l.Acknowledged, err = tx.CountIncidents(store.IncidentSearch{Project: s.Project, State: monitor.StateAcknowledged})
	return err
}

// readPage reads the rows, one more than are shown to know whether there are others.
func (l *IncidentList) readPage(tx *store.Tx, a auth.Actor, s store.IncidentSearch, limit int) (err error) {
	if l.Rows, err = tx.SearchIncidents(s); err != nil {
		return err
	}
	more := len(l.Rows) > limit
	if more && s.Backwards {
		l.Rows = l.Rows[1:]
	} else if more {
		l.Rows = l.Rows[:limit]
	}
	l.Newer = s.Backwards && more || !s.Backwards && s.From > 0
	l.Older = s.Backwards || more
	ids := make([]string, 0, len(l.Rows))
	if err := redactIncidents(tx, a, l.Rows); err != nil {
		return err
	}
	for _, i := range l.Rows {
		ids = append(ids, i.ID)
	}
	l.Alerts, err = tx.AlertCountsByIncident(ids)
	return err
}

// readIncidentStats are those of the last 30 days.
func readIncidentStats(tx *store.Tx, a auth.Actor, now time.Time) (f IncidentStats, err error) {
	spans, err := tx.IncidentTimesSince(a.Project.Key, now.Add(-statsPeriod), maxMedianIncidents)
	if err != nil {
		return f, err
	}
	var down, acknowledged, told []time.Duration
	for _, s := range spans {
		down = appendDuration(down, s.Opened, s.Resolved)
		acknowledged = appendDuration(acknowledged, s.Opened, s.Acknowledged)
		told = appendDuration(told, s.Opened, s.Notified)
	}
	f = IncidentStats{Opened: len(spans), MedianDuration: median(down), MedianToAcknowledge: median(acknowledged), MedianToFirstAlert: median(told)}
	f.Alerts, err = tx.AlertCountsSince(a.Project.Key, now.Add(-statsPeriod))
	return f, err
}

// appendDuration adds the time between two moments, if the second has come.
func appendDuration(all []time.Duration, from, to time.Time) []time.Duration {
	if to.IsZero() {
		return all
	}
	return append(all, max(0, to.Sub(from)))
}

// median is the lower of the two in the middle, 0 of nothing.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}
