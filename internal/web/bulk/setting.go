package bulk

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/ui"
)

// Values of the settings "paused" and "tag".
const (
	valueYes = "yes"
	valueNo  = "no"
)

// allChannels is the value of the setting "channels" for a heartbeat that names no channels and no policy.
const allChannels = "all"

// policyPrefix begins the value of the setting "channels" of a heartbeat that names a policy.
const policyPrefix = "policy:"

// Parse returns the action that a form selects with do.
func Parse(do string, form url.Values) (Action, error) {
	tag := strings.Join(strings.Fields(form.Get("tag")), " ") // as it is stored
	grace := strings.TrimSpace(form.Get("grace"))
	if do == "" { // Enter in a field
		switch {
		case tag != "" && grace == "":
			do = "tag"
		case grace != "" && tag == "":
			do = "grace"
		}
	}
	switch do {
	case "pause":
		return Action{"Paused", paused, valueYes}, nil
	case "unmute":
		return Action{"Unmuted", muted, ""}, nil
	case "resume":
		return Action{"Resumed", paused, valueNo}, nil
	case "tag", "untag":
		if tag == "" {
			return Action{}, invalid("The tag is empty. Go back and enter a tag.")
		}
		if do == "tag" {
			return Action{"Tagged", hasTag(tag), valueYes}, nil
		}
		return Action{"Removed the tag of", hasTag(tag), valueNo}, nil
	case "grace":
		if grace == "" {
			return Action{}, invalid("The grace period is empty. Go back and enter one, for example 10m.")
		}
		return Action{"Set the grace period of", gracePeriod, grace}, nil
	case "severity":
		return Action{"Set the severity of", severity, form.Get("severity")}, nil
	case "channels":
		if len(form["channel"]) == 0 {
			return Action{}, invalid("No channel was chosen. Go back and choose at least one.")
		}
		return Action{"Set the channels of", channels, strings.Join(form["channel"], ",")}, nil
	case "all-channels":
		return Action{"Set the channels of", channels, allChannels}, nil
	}
	return Action{}, invalid("No action was chosen. Go back and choose one.")
}

func invalid(text string) error { return monitor.Faultf(monitor.Invalid, "", "%s", text) }

// settingByName returns the setting of an undo.
func settingByName(name, tag string) (setting, bool) {
	if name == "tag" && tag != "" {
		return hasTag(tag), true
	}
	for _, s := range []setting{paused, muted, gracePeriod, severity, channels} {
		if s.name == name {
			return s, true
		}
	}
	return setting{}, false
}

func yesNo(yes bool) string {
	if yes {
		return valueYes
	}
	return valueNo
}

var paused = setting{
	name:  "paused",
	value: func(h monitor.Heartbeat) string { return yesNo(h.Status == monitor.Paused) },
	set: func(ctx context.Context, svc *manage.Service, a auth.Actor, ref, value string) (monitor.Heartbeat, error) {
		if value == valueYes {
			return svc.PauseHeartbeat(ctx, a, ref)
		}
		return svc.ResumeHeartbeat(ctx, a, ref)
	},
}

// Mute returns the action that mutes the alerts of heartbeats until a time, the zero time for no end.
func Mute(until time.Time) Action {
	if until.IsZero() {
		until = monitor.MutedUntilUnmuted
	}
	return Action{"Muted", muted, until.UTC().Format(time.RFC3339Nano)}
}

var muted = setting{
	name: "muted",
	value: func(h monitor.Heartbeat) string {
		if h.MutedUntil.IsZero() {
			return ""
		}
		return h.MutedUntil.UTC().Format(time.RFC3339Nano)
	},
	set: func(ctx context.Context, svc *manage.Service, a auth.Actor, ref, value string) (monitor.Heartbeat, error) {
		until, err := time.Parse(time.RFC3339Nano, value)
		switch {
		case err != nil, !until.After(svc.Now().Add(time.Minute)): // not muted, or no longer
			return svc.UnmuteHeartbeat(ctx, a, ref)
		case until.Equal(monitor.MutedUntilUnmuted):
			return svc.MuteHeartbeat(ctx, a, ref, manage.QuietPeriod{})
		}
		return svc.MuteHeartbeat(ctx, a, ref, manage.QuietPeriod{Until: &value})
	},
}

var gracePeriod = setting{
	name:  "grace",
	value: func(h monitor.Heartbeat) string { return ui.ExactDuration(h.Rule.Grace) },
	set: func(ctx context.Context, svc *manage.Service, a auth.Actor, ref, value string) (monitor.Heartbeat, error) {
		return svc.ChangeHeartbeat(ctx, a, ref, manage.HeartbeatEdit{Grace: &value})
	},
}

var severity = setting{
	name:  "severity",
	value: func(h monitor.Heartbeat) string { return string(h.Severity) },
	set: func(ctx context.Context, svc *manage.Service, a auth.Actor, ref, value string) (monitor.Heartbeat, error) {
		return svc.ChangeHeartbeat(ctx, a, ref, manage.HeartbeatEdit{Severity: &value})
	},
}

var channels = setting{
	name: "channels",
	value: func(h monitor.Heartbeat) string {
		switch {
		case h.AllChannels && h.Policy != "":
			return policyPrefix + h.Policy
		case h.AllChannels:
			return allChannels
		}
		return strings.Join(slices.Sorted(slices.Values(h.Channels)), ",")
	},
	set: func(ctx context.Context, svc *manage.Service, a auth.Actor, ref, value string) (monitor.Heartbeat, error) {
		var chosen []string // nil: all
		policy, named := strings.CutPrefix(value, policyPrefix)
		if !named {
			policy = ""
		}
		if value != allChannels && !named {
			chosen = slices.DeleteFunc(strings.Split(value, ","), func(id string) bool { return id == "" })
		}
		return svc.ChangeHeartbeat(ctx, a, ref, manage.HeartbeatEdit{Channels: &chosen, Policy: &policy})
	},
}

// hasTag is the setting whether a heartbeat has a tag.
func hasTag(tag string) setting {
	return setting{
		name: "tag", tag: tag,
		value: func(h monitor.Heartbeat) string { return yesNo(slices.Contains(h.Tags, tag)) },
		set: func(ctx context.Context, svc *manage.Service, a auth.Actor, ref, value string) (monitor.Heartbeat, error) {
			h, err := svc.Heartbeat(ctx, a, ref)
			if err != nil || yesNo(slices.Contains(h.Tags, tag)) == value {
				return h, err
			}
			tags := slices.DeleteFunc(slices.Clone(h.Tags), func(t string) bool { return t == tag })
			if value == valueYes {
				tags = append(tags, tag)
			}
			return svc.ChangeHeartbeat(ctx, a, ref, manage.HeartbeatEdit{Tags: &tags})
		},
	}
}
