package manage

import (
	"context"
	"slices"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Uptime is how many runs were expected and how many were good.
type Uptime = store.Uptime

// minHintSuccesses is how many successes must agree for a hint about the time zone.
const minHintSuccesses = 5

// RunQuery says which runs are listed.
type RunQuery struct {
	Since time.Time // zero: as far back as history goes
	PageQuery
}

// Runs lists what became of the slots of a heartbeat, newest first, and sums up
// the last 30 days.
func (d *Service) Runs(ctx context.Context, a auth.Actor, idOrRef string, q RunQuery) (listing ListPage[monitor.Span], up Uptime, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return listing, up, err
	}
	from, limit, err := q.position("runs")
	if err != nil {
		return listing, up, err
	}
	now := currentTime()
	f := store.RunHistoryFilter{Since: q.Since, Limit: limit + 1}
	if from.Key > 0 {
		f.Before = time.UnixMicro(from.Key).UTC()
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
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

// readUptime sums up the last 30 days of a heartbeat, of which open is what no row
// tells yet.
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

// ExplainHeartbeat returns a heartbeat, and a hint when its schedule looks odd.
func (d *Service) ExplainHeartbeat(ctx context.Context, a auth.Actor, idOrRef string) (h monitor.Heartbeat, hint string, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return h, "", err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
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

// readScheduleHint looks at the newest successes of a heartbeat with a calendar.
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

// zoneHint looks at the newest successes among pings, oldest first.
func zoneHint(h monitor.Heartbeat, pings []monitor.Ping) string {
	var successes []monitor.Ping
	for i := len(pings) - 1; i >= 0 && len(successes) < minHintSuccesses; i-- {
		if pings[i].Kind == monitor.PingSuccess {
			successes = append(successes, pings[i])
		}
	}
	return h.Rule.ZoneHint(successes)
}
