package manage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// PolicyTrial asks what an edit of a policy would do.
type PolicyTrial struct {
	Policy    string // slug or id of the edited policy, empty for a new one
	Edit      PolicyEdit
	Heartbeat string    // slug, name, id or ref; empty: any heartbeat that uses the policy
	At        time.Time // when its incident opens
}

// PolicyPreview is what a policy would do.
type PolicyPreview struct {
	Policy    monitor.Policy
	Plan      []monitor.Notification // of any heartbeat that uses the policy
	Alerts    []monitor.PlannedAlert // of the heartbeat
	Heartbeat string                 // its name, empty if none was named
	Rule      monitor.NotifyRule     // what decides for the heartbeat now
}

// PreviewPolicy returns what a policy would do with the values of an edit. It stores nothing. Faults of
// the edit are its error; a heartbeat that does not exist is the fault of the field try_heartbeat.
func (svc *Service) PreviewPolicy(ctx context.Context, a auth.Actor, t PolicyTrial) (v PolicyPreview, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return v, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		who, err := audience(tx, a.Project.Key)
		if err != nil {
			return err
		}
		v = PolicyPreview{}
		p := monitor.Policy{Project: a.Project.Key}
		if t.Policy != "" {
			if p, err = findPolicy(who.Policies, t.Policy); err != nil {
				return err
			}
		}
		h := monitor.Heartbeat{Project: a.Project.Key}
		if name := strings.TrimSpace(t.Heartbeat); name != "" {
			if h, err = findNamedHeartbeat(tx, a, name); err != nil {
				return err
			}
			v.Heartbeat, v.Rule = h.Name, h.NotifyRule(who)
		}
		if v.Policy, err = t.Edit.apply(p, who.Policies, who.Channels); err != nil {
			return err
		}
		who.Policies = []monitor.Policy{v.Policy}
		using := monitor.Heartbeat{Project: a.Project.Key, AllChannels: true, Policy: v.Policy.Slug}
		v.Plan = using.NotificationPlan(who)
		h.AllChannels, h.Channels, h.Policy = true, nil, v.Policy.Slug
		v.Alerts = h.PlannedAlerts(who, t.At)
		return nil
	})
	return v, err
}

// findNamedHeartbeat returns the heartbeat with a slug, an id, a ref or a name that only it has.
func findNamedHeartbeat(tx *store.Tx, a auth.Actor, name string) (monitor.Heartbeat, error) {
	if !isSearchable(name) {
		return monitor.Heartbeat{}, noHeartbeatToTry(name)
	}
	if h, err := tx.HeartbeatWithSlug(a.Project.Key, name); err == nil {
		return h, nil
	}
	found, err := tx.Heartbeats(store.HeartbeatFilter{Project: a.Project.Key, Text: name, SearchIDs: a.SeesPingURLs(), Limit: MaxLimit})
	if err != nil {
		return monitor.Heartbeat{}, err
	}
	named := slices.DeleteFunc(found, func(h monitor.Heartbeat) bool { return h.Name != name })
	if len(named) != 1 {
		return monitor.Heartbeat{}, noHeartbeatToTry(name)
	}
	return named[0], nil
}

func noHeartbeatToTry(name string) error {
	return monitor.Faults{monitor.Faultf(monitor.Invalid, "try_heartbeat", "No heartbeat has the slug, or alone has the name, %s.", shortenDiffValue(name))}
}

// PolicyDeletion describes in sentences what the deletion of a policy changes.
func (svc *Service) PolicyDeletion(ctx context.Context, a auth.Actor, name string) (p PolicyDetail, text string, err error) {
	list, err := svc.PolicyDetails(ctx, a)
	if err != nil {
		return p, "", err
	}
	i := slices.IndexFunc(list, func(p PolicyDetail) bool { return p.Slug == name || p.ID == name })
	if i < 0 {
		return p, "", notFound("policy")
	}
	p = list[i]
	var left []monitor.Policy
	for _, other := range slices.Delete(list, i, i+1) {
		left = append(left, other.Policy)
	}
	var sentences []string
	if p.Naming > 0 {
		sentences = append(sentences, afterDeletion(p.Naming, left)+".")
	}
	switch n := p.Heartbeats - p.Naming; {
	case n == 1:
		sentences = append(sentences, "It is the default policy of 1 heartbeat, which would notify all channels of the project at once.")
	case n > 1:
		sentences = append(sentences, fmt.Sprintf("It is the default policy of %d heartbeats, which would notify all channels of the project at once.", n))
	}
	if len(sentences) == 0 {
		sentences = append(sentences, "No heartbeat uses it.")
	}
	return p, strings.Join(append(sentences, "Open incidents keep the steps that they began with."), " "), nil
}

// PolicyDetail is a policy with the number of heartbeats that it applies to.
type PolicyDetail struct {
	monitor.Policy
	Heartbeats int // of the project, that name it or for which it is the default
	Naming     int // that name it
}

// PolicyDetails lists the escalation policies of the project, by slug, with their heartbeats.
func (svc *Service) PolicyDetails(ctx context.Context, a auth.Actor) (list []PolicyDetail, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
		policies, err := tx.Policies(a.Project.Key)
		if err != nil {
			return err
		}
		routing, err := tx.ChannelRouting(a.Project.Key)
		list = nil
		for _, p := range policies {
			d := PolicyDetail{p, routing.ByPolicy[p.Slug], routing.ByPolicy[p.Slug]}
			if p.Default {
				d.Heartbeats += routing.AllChannels
			}
			list = append(list, d)
		}
		return err
	})
	return list, err
}

// PolicyDetail returns the policy with a slug or an id, with its heartbeats.
func (svc *Service) PolicyDetail(ctx context.Context, a auth.Actor, name string) (PolicyDetail, error) {
	list, err := svc.PolicyDetails(ctx, a)
	for _, p := range list {
		if p.Slug == name || p.ID == name {
			return p, nil
		}
	}
	return PolicyDetail{}, cmp.Or(err, notFound("policy"))
}

// Audience returns the channels of the project, without their settings, and its policies.
func (svc *Service) Audience(ctx context.Context, a auth.Actor) (who monitor.Audience, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return who, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		who, err = audience(tx, a.Project.Key)
		return err
	})
	return who, err
}

// HeartbeatsWithoutRule counts the heartbeats that name no channels and no policy.
func (svc *Service) HeartbeatsWithoutRule(ctx context.Context, a auth.Actor) (n int, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return 0, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) error {
		routing, err := tx.ChannelRouting(a.Project.Key)
		n = routing.AllChannels
		return err
	})
	return n, err
}

// PolicyAuditTarget names a policy in the audit log.
func PolicyAuditTarget(p monitor.Policy) string { return policyLabel(p) }

// audience returns who can receive the alerts of a project.
func audience(tx *store.Tx, project int64) (who monitor.Audience, err error) {
	if who.Channels, err = tx.ChannelRoutes(project); err != nil {
		return who, err
	}
	who.Policies, err = tx.Policies(project)
	return who, err
}
