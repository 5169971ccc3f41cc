package monitor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// Policy is an escalation policy of a project: who is notified of an incident, and when, while no one
// acknowledges it.
type Policy struct {
	ID       string
	Project  int64
	Slug     string // unique in the project
	Name     string
	Default  bool // applies to the heartbeats of the project that name no channels and no policy
	Steps    []PolicyStep
	Created  time.Time
	Revision int64 // counts its edits, from 1
}

// PolicyStep is one step of a policy. The first one is at the opening of the incident, and each is
// later than the one before.
type PolicyStep struct {
	After    time.Duration `json:"after"`    // since the opening
	Channels []string      `json:"channels"` // ids
	// RepeatEvery repeats the last step as reminders; 0: no reminders.
	RepeatEvery time.Duration `json:"repeat_every,omitempty"`
}

// MaxPolicySteps is the maximum number of steps of a policy.
const MaxPolicySteps = 10

// MaxStepDelay is the maximum time from the opening of an incident to a step, and between reminders.
const MaxStepDelay = 7 * 24 * time.Hour

// Escalation describes an alert that a later step of a policy sends. The alert contains it, so an edit
// of the policy does not change it.
type Escalation struct {
	Policy      string // name
	Step        int    // from 1
	After       time.Duration
	RepeatEvery time.Duration // of a reminder; 0: it is sent once
}

// escalationPrefix begins the subject of an alert that a step sends.
const escalationPrefix = "step"

// Encode returns the escalation as the subject of an alert.
func (e Escalation) Encode() string {
	return fmt.Sprintf("%s %d %d %d %s", escalationPrefix, e.Step, int64(e.After), int64(e.RepeatEvery), e.Policy)
}

// Explain describes why the alert is sent. It is a part of a sentence.
func (e Escalation) Explain() string {
	if e.RepeatEvery > 0 {
		return fmt.Sprintf("not acknowledged (reminder every %s, step %d of policy %s)", schedule.FormatDuration(e.RepeatEvery), e.Step, e.Policy)
	}
	return fmt.Sprintf("not acknowledged for %s (step %d of policy %s)", schedule.FormatDuration(e.After), e.Step, e.Policy)
}

// EndedSteps describes that later steps of a policy do not take place because the incident was
// acknowledged or resolved.
func EndedSteps(steps []Escalation, how string) string {
	if len(steps) == 0 {
		return ""
	}
	alerts := "1 later alert"
	if len(steps) > 1 {
		alerts = fmt.Sprintf("%d later alerts", len(steps))
	}
	return fmt.Sprintf("The incident was %s: %s of policy %s will not be sent.", how, alerts, steps[0].Policy)
}

// Escalation returns the step that sends the alert, and false if no later step of a policy does.
func (a Alert) Escalation() (e Escalation, ok bool) {
	parts := strings.SplitN(a.Subject, " ", 5)
	if len(parts) < 5 || parts[0] != escalationPrefix || a.Event != IncidentOpened && a.Event != IncidentReminder {
		return e, false
	}
	var numbers [3]int64
	for i := range numbers {
		n, err := strconv.ParseInt(parts[i+1], 10, 64)
		if err != nil {
			return e, false
		}
		numbers[i] = n
	}
	return Escalation{parts[4], int(numbers[0]), time.Duration(numbers[1]), time.Duration(numbers[2])}, true
}

// Notification is one planned notification of a channel about an incident, counted from its opening.
type Notification struct {
	Channel    Channel
	Event      Event         // IncidentOpened or IncidentReminder
	After      time.Duration // since the opening, without acknowledgement
	Escalation Escalation    // its Step is 0 if no policy sends it, or the first step does
	Why        string        // why the channel is notified, as a part of a sentence
}

// RepeatEvery returns the time until the reminder is repeated, 0 if it is sent once.
func (n Notification) RepeatEvery() time.Duration {
	if n.Escalation.Step == 0 && n.Event == IncidentReminder {
		return n.Channel.RemindEvery
	}
	return n.Escalation.RepeatEvery
}

// NotificationPlan returns who is notified of an incident of the heartbeat that is neither
// acknowledged nor resolved, and when: at the opening first, then in the order of time. A channel gets
// one opening, so that it also gets one resolution; later steps remind it. Reminders that repeat are
// listed once.
//
//	the heartbeat names channels that exist    these, at the opening
//	the heartbeat names a policy that exists   the steps of the policy
//	the project has a default policy           the steps of the policy
//	otherwise                                  all channels of the project, at the opening
//
// A later step without an existing channel is skipped. If the first step has none, all
// channels of the project are notified instead: the heartbeat was not meant to be silent.
func (h Heartbeat) NotificationPlan(who Audience) []Notification {
	rule := h.NotifyRule(who)
	if rule.Policy != nil {
		return rule.Policy.plan(h, who.Channels)
	}
	why := "the heartbeat names the channel"
	switch {
	case rule.Kind == NotifyAllChannels && !h.AllChannels:
		why = "all channels that the heartbeat names were deleted"
	case rule.Kind == NotifyAllChannels && h.Policy != "":
		why = "the policy " + h.Policy + " of the heartbeat does not exist, so alerts go to all channels of the project"
	case rule.Kind == NotifyAllChannels:
		why = "alerts of the heartbeat go to all channels of the project"
	}
	var plan []Notification
	for _, c := range who.Channels {
		if c.Project == h.Project && (rule.Kind == NotifyAllChannels || h.RoutesTo(c)) {
			plan = append(plan, c.notifications(why)...)
		}
	}
	return plan
}

// notifications returns what a channel gets at the opening, and its own reminders.
func (c Channel) notifications(why string) []Notification {
	plan := []Notification{{Channel: c, Event: IncidentOpened, Why: why}}
	if c.RemindEvery > 0 {
		plan = append(plan, Notification{
			Channel: c, Event: IncidentReminder, After: c.RemindEvery,
			Why: "the channel repeats alerts every " + schedule.FormatDuration(c.RemindEvery),
		})
	}
	return plan
}

// plan returns the notifications of the policy.
func (p *Policy) plan(h Heartbeat, channels []Channel) (plan []Notification) {
	notified := map[string]bool{}
	for n, step := range p.Steps {
		named, why := step.among(h.Project, channels), fmt.Sprintf("step %d of policy %s", n+1, p.Name)
		if n == 0 && len(named) == 0 {
			named, why = channels, "all channels of the first step of policy "+p.Name+" were deleted"
		}
		for _, c := range named {
			if c.Project == h.Project {
				plan = append(plan, p.notifications(n, c, notified[c.ID], why)...)
				notified[c.ID] = true
			}
		}
	}
	slices.SortStableFunc(plan, func(a, b Notification) int { return int(min(1, max(-1, a.After-b.After))) })
	return plan
}

// notifications returns what a channel gets from one step, and the first of its reminders.
func (p *Policy) notifications(step int, c Channel, again bool, why string) (plan []Notification) {
	s := p.Steps[step]
	one := Notification{Channel: c, Event: IncidentOpened, After: s.After, Why: why}
	if again {
		one.Event = IncidentReminder
	}
	if s.After > 0 {
		one.Escalation = Escalation{Policy: p.Name, Step: step + 1, After: s.After}
	}
	plan = append(plan, one)
	if step == len(p.Steps)-1 && s.RepeatEvery > 0 {
		one.Event, one.After = IncidentReminder, s.After+s.RepeatEvery
		one.Escalation = Escalation{Policy: p.Name, Step: step + 1, After: s.After, RepeatEvery: s.RepeatEvery}
		one.Why = why + ", repeated every " + schedule.FormatDuration(s.RepeatEvery)
		plan = append(plan, one)
	}
	return plan
}

// among returns the channels of the step that exist.
func (s PolicyStep) among(project int64, channels []Channel) (found []Channel) {
	for _, c := range channels {
		if c.Project == project && slices.Contains(s.Channels, c.ID) {
			found = append(found, c)
		}
	}
	return found
}

// Validate returns what is wrong with the steps, and the number of the step from 0. ids are the
// channels of the project.
func (p Policy) Validate(ids []string) (step int, problem string) {
	if len(p.Steps) == 0 || len(p.Steps) > MaxPolicySteps {
		return 0, fmt.Sprintf("A policy must have 1 to %d steps.", MaxPolicySteps)
	}
	for n, s := range p.Steps {
		switch {
		case n == 0 && s.After != 0:
			problem = "The first step must be at the opening of the incident: set after to 0s."
		case n > 0 && s.After <= p.Steps[n-1].After:
			problem = fmt.Sprintf("Step %d must be later than step %d.", n+1, n)
		case s.After > MaxStepDelay || s.RepeatEvery > MaxStepDelay:
			problem = "A step and the time between reminders can be at most 7 days."
		case s.RepeatEvery != 0 && n < len(p.Steps)-1:
			problem = "Only the last step can repeat."
		case s.RepeatEvery != 0 && s.RepeatEvery < time.Minute:
			problem = "Reminders can be at most once a minute."
		case len(s.Channels) == 0:
			problem = fmt.Sprintf("Step %d must name at least one channel.", n+1)
		}
		for _, id := range s.Channels {
			if problem == "" && !slices.Contains(ids, id) {
				problem = fmt.Sprintf("Step %d names a channel that does not exist: %s.", n+1, id)
			}
		}
		if problem != "" {
			return n, problem
		}
	}
	return 0, ""
}
