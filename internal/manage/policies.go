package manage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maxPolicies is the maximum number of policies of a project.
const maxPolicies = 20

// PolicyStepEdit is one step of a policy as typed.
type PolicyStepEdit struct {
	After       string // a duration
	Channels    []string
	RepeatEvery string // a duration; empty: no reminders
}

// PolicyEdit contains the new values of a policy. A nil value keeps the current one, or sets the
// default of a new policy.
type PolicyEdit struct {
	Name, Slug *string
	Default    *bool
	Steps      *[]PolicyStepEdit

	// IfVersion lists the versions that the edit may replace, see [PolicyVersion]. Empty: any.
	IfVersion []string

	// InputFaults are faults that the caller found while it decoded the input.
	InputFaults monitor.Faults
}

// PolicyVersion returns the version of a policy.
func PolicyVersion(p monitor.Policy) string { return strconv.FormatInt(p.Revision, 10) }

// policyLabel names a policy in the audit log.
func policyLabel(p monitor.Policy) string { return p.Name + " (" + p.Slug + ")" }

// Policies lists the escalation policies of the project, by slug.
func (svc *Service) Policies(ctx context.Context, a auth.Actor) (list []monitor.Policy, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		list, err = tx.Policies(a.Project.Key)
		return err
	})
	return list, err
}

// findPolicy returns the policy with a slug or an id.
func findPolicy(list []monitor.Policy, name string) (monitor.Policy, error) {
	for _, p := range list {
		if p.Slug == name || p.ID == name {
			return p, nil
		}
	}
	return monitor.Policy{}, notFound("policy")
}

// Policy returns the policy with a slug or an id.
func (svc *Service) Policy(ctx context.Context, a auth.Actor, name string) (monitor.Policy, error) {
	list, err := svc.Policies(ctx, a)
	if err != nil {
		return monitor.Policy{}, err
	}
	return findPolicy(list, name)
}

// CreatePolicy creates a policy. Name and steps are required; the default slug comes from the name.
func (svc *Service) CreatePolicy(ctx context.Context, a auth.Actor, e PolicyEdit) (monitor.Policy, error) {
	return svc.savePolicy(ctx, a, e, func(list []monitor.Policy, now time.Time) (monitor.Policy, error) {
		if len(list) >= maxPolicies {
			return monitor.Policy{}, limitReached("name", maxPolicies, "policies in this project", "Delete one that you no longer need.")
		}
		return monitor.Policy{Project: a.Project.Key, Created: now}, nil
	})
}

// ChangePolicy sets the values of the edit. Open incidents keep the steps that they began with.
func (svc *Service) ChangePolicy(ctx context.Context, a auth.Actor, name string, e PolicyEdit) (monitor.Policy, error) {
	return svc.savePolicy(ctx, a, e, func(list []monitor.Policy, _ time.Time) (monitor.Policy, error) {
		p, err := findPolicy(list, name)
		if err == nil {
			err = checkVersion(PolicyVersion(p), e.IfVersion)
		}
		return p, err
	})
}

// savePolicy applies an edit to the policy that find returns, and stores it. Heartbeats that name the
// policy follow a new slug.
func (svc *Service) savePolicy(ctx context.Context, a auth.Actor, e PolicyEdit, find func([]monitor.Policy, time.Time) (monitor.Policy, error)) (p monitor.Policy, err error) {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return p, err
	}
	now := svc.currentTime()
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		if err := e.lockHeartbeats(tx, a, now, find); err != nil {
			return s, err
		}
		list, err := tx.LockPolicies(a.Project.Key)
		if err != nil {
			return s, err
		}
		before, err := find(list, now)
		if err != nil {
			return s, err
		}
		channels, err := tx.ChannelRoutes(a.Project.Key)
		if err != nil {
			return s, err
		}
		if p, err = e.apply(before, list, channels); err != nil {
			return s, err
		}
		action, diff := "policy.create", ""
		if before.ID != "" {
			if action, diff = "policy.change", policyDiff(before, p, channels); diff == "" {
				return s, nil
			}
		}
		if p.Slug != before.Slug && before.ID != "" {
			if err := tx.ReplacePolicyOfHeartbeats(a.Project.Key, before.Slug, p.Slug); err != nil {
				return s, err
			}
		}
		if p, err = tx.SavePolicy(p); err != nil {
			return s, err
		}
		return s, writeAudit(tx, a, now, auditEntry{action, policyLabel(p), diff})
	})
	return p, err
}

// lockHeartbeats locks the heartbeats that name the policy, if the edit sets its slug.
func (e PolicyEdit) lockHeartbeats(tx *store.Tx, a auth.Actor, now time.Time, find func([]monitor.Policy, time.Time) (monitor.Policy, error)) error {
	if e.Slug == nil {
		return nil
	}
	list, err := tx.Policies(a.Project.Key)
	if err != nil {
		return err
	}
	before, err := find(list, now)
	if err != nil || before.Slug == *e.Slug || before.ID == "" {
		return err
	}
	_, err = tx.LockHeartbeatsOfPolicy(a.Project.Key, before.Slug)
	return err
}

// DeletePolicy deletes a policy. If heartbeats name it, this fails unless replace is set: the rules for
// heartbeats without a policy then apply to them, so that none of them is silent. ifVersion lists the
// versions that can be deleted; empty: any.
func (svc *Service) DeletePolicy(ctx context.Context, a auth.Actor, name string, replace bool, ifVersion []string) error {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return err
	}
	now := svc.currentTime()
	return svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		list, err := tx.Policies(a.Project.Key)
		if err != nil {
			return s, err
		}
		p, err := findPolicy(list, name)
		if err != nil {
			return s, err
		}
		n, err := tx.LockHeartbeatsOfPolicy(a.Project.Key, p.Slug)
		if err != nil {
			return s, err
		}
		if list, err = tx.LockPolicies(a.Project.Key); err != nil {
			return s, err
		}
		if p, err = findPolicy(list, p.ID); err != nil {
			return s, err
		}
		if err := checkVersion(PolicyVersion(p), ifVersion); err != nil {
			return s, err
		}
		detail := ""
		if n > 0 {
			left := slices.DeleteFunc(slices.Clone(list), func(other monitor.Policy) bool { return other.ID == p.ID })
			if detail = afterDeletion(n, left); !replace {
				return s, monitor.Faultf(monitor.Conflict, "", "%s. Give them another policy, or confirm the deletion (API: replace=true, command line: --replace).", detail)
			}
		}
		if err := tx.ReplacePolicyOfHeartbeats(a.Project.Key, p.Slug, ""); err != nil {
			return s, err
		}
		if err := tx.DeletePolicy(p); err != nil {
			return s, err
		}
		return s, writeAudit(tx, a, now, auditEntry{"policy.delete", policyLabel(p), detail})
	})
}

// afterDeletion describes who is notified of incidents of n heartbeats if the policy that they name is
// deleted and the other ones of the project are left. It has no full stop.
func afterDeletion(n int, left []monitor.Policy) string {
	rule := monitor.Heartbeat{AllChannels: true}.NotifyRule(monitor.Audience{Policies: left})
	if len(left) > 0 {
		rule = monitor.Heartbeat{Project: left[0].Project, AllChannels: true}.NotifyRule(monitor.Audience{Policies: left})
	}
	text, then := fmt.Sprintf("%d heartbeats name the policy", n), "would notify all channels of the project at once"
	if n == 1 {
		text = "1 heartbeat names the policy"
	}
	if rule.Policy != nil {
		then = "would use the default policy " + rule.Policy.Name
	}
	return text + " and " + then
}

// apply returns p with the values of the edit.
func (e PolicyEdit) apply(p monitor.Policy, list []monitor.Policy, channels []monitor.Channel) (monitor.Policy, error) {
	v := &validator{}
	for _, fault := range e.InputFaults {
		v.add(fault)
	}
	if e.Name != nil || p.ID == "" {
		name := ""
		if e.Name != nil {
			name = *e.Name
		}
		p.Name = v.singleLine("name", "name", name, maxNameLength)
	}
	if e.Slug != nil {
		p.Slug = *e.Slug
	} else if p.ID == "" {
		p.Slug = SlugFromName(p.Name)
	}
	v.slug(p.Slug)
	for _, other := range list {
		if other.Slug == p.Slug && other.ID != p.ID {
			v.add(monitor.Faultf(monitor.Conflict, "slug", "The slug %s belongs to the policy %s: choose another one.", p.Slug, other.Name))
		}
	}
	if e.Default != nil {
		p.Default = *e.Default
	}
	if e.Steps != nil || p.ID == "" {
		p.Steps = e.steps(v, channels)
	}
	return p, v.err()
}

// steps returns the steps of the edit.
func (e PolicyEdit) steps(v *validator, channels []monitor.Channel) (steps []monitor.PolicyStep) {
	if e.Steps != nil {
		for n, s := range *e.Steps {
			field := fmt.Sprintf("steps.%d", n)
			step := monitor.PolicyStep{After: v.duration(field+".after", s.After, 0), Channels: s.Channels}
			if s.RepeatEvery != "" {
				step.RepeatEvery = v.duration(field+".repeat_every", s.RepeatEvery, time.Minute)
			}
			steps = append(steps, step)
		}
	}
	var ids []string
	for _, c := range channels {
		ids = append(ids, c.ID)
	}
	if v.err() == nil {
		if n, problem := (monitor.Policy{Steps: steps}).Validate(ids); problem != "" {
			v.reject(fmt.Sprintf("steps.%d", n), "%s", problem)
		}
	}
	return steps
}

// policyDiff is channelDiff for policies.
func policyDiff(before, after monitor.Policy, channels []monitor.Channel) string {
	return formatDiff([]settingChange{
		{"name", before.Name, after.Name},
		{"slug", before.Slug, after.Slug},
		{"default", strconv.FormatBool(before.Default), strconv.FormatBool(after.Default)},
		{"steps", formatSteps(before.Steps, channels), formatSteps(after.Steps, channels)},
	})
}

// formatSteps formats the steps of a policy for the audit log.
func formatSteps(steps []monitor.PolicyStep, channels []monitor.Channel) string {
	names := map[string]string{}
	for _, c := range channels {
		names[c.ID] = c.Name
	}
	var all []string
	for _, s := range steps {
		var to []string
		for _, id := range s.Channels {
			name := names[id]
			if name == "" {
				name = "a deleted channel"
			}
			to = append(to, name)
		}
		text := "at once"
		if s.After > 0 {
			text = "after " + formatDuration(s.After)
		}
		text += ": " + strings.Join(to, ", ")
		if s.RepeatEvery > 0 {
			text += " every " + formatDuration(s.RepeatEvery)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// NotificationPlan returns who is notified of an incident of a heartbeat that opens now, and the rule
// that decides it.
func (svc *Service) NotificationPlan(ctx context.Context, a auth.Actor, idOrRef string) (plan []monitor.Notification, rule monitor.NotifyRule, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return nil, rule, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		h, err := findHeartbeat(tx, a, idOrRef)
		if err != nil {
			return err
		}
		who, err := audience(tx, a.Project.Key)
		plan, rule = h.NotificationPlan(who), h.NotifyRule(who)
		return err
	})
	return plan, rule, err
}
