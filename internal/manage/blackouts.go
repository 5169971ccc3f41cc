package manage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// Limits of blackouts.
const (
	maxAffected       = 1000 // heartbeats of one blackout
	maxAffectedOfRow  = 20   // heartbeats of a blackout in the list: as many as a notice names
	maxCounted        = 1000 // blackouts in the figures
	maxShownBlackouts = 50   // on the page of a heartbeat
	blackoutPeriod    = 90 * 24 * time.Hour
)

// Types of the store that pages use unchanged.
type (
	AffectedHeartbeat = store.AffectedHeartbeat
	HeartbeatBlackout = store.HeartbeatBlackout
)

// Blackout is a blackout, and how many heartbeats of the project it affected, by the kind of effect.
type Blackout struct {
	monitor.Blackout
	Counts map[monitor.BlackoutEffectKind]int
}

// BlackoutDetail is a blackout with the heartbeats of the project that it affected.
type BlackoutDetail struct {
	Blackout
	Affected []AffectedHeartbeat
	Notices  []BlackoutNotice // only for the pages
}

// BlackoutNotice is the notice of a blackout in one channel.
type BlackoutNotice struct {
	Channel string // name
	State   monitor.AlertState
	Created time.Time
}

// redactBlackouts removes what the database and the disk reported, except for actors who may see it.
func redactBlackouts(a auth.Actor, list []monitor.Blackout) {
	for i := range list {
		if !a.May(auth.SeeServerErrors) {
			list[i].Detail = list[i].PublicDetail()
		}
	}
}

// readBlackouts reads up to n blackouts before a number, newest first; 0 begins with the newest.
func readBlackouts(tx *store.Tx, a auth.Actor, before int64, n int) ([]Blackout, error) {
	list, err := tx.Blackouts(before, n)
	if err != nil {
		return nil, err
	}
	redactBlackouts(a, list)
	keys := make([]int64, 0, len(list))
	for _, b := range list {
		keys = append(keys, b.Key)
	}
	counts, err := tx.CountAffected(a.Project.Key, keys)
	all := make([]Blackout, 0, len(list))
	for _, b := range list {
		all = append(all, Blackout{b, counts[b.Key]})
	}
	return all, err
}

// readAffected reads up to n heartbeats of the project that a blackout affected.
func readAffected(tx *store.Tx, a auth.Actor, blackout int64, n int) ([]AffectedHeartbeat, error) {
	list, err := tx.AffectedHeartbeats(blackout, a.Project.Key, n)
	if err != nil || a.SeesPingURLs() {
		return list, err
	}
	texts := make([]*string, 0, len(list))
	for i := range list {
		list[i].ID = ""
		texts = append(texts, &list[i].Name)
	}
	return list, redactTexts(tx, a, "", texts...)
}

// Blackouts lists the times in which Overdue was not watching, newest first.
func (svc *Service) Blackouts(ctx context.Context, a auth.Actor, p PageQuery) (page ListPage[Blackout], err error) {
	if err := authorize(a, auth.Read); err != nil {
		return page, err
	}
	from, limit, err := p.position("blackouts")
	if err != nil {
		return page, err
	}
	err = svc.db.ViewAll(ctx, func(tx *store.Tx) error {
		list, err := readBlackouts(tx, a, from.Key, limit+1)
		page = paginate(list, limit, "blackouts", func(b Blackout) int64 { return b.Key })
		return err
	})
	return page, err
}

// Blackout returns a blackout with the heartbeats of the project that it affected.
func (svc *Service) Blackout(ctx context.Context, a auth.Actor, number int64) (d BlackoutDetail, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return d, err
	}
	err = svc.db.ViewAll(ctx, func(tx *store.Tx) error {
		b, err := tx.Blackout(number)
		if err != nil {
			return err
		}
		one := []monitor.Blackout{b}
		redactBlackouts(a, one)
		counts, err := tx.CountAffected(a.Project.Key, []int64{number})
		if err != nil {
			return err
		}
		d = BlackoutDetail{Blackout: Blackout{one[0], counts[number]}}
		d.Affected, err = readAffected(tx, a, number, maxAffected)
		return err
	})
	return d, err
}

// BlackoutListQuery selects the blackouts of a page.
type BlackoutListQuery struct {
	Before int64 // number of the last blackout of the page before; 0 begins with the newest
	Open   int64 // number of the blackout with all of its heartbeats; 0: none
	Limit  int
}

// BlackoutList is everything that the page of blackouts shows.
type BlackoutList struct {
	Rows       []BlackoutDetail
	NextBefore int64     // Before of the next page, 0 on the last
	Newer      bool      // there are blackouts before the page
	Since      time.Time // start of the figures
	Recent     []Blackout
}

// BlackoutList reads the page of blackouts. If the page does not contain the blackout to open, the
// page begins with it.
func (svc *Service) BlackoutList(ctx context.Context, a auth.Actor, q BlackoutListQuery) (l BlackoutList, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return l, err
	}
	now, limit := svc.currentTime(), clampLimit(q.Limit)
	err = svc.db.ViewAll(ctx, func(tx *store.Tx) (err error) {
		l = BlackoutList{Since: now.Add(-blackoutPeriod)}
		if l.Recent, err = readBlackouts(tx, a, 0, maxCounted); err != nil {
			return err
		}
		newest := int64(0)
		if len(l.Recent) > 0 {
			newest = l.Recent[0].Key
		}
		l.Recent = slices.DeleteFunc(l.Recent, func(b Blackout) bool { return b.To.Before(l.Since) })
		rows, err := readBlackouts(tx, a, q.Before, limit+1)
		if err != nil {
			return err
		}
		contains := slices.ContainsFunc(rows[:min(len(rows), limit)], func(b Blackout) bool { return b.Key == q.Open })
		if q.Open > 0 && !contains && q.Open <= newest {
			if rows, err = readBlackouts(tx, a, q.Open+1, limit+1); err != nil {
				return err
			}
		}
		if len(rows) > limit {
			rows = rows[:limit]
			l.NextBefore = rows[limit-1].Key
		}
		l.Newer = len(rows) > 0 && rows[0].Key != newest
		return l.readRows(tx, a, rows, q.Open)
	})
	return l, err
}

// readRows adds the affected heartbeats and the notices of the rows.
func (l *BlackoutList) readRows(tx *store.Tx, a auth.Actor, rows []Blackout, open int64) error {
	keys := make([]int64, 0, len(rows))
	for _, b := range rows {
		keys = append(keys, b.Key)
	}
	notices, err := tx.BlackoutNotices(a.Project.Key, keys)
	if err != nil {
		return err
	}
	names, err := tx.ChannelNames(a.Project.Key)
	if err != nil {
		return err
	}
	for _, b := range rows {
		d, n := BlackoutDetail{Blackout: b}, maxAffectedOfRow
		if b.Key == open {
			n = maxAffected
		}
		if len(b.Counts) > 0 {
			if d.Affected, err = readAffected(tx, a, b.Key, n); err != nil {
				return err
			}
		}
		var texts []*string
		for _, alert := range notices[b.Key] {
			d.Notices = append(d.Notices, BlackoutNotice{names[alert.Channel], alert.State, alert.Created})
		}
		for i := range d.Notices {
			texts = append(texts, &d.Notices[i].Channel)
		}
		if err := redactTexts(tx, a, "", texts...); err != nil {
			return err
		}
		l.Rows = append(l.Rows, d)
	}
	return nil
}

// readHeartbeatBlackouts reads the blackouts that affected a heartbeat since a time, newest first.
func readHeartbeatBlackouts(tx *store.Tx, a auth.Actor, heartbeat int64, since time.Time) ([]HeartbeatBlackout, error) {
	list, err := tx.BlackoutsOfHeartbeat(heartbeat, since, maxShownBlackouts)
	for i := range list {
		if !a.May(auth.SeeServerErrors) {
			list[i].Detail = list[i].PublicDetail()
		}
	}
	return list, err
}

// readIncidentBlackouts reads the blackouts that touched the wait whose end opened an incident, oldest
// first.
func readIncidentBlackouts(tx *store.Tx, a auth.Actor, i monitor.Incident) ([]HeartbeatBlackout, error) {
	since := i.LastPing
	if since.IsZero() {
		since = i.Due
	}
	if since.IsZero() {
		return nil, nil
	}
	list, err := readHeartbeatBlackouts(tx, a, i.Heartbeat, since)
	var within []HeartbeatBlackout
	for _, b := range slices.Backward(list) {
		if !b.From.After(i.OpenedAt) {
			within = append(within, b)
		}
	}
	return within, err
}

// describeBlackout describes a blackout for the timeline of an incident.
func describeBlackout(b HeartbeatBlackout) string {
	text := fmt.Sprintf("Overdue was not watching until %s, for %s.", b.To.UTC().Format("2006-01-02 15:04:05 UTC"), schedule.FormatDuration(b.Length().Round(time.Second)))
	if b.Effect.Kind == monitor.BlackoutUnknown {
		return text + " The run that was due is unknown, and the next one was expected."
	}
	return text + " The deadline moved by that time."
}
