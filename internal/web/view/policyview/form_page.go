package policyview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// FormPage is a new policy, or an existing one: a form, or its steps for people who cannot change it.
type FormPage struct {
	layout.Shell
	ID         string // empty for a new policy
	Key        string // slug or id in its address
	Title      string // its saved name
	Default    bool
	Heartbeats int // that it applies to
	Naming     int // that name it
	Deletion   string
	Form       FormValues
	Preview    Preview
	Beats      []ui.Option // heartbeats to try; Value is the slug

	Version, OriginalValues string // of the edited policy, see [ui.VersionField]
}

// FormValues are the values of the form.
type FormValues struct {
	Name, Slug  ui.Input
	MakeDefault bool // of a new policy
	Steps       []Step
	StepsError  string
	Repeat      ui.Input // time between reminders after the last step
	Heartbeat   ui.Input // to try
	At          ui.Input
}

// Step is one step of the form.
type Step struct {
	After    ui.Input
	Channels []ChannelOption
	Error    string
}

// ChannelOption is a channel that a step can notify.
type ChannelOption struct {
	ID, Name, Kind string
	Selected       bool
}

// StepField is the name of a control of a step, which counts from 0.
func StepField(name string, step int) string { return name + "." + ui.Itoa(step) }

// The values of the buttons "do" of the form, followed by the number of a step.
const (
	ButtonAdd      = "add"
	ButtonRemove   = "remove:"
	ButtonMoveUp   = "up:"
	ButtonMoveDown = "down:"
)

// MaxSteps is the maximum number of steps of the form.
const MaxSteps = 10

func (p FormPage) title() string { return ui.If(p.ID == "", "New policy", p.Title) }

// action returns the address that the form is sent to.
func (p FormPage) action() string {
	if p.ID == "" {
		return paths.Policies
	}
	return paths.Policy(p.Key)
}

// usage describes how many heartbeats the policy applies to.
func (p FormPage) usage() string {
	switch {
	case p.ID == "":
		return "A heartbeat uses a policy if it names it, or if the policy is the default."
	case p.Heartbeats == 0:
		return "No heartbeat uses it. Choose it in the form of a heartbeat, or make it the default."
	case p.Default && p.Naming == 0:
		return "The default policy. It applies to " + ui.Plural(p.Heartbeats, "heartbeat") + "."
	case p.Default:
		return "The default policy. It applies to " + ui.Plural(p.Heartbeats, "heartbeat") + ", of which " + ui.Count(p.Naming) + ui.If(p.Naming == 1, " names it.", " name it.")
	}
	return "It applies to " + ui.Plural(p.Heartbeats, "heartbeat") + ui.If(p.Heartbeats == 1, ", which names it.", ", which name it.")
}

func (f FormValues) name(focus bool) ui.Control {
	return ui.Control{ID: "name", Name: "name", Label: "Name", In: f.Name, Required: true, MaxLength: 100, Autocomplete: "off", Autofocus: focus, KeepErrorElement: true}
}

func (f FormValues) slug() ui.Control {
	return ui.Control{ID: "slug", Name: "slug", Label: "Slug", In: f.Slug, MaxLength: 100, Autocomplete: "off", Verbatim: true, Optional: true, KeepErrorElement: true, Hint: "Short name for scripts and the address of this page. Empty: made from the name."}
}

func (f FormValues) repeat() ui.Control {
	return ui.Control{
		ID: "repeat", Name: "repeat", Label: "Then remind every", In: f.Repeat, Class: "input-short", Placeholder: "never", Autocomplete: "off", KeepErrorElement: true,
		Hint: "The channels of the last step, while the incident is open and no one acknowledges it.",
	}
}

func (f FormValues) heartbeat() ui.Control {
	return ui.Control{ID: "try-heartbeat", Name: "try_heartbeat", Label: "Heartbeat", In: f.Heartbeat, DataList: "beats", Placeholder: "any", Autocomplete: "off", Verbatim: true, KeepErrorElement: true}
}

func (f FormValues) at() ui.Control {
	return ui.Control{ID: "try-at", Name: "try_at", Label: "Goes Down at", In: f.At, Type: "datetime-local", KeepErrorElement: true, Hint: "Empty: now."}
}

// after is the control of the delay of a step.
func (s Step) after(step int) ui.Control {
	return ui.Control{
		ID: "after-" + ui.Itoa(step), Name: StepField("after", step), Label: "Delay of step " + ui.Itoa(step+1), In: s.After, HideLabel: true,
		Placeholder: "15m", Autocomplete: "off", Class: "input-short", KeepErrorElement: true,
	}
}

// previewedControls lists the controls whose errors the preview updates.
func (f FormValues) previewedControls() []ui.Control {
	all := []ui.Control{f.name(false), f.slug(), f.repeat(), f.heartbeat(), f.at()}
	for n, s := range f.Steps[min(1, len(f.Steps)):] {
		all = append(all, s.after(n+1))
	}
	return all
}

func stepErrorID(step int) string { return "step-" + ui.Itoa(step) + "-e" }
