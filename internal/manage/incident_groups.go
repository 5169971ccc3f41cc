package manage

import (
	"context"
	"fmt"
	"math"
	"time"

	"overdue/internal/auth"
	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Types of the store that the API and the pages use unchanged.
type (
	GroupCounts   = store.GroupCounts
	GroupFacts    = store.GroupFacts
	ChannelAlerts = store.ChannelAlerts
)

// GroupRow is a group of incidents with the number of its incidents by state.
type GroupRow struct {
	monitor.IncidentGroup
	GroupCounts
}

// GroupDetail is a group of incidents with the things that they have in common, and the alerts about them.
type GroupDetail struct {
	GroupRow
	Facts    GroupFacts
	Channels []ChannelAlerts
}

// GroupQuery selects groups of incidents. An empty State does not filter.
type GroupQuery struct {
	State string
	PageQuery
}

// groupList names the list of groups, for cursors.
const groupList = "incident-groups"

// IncidentGroups lists the groups of the actor's project, newest first.
func (svc *Service) IncidentGroups(ctx context.Context, a auth.Actor, q GroupQuery) (page ListPage[GroupRow], err error) {
	if err := authorize(a, auth.Read); err != nil {
		return page, err
	}
	if err := (IncidentListQuery{State: q.State}).validate(); err != nil {
		return page, err
	}
	at, limit, err := q.position(groupList)
	if err != nil {
		return page, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		f := store.GroupFilter{Project: a.Project.Key, State: monitor.IncidentState(q.State), Before: at.Key, Limit: limit + 1}
		groups, err := tx.IncidentGroups(f)
		if err != nil {
			return err
		}
		page = ListPage[GroupRow]{}
		if len(groups) > limit {
			groups = groups[:limit]
			page.Next = listCursor{groupList, store.Cursor{Key: groups[limit-1].Number}}.String()
		}
		page.Items, err = readGroupRows(tx, a, groups)
		return err
	})
	return page, err
}

// readGroupRows counts the incidents of groups.
func readGroupRows(tx *store.Tx, a auth.Actor, groups []monitor.IncidentGroup) ([]GroupRow, error) {
	rows, numbers := make([]GroupRow, 0, len(groups)), make([]int64, 0, len(groups))
	for _, g := range groups {
		numbers = append(numbers, g.Number)
	}
	counts, err := tx.CountGroups(a.Project.Key, numbers)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := redactTexts(tx, a, "", &g.Factor.Value, &g.AcknowledgedBy); err != nil {
			return nil, err
		}
		rows = append(rows, GroupRow{g, counts[g.Number]})
	}
	return rows, nil
}

// IncidentGroup returns a group with everything about it except its incidents.
func (svc *Service) IncidentGroup(ctx context.Context, a auth.Actor, number int64) (d GroupDetail, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return d, err
	}
	now := svc.currentTime()
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		d, err = readGroup(tx, a, number, now)
		return err
	})
	return d, err
}

// readGroup reads a group. A group without incidents does not exist.
func readGroup(tx *store.Tx, a auth.Actor, number int64, now time.Time) (d GroupDetail, err error) {
	g, err := tx.IncidentGroup(a.Project.Key, number)
	if err != nil {
		return d, err
	}
	rows, err := readGroupRows(tx, a, []monitor.IncidentGroup{g})
	if err != nil {
		return d, err
	}
	if d.GroupRow = rows[0]; d.Total() == 0 {
		return d, notFound("group of incidents")
	}
	if d.Facts, err = tx.GroupFacts(g); err != nil {
		return d, err
	}
	for n := range d.Facts.Factors {
		if err := redactTexts(tx, a, "", &d.Facts.Factors[n].Value); err != nil {
			return d, err
		}
	}
	d.Channels, err = tx.GroupAlertsByChannel(g, now)
	return d, err
}

// GroupMembersQuery selects incidents of a group. An empty member does not filter.
type GroupMembersQuery struct {
	State, Text, Tag, Host string
	Limit                  int
	Cursor                 string // Prev or Next of another page
}

// GroupMembers is one page of the incidents of a group, newest first.
type GroupMembers struct {
	Rows       []monitor.Incident
	Before     int // number of rows on the pages before
	Total      int // of all pages
	Prev, Next string
}

// GroupMembers lists the incidents of a group.
func (svc *Service) GroupMembers(ctx context.Context, a auth.Actor, number int64, q GroupMembersQuery) (m GroupMembers, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return m, err
	}
	list := IncidentListQuery{State: q.State, Text: q.Text}
	if err := list.validate(); err != nil {
		return m, err
	}
	at, limit, err := validPosition(groupList+"/incidents", q.Cursor, q.Limit)
	if err != nil {
		return m, err
	}
	f := list.storeFilter(a)
	f.Group, f.Tag, f.Host = number, q.Tag, q.Host
	if !isSearchable(q.Tag) || !isSearchable(q.Host) {
		f.Text, f.Tag, f.Host = noMatch, "", ""
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
		m = GroupMembers{}
		if _, err := tx.IncidentGroup(a.Project.Key, number); err != nil {
			return err
		}
		if m.Total, err = tx.CountMembers(f); err != nil {
			return err
		}
		found, err := readIncidentPage(tx, a, f, at, limit, m.Total)
		m.Rows, m.Before, m.Prev, m.Next = found.rows, found.before, found.prev, found.next
		return err
	})
	return m, err
}

// AcknowledgeGroup acknowledges the open incidents of a group, and those that join it in the next
// [monitor.GroupAcknowledgement]. If all are acknowledged already, nothing changes; a group whose
// incidents are all resolved is a Conflict.
func (svc *Service) AcknowledgeGroup(ctx context.Context, a auth.Actor, number int64) (d GroupDetail, err error) {
	if err := authorize(a, auth.ChangeIncidents); err != nil {
		return d, err
	}
	if err := svc.acknowledgeGroup(ctx, a, number); err != nil {
		return d, err
	}
	return svc.IncidentGroup(ctx, a, number)
}

// acknowledgeGroup is AcknowledgeGroup for an actor with permission.
func (svc *Service) acknowledgeGroup(ctx context.Context, a auth.Actor, number int64) error {
	now := svc.currentTime()
	open := 0
	err := svc.update(ctx, func(tx *store.Tx) (effects, error) {
		g, err := openGroup(tx, a, number)
		if open = g.Open; err != nil || open == 0 {
			return effects{}, err
		}
		if err := tx.AcknowledgeGroup(g.IncidentGroup, a.Name, now); err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{"incident_group.acknowledge", groupLabel(g), fmt.Sprintf("%d incidents", open)})
	})
	for more := open > 0; more && err == nil; {
		var step store.GroupingStep
		err = svc.db.Update(ctx, func(tx *store.Tx) (err error) {
			step, err = tx.AcknowledgeMembers(a.Project.Key, number, now)
			return err
		})
		if err == nil {
			svc.signals.Send(loop.Effects{Pending: step.Pending, Changed: step.Changed})
		}
		more = step.More
	}
	return err
}

// openGroup returns a group, or a Conflict if all of its incidents are resolved.
func openGroup(tx *store.Tx, a auth.Actor, number int64) (g GroupRow, err error) {
	if g.IncidentGroup, err = tx.IncidentGroup(a.Project.Key, number); err != nil {
		return g, err
	}
	counts, err := tx.CountGroups(a.Project.Key, []int64{number})
	if err != nil {
		return g, err
	}
	if g.GroupCounts = counts[number]; g.State() == monitor.StateResolved {
		err = monitor.Faultf(monitor.Conflict, "", "All incidents of group %d are resolved: only open incidents can be acknowledged or snoozed.", number)
	}
	return g, err
}

// groupLabel names a group in the audit log.
func groupLabel(g GroupRow) string {
	return fmt.Sprintf("group %d, %s %s", g.Number, g.Factor.Kind, g.Factor.Value)
}

// SnoozeGroup snoozes the open incidents of a group, in several transactions. Those that join it later are
// not snoozed. If an error ends it, the incidents that were reached stay snoozed.
func (svc *Service) SnoozeGroup(ctx context.Context, a auth.Actor, number int64, q QuietPeriod) (d GroupDetail, err error) {
	if err := authorize(a, auth.ChangeIncidents); err != nil {
		return d, err
	}
	now := svc.currentTime()
	end, err := q.End(now)
	if err == nil && end.IsZero() {
		err = monitor.Faultf(monitor.Invalid, "for", "Enter how long: for, such as 2h, or until, a time.")
	}
	if err != nil {
		return d, err
	}
	var g GroupRow
	err = svc.update(ctx, func(tx *store.Tx) (effects, error) {
		if g, err = openGroup(tx, a, number); err != nil {
			return effects{}, err
		}
		if g.Open == 0 {
			return effects{}, monitor.Faultf(monitor.Conflict, "", "All unresolved incidents of group %d are acknowledged, so they have no reminders to snooze.", number)
		}
		detail := fmt.Sprintf("%d incidents until %s", g.Open, end.Format("2006-01-02 15:04:05 UTC"))
		return effects{}, writeAudit(tx, a, now, auditEntry{"incident_group.snooze", groupLabel(g), detail})
	})
	for after := int64(0); after < math.MaxInt64 && err == nil; {
		var changed []int64
		err = svc.db.Update(ctx, func(tx *store.Tx) error {
			members, err := tx.SnoozeMembers(g.IncidentGroup, a.Name, end, after, now)
			changed = nil
			for _, i := range members {
				changed = append(changed, i.Heartbeat)
			}
			if len(members) == 0 {
				after = math.MaxInt64
			} else {
				after = members[len(members)-1].Number
			}
			return err
		})
		if err == nil {
			svc.signals.Send(loop.Effects{Pending: true, Changed: changed})
		}
	}
	if err != nil {
		return d, err
	}
	return svc.IncidentGroup(ctx, a, number)
}
