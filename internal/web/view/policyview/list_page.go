package policyview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// ListPage lists the policies of a project.
type ListPage struct {
	layout.Shell
	Policies        []Policy
	AllChannels     int // heartbeats that no policy applies to and that name no channels
	ProjectChannels int
}

// Policy is one line of the list.
type Policy struct {
	Key        string // slug or id in its address
	Name, Slug string
	Default    bool
	Heartbeats int // that it applies to
	Naming     int // that name it
	Steps      []StepLine
}

// StepLine is one step in words.
type StepLine struct{ When, Channels string }

// hasDefault reports whether the project has a default policy.
func (p ListPage) hasDefault() bool {
	for _, one := range p.Policies {
		if one.Default {
			return true
		}
	}
	return false
}

// without describes who is notified of incidents of heartbeats without channels and without a policy.
func (p ListPage) without() string {
	return "Heartbeats that name no channels and no policy notify all channels of the project at once: " + ui.Plural(p.AllChannels, "heartbeat") + ", " + ui.Plural(p.ProjectChannels, "channel") + "."
}
