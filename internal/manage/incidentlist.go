package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// mostSpans bounds how many incidents the medians are taken of.
const mostSpans = 5000

// IncidentListQuery says what the list of incidents shows. Empty members do not
// filter.
type IncidentListQuery struct {
	State, Cause string
	Text         string // in the name of the heartbeat, or the number
	From         int64  // the number beside which the page lies, 0 to begin
	Back         bool   // the page is newer than From, not older
	Limit        int
}

// Alerts counts alerts by what became of them.
type Alerts = store.AlertTally

// IncidentList is one page of the incidents of a project, newest first.
type IncidentList struct {
	Rows               []monitor.Incident
	Alerts             map[string]Alerts // by id
	Total              int               // of all pages
	Newer, Older       bool              // there are others beside the page
	Open, Acknowledged int               // in the project
	Month              IncidentFigures
	Newest             Newest
}

// IncidentFigures are those of the last 30 days. A median is 0 when there is
// nothing to take it from.
type IncidentFigures struct {
	Opened                              int
	Down, ToAcknowledge, ToFirstTelling time.Duration // medians
	Alerts                              Alerts
}

// search is the query for the store.
func (q IncidentListQuery) search(a auth.Actor) store.IncidentSearch {
	s := store.IncidentSearch{
		Project: a.Project.Key, State: monitor.State(q.State), Cause: monitor.Cause(q.Cause), Text: q.Text, IDs: a.SeesPingURLs(), From: q.From, Back: q.Back,
	}
	if !askable(q.Text) || !askable(q.Cause) {
		s.Text, s.Cause = "\uFFFD", "" // no row has it
	}
	return s
}

// IncidentList lists incidents for people.
func (d *Desk) IncidentList(ctx context.Context, a auth.Actor, q IncidentListQuery) (l IncidentList, err error) {
	if err := may(a, auth.Read); err != nil {
		return l, err
	}
	limit := min(max(q.Limit, 1), MostItems)
	s := q.search(a)
	s.Limit = limit + 1
	now := stamp()
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		l = IncidentList{}
		if l.Newest, err = tx.Newest(a.Project.Key); err != nil {
			return err
		}
		if err := l.count(tx, s); err != nil {
			return err
		}
		if l.Month, err = figures(tx, a, now); err != nil {
			return err
		}
		return l.page(tx, a, s, limit)
	})
	return l, err
}

// IncidentLines reads incidents by id, newest first, with their alerts. What is
// not there is left out.
func (d *Desk) IncidentLines(ctx context.Context, a auth.Actor, ids []string) (rows []monitor.Incident, alerts map[string]Alerts, err error) {
	if err := may(a, auth.Read); err != nil {
		return nil, nil, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if rows, err = tx.IncidentsByID(a.Project.Key, ids); err != nil {
			return err
		}
		if err := veilIncidents(tx, a, rows); err != nil {
			return err
		}
		alerts, err = tx.AlertTallies(ids)
		return err
	})
	return rows, alerts, err
}

// count reads how many there are.
func (l *IncidentList) count(tx *store.Tx, s store.IncidentSearch) (err error) {
	if l.Total, err = tx.CountIncidents(s); err != nil {
		return err
	}
	if l.Open, err = tx.CountIncidents(store.IncidentSearch{Project: s.Project, State: monitor.Open}); err != nil {
		return err
	}
	l.Acknowledged, err = tx.CountIncidents(store.IncidentSearch{Project: s.Project, State: monitor.Acknowledged})
	return err
}

// page reads the rows, one more than are shown to know whether there are others.
func (l *IncidentList) page(tx *store.Tx, a auth.Actor, s store.IncidentSearch, limit int) (err error) {
	if l.Rows, err = tx.FindIncidents(s); err != nil {
		return err
	}
	more := len(l.Rows) > limit
	if more && s.Back {
		l.Rows = l.Rows[1:]
	} else if more {
		l.Rows = l.Rows[:limit]
	}
	l.Newer = s.Back && more || !s.Back && s.From > 0
	l.Older = s.Back || more
	ids := make([]string, 0, len(l.Rows))
	if err := veilIncidents(tx, a, l.Rows); err != nil {
		return err
	}
	for _, i := range l.Rows {
		ids = append(ids, i.ID)
	}
	l.Alerts, err = tx.AlertTallies(ids)
	return err
}

// figures are those of the last 30 days.
func figures(tx *store.Tx, a auth.Actor, now time.Time) (f IncidentFigures, err error) {
	spans, err := tx.SpansSince(a.Project.Key, now.Add(-statsSpan), mostSpans)
	if err != nil {
		return f, err
	}
	var down, acknowledged, told []time.Duration
	for _, s := range spans {
		down = lasted(down, s.Opened, s.Resolved)
		acknowledged = lasted(acknowledged, s.Opened, s.Acknowledged)
		told = lasted(told, s.Opened, s.Told)
	}
	f = IncidentFigures{Opened: len(spans), Down: median(down), ToAcknowledge: median(acknowledged), ToFirstTelling: median(told)}
	f.Alerts, err = tx.AlertsSince(a.Project.Key, now.Add(-statsSpan))
	return f, err
}

// lasted adds the time between two moments, if the second has come.
func lasted(all []time.Duration, from, to time.Time) []time.Duration {
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
