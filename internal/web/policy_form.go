package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/present"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/policyview"
	"overdue/internal/web/view/ui"
)

// typedStep is one step of a submitted form.
type typedStep struct {
	after    string
	channels []string
}

// maxTriedHeartbeats is the number of heartbeats that the form suggests to try.
const maxTriedHeartbeats = 50

// submittedSteps returns the steps of the form, after the button that adds, removes or moves one.
func (req *request) submittedSteps() []typedStep {
	n, _ := strconv.Atoi(req.formValue("steps"))
	steps := make([]typedStep, min(max(n, 1), policyview.MaxSteps))
	for i := range steps {
		steps[i] = typedStep{req.formValue(policyview.StepField("after", i)), req.r.PostForm[policyview.StepField("channel", i)]}
	}
	do := req.formValue("do")
	if do == policyview.ButtonAdd && len(steps) < policyview.MaxSteps {
		return append(steps, typedStep{})
	}
	for _, button := range []string{policyview.ButtonRemove, policyview.ButtonMoveUp, policyview.ButtonMoveDown} {
		number, pressed := strings.CutPrefix(do, button)
		i, err := strconv.Atoi(number)
		if !pressed || err != nil || i < 0 || i >= len(steps) {
			continue
		}
		other := i - 1
		if button == policyview.ButtonMoveDown {
			other = i + 1
		}
		switch {
		case button == policyview.ButtonRemove && len(steps) > 1:
			return slices.Delete(steps, i, i+1)
		case button != policyview.ButtonRemove && other >= 0 && other < len(steps):
			steps[i].channels, steps[other].channels = steps[other].channels, steps[i].channels
		}
	}
	return steps
}

// isPolicyRerender reports whether the form was submitted to be changed or previewed, and not to be saved.
func (req *request) isPolicyRerender() bool {
	return req.formValue("do") != "" || req.formValue("look") != ""
}

// policyEdit parses the form.
func (req *request) policyEdit() manage.PolicyEdit {
	e := manage.PolicyEdit{Name: new(req.formValue("name")), Steps: &[]manage.PolicyStepEdit{}}
	if slug := strings.TrimSpace(req.formValue("slug")); slug != "" {
		e.Slug = &slug
	}
	if req.formValue("policy") == "" {
		e.Default = new(req.formValue("default") != "")
	}
	unit := func(field, text string) {
		if choices, bare := schedule.DurationsWithoutUnit(strings.TrimSpace(text)); bare {
			e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, field, "%s has no unit: write %s.", text, schedule.JoinAlternatives(choices)))
		}
	}
	all := req.submittedSteps()
	for n, s := range all {
		one := manage.PolicyStepEdit{After: s.after, Channels: s.channels}
		if n == 0 {
			one.After = "0s"
		} else {
			unit("steps."+strconv.Itoa(n)+".after", s.after)
		}
		if n == len(all)-1 {
			one.RepeatEvery = strings.TrimSpace(req.formValue("repeat"))
			unit("steps."+strconv.Itoa(n)+".repeat_every", one.RepeatEvery)
		}
		*e.Steps = append(*e.Steps, one)
	}
	return e
}

// triedAt returns the time of the tried incident, and whether it is valid.
func (req *request) triedAt(text string) (time.Time, bool) {
	if strings.TrimSpace(text) == "" {
		return req.now.Truncate(time.Minute), true
	}
	return req.parseLocalTime(strings.TrimSpace(text))
}

// trial returns what an edit would do with the heartbeat and the time that the form tries. Its errors are
// by field.
func (req *request) trial(policy string, edit manage.PolicyEdit, heartbeat, at string) (policyview.Preview, map[string]string, error) {
	opened, valid := req.triedAt(at)
	if edit.Name != nil && strings.TrimSpace(*edit.Name) == "" {
		edit.Name = new("New policy") // a preview does not need a name
	}
	if edit.Slug == nil && policy == "" {
		edit.Slug = new("unsaved-" + strings.ToLower(req.actor.Project.Slug)) // nor a free slug
	}
	v, err := req.site.Service.PreviewPolicy(req.ctx(), req.actor, manage.PolicyTrial{Policy: policy, Edit: edit, Heartbeat: heartbeat, At: opened})
	errs, invalid := fieldErrors(err)
	if err != nil && !invalid {
		return policyview.Preview{}, nil, err
	}
	if !valid {
		errs["try_at"] = "Enter a date and a time of day, for example 2026-03-14T12:00."
	}
	if len(errs) > 0 {
		return policyview.Preview{}, errs, nil
	}
	who, err := req.site.Service.Audience(req.ctx(), req.actor)
	return present.PolicyPreview(v, who.Channels, opened), errs, err
}

// policyForm returns the form with steps, and the errors of its fields.
func (req *request) policyForm(f policyview.FormValues, steps []typedStep, channels []monitor.Channel, errs map[string]string) policyview.FormValues {
	f.Name.Error, f.Slug.Error, f.StepsError = errs["name"], errs["slug"], errs["steps"]
	f.Heartbeat.Error, f.At.Error = errs["try_heartbeat"], errs["try_at"]
	for n, s := range steps {
		field := "steps." + strconv.Itoa(n)
		one := policyview.Step{After: ui.Input{Value: s.after, Error: errs[field+".after"]}, Error: errs[field]}
		if n == len(steps)-1 {
			f.Repeat.Error = errs[field+".repeat_every"]
		}
		for _, c := range channels {
			one.Channels = append(one.Channels, policyview.ChannelOption{ID: c.ID, Name: c.Name, Kind: present.ChannelKindLabel(c.Kind), Selected: slices.Contains(s.channels, c.ID)})
		}
		f.Steps = append(f.Steps, one)
	}
	return f
}

// submittedValues returns the submitted form without its steps.
func (req *request) submittedValues() policyview.FormValues {
	in := func(field string) ui.Input { return ui.Input{Value: req.formValue(field)} }
	return policyview.FormValues{Name: in("name"), Slug: in("slug"), Repeat: in("repeat"), Heartbeat: in("try_heartbeat"), At: in("try_at"), MakeDefault: req.formValue("default") != ""}
}

// savedPolicy returns the form with the saved values.
func savedPolicy(p monitor.Policy) (f policyview.FormValues, steps []typedStep) {
	f.Name.Value, f.Slug.Value = p.Name, p.Slug
	for _, s := range p.Steps {
		steps = append(steps, typedStep{ui.ExactDuration(s.After), s.Channels})
		if s.RepeatEvery > 0 {
			f.Repeat.Value = ui.ExactDuration(s.RepeatEvery)
		}
	}
	return f, steps
}

// showNewPolicy shows an empty form. Its first step has no channel yet.
func showNewPolicy(req *request) error {
	return req.renderPolicy(http.StatusOK, manage.PolicyDetail{}, policyview.FormValues{}, []typedStep{{}}, policyview.Preview{}, nil)
}

// showPolicy shows a saved policy. The heartbeat and the time to try can be in the address.
func showPolicy(req *request) error {
	p, err := req.site.Service.PolicyDetail(req.ctx(), req.actor, req.r.PathValue("policy"))
	if err != nil {
		return err
	}
	f, steps := savedPolicy(p.Policy)
	q := req.r.URL.Query()
	f.Heartbeat.Value, f.At.Value = q.Get("try_heartbeat"), q.Get("try_at")
	preview, errs, err := req.trial(p.ID, manage.PolicyEdit{}, f.Heartbeat.Value, f.At.Value)
	if err != nil {
		return err
	}
	return req.renderPolicy(http.StatusOK, p, f, steps, preview, errs)
}

// rerenderNewPolicy shows the submitted form of a new policy.
func rerenderNewPolicy(req *request) error {
	return req.renderSubmittedPolicy(http.StatusOK, manage.PolicyDetail{}, nil)
}

// rerenderPolicyForm shows the submitted form of an existing policy.
func rerenderPolicyForm(req *request) error {
	p, err := req.site.Service.PolicyDetail(req.ctx(), req.actor, req.r.PathValue("policy"))
	if err != nil {
		return err
	}
	return req.renderSubmittedPolicy(http.StatusOK, p, nil)
}

// renderSubmittedPolicy shows the submitted form. saveErr, if not nil, is the error of saving it. Without
// one, the form shows only the errors of values that were typed.
func (req *request) renderSubmittedPolicy(status int, p manage.PolicyDetail, saveErr error) error {
	preview, errs, err := req.trial(p.ID, req.policyEdit(), req.formValue("try_heartbeat"), req.formValue("try_at"))
	if err != nil {
		return err
	}
	if saveErr != nil {
		errs, _ = fieldErrors(saveErr)
	} else if req.formValue("do") != "" {
		errs = nil // a step was just added
	}
	return req.renderPolicy(status, p, req.submittedValues(), req.submittedSteps(), preview, errs)
}

// renderPolicy shows a form, or a policy to people who cannot change it.
func (req *request) renderPolicy(status int, p manage.PolicyDetail, f policyview.FormValues, steps []typedStep, preview policyview.Preview, errs map[string]string) error {
	who, err := req.site.Service.Audience(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	page := policyview.FormPage{Form: req.policyForm(f, steps, who.Channels, errs), Preview: preview}
	if p.ID != "" {
		_, page.Deletion, err = req.site.Service.PolicyDeletion(req.ctx(), req.actor, p.ID)
		if err != nil {
			return err
		}
		page.ID, page.Key, page.Title, page.Default, page.Heartbeats, page.Naming = p.ID, present.PolicyKey(p.Policy), p.Name, p.Default, p.Heartbeats, p.Naming
		page.Version, page.OriginalValues = manage.PolicyVersion(p.Policy), encodeOriginalValues(policyFormValues(savedPolicy(p.Policy)))
		if req.formValue(ui.VersionField) != "" {
			page.Version, page.OriginalValues = req.formValue(ui.VersionField), req.formValue(ui.OriginalValuesField)
		}
	}
	list, err := req.site.Service.Heartbeats(req.ctx(), req.actor, manage.HeartbeatListQuery{Limit: maxTriedHeartbeats})
	if err != nil {
		return err
	}
	for _, h := range list.Items {
		page.Beats = append(page.Beats, ui.Option{Value: h.Slug, Label: h.Name})
	}
	page.Shell = req.shell("")
	return req.renderStatus(status, policyview.Form(page))
}

// previewPolicy returns the preview of a form that is being filled in.
func previewPolicy(req *request) error {
	preview, errs, err := req.trial(req.formValue("policy"), req.policyEdit(), req.formValue("try_heartbeat"), req.formValue("try_at"))
	if err != nil {
		return err
	}
	return req.render(policyview.PreviewResponse(req.clock, req.policyForm(req.submittedValues(), req.submittedSteps(), nil, errs), preview))
}

// policyFormValues returns the values that a browser sends for an unchanged form. The steps are one value,
// because they are replaced as a whole.
func policyFormValues(f policyview.FormValues, steps []typedStep) url.Values {
	values := url.Values{"name": {f.Name.Value}, "slug": {f.Slug.Value}, "repeat": {f.Repeat.Value}, "steps": {strconv.Itoa(len(steps))}}
	for n, s := range steps {
		if n > 0 {
			values.Set(policyview.StepField("after", n), s.after)
		}
		values[policyview.StepField("channel", n)] = s.channels
	}
	return values
}

// policyFormLabels returns the fields of the form, with the texts for people.
func policyFormLabels() []ui.Option {
	labels := []ui.Option{{Value: "name", Label: "Name"}, {Value: "slug", Label: "Slug"}, {Value: "steps", Label: "Number of steps"}}
	for n := range policyview.MaxSteps {
		step := " of step " + strconv.Itoa(n+1)
		if n > 0 {
			labels = append(labels, ui.Option{Value: policyview.StepField("after", n), Label: "Delay" + step})
		}
		labels = append(labels, ui.Option{Value: policyview.StepField("channel", n), Label: "Channels" + step})
	}
	return append(labels, ui.Option{Value: "repeat", Label: "Time between reminders"})
}

// stalePolicy returns the conflict of a form that is based on an old version.
func (req *request) stalePolicy(ctx context.Context, p manage.PolicyDetail) (editConflict, error) {
	who, err := req.site.Service.Audience(ctx, req.actor)
	if err != nil {
		return editConflict{}, err
	}
	path := paths.Policy(present.PolicyKey(p.Policy))
	e := editConflict{
		title: p.Name, formPath: path, backPath: path, version: manage.PolicyVersion(p.Policy), fields: policyFormLabels(),
		saved: policyFormValues(savedPolicy(p.Policy)), submitted: policyFormValues(req.submittedValues(), req.submittedSteps()),
		hidden: []ui.Option{{Value: p.ID, Label: "policy"}},
	}
	e.display = func(field string, values []string) string {
		if !strings.HasPrefix(field, "channel.") {
			return ""
		}
		var names []string
		for _, c := range who.Channels {
			if slices.Contains(values, c.ID) {
				names = append(names, c.Name)
			}
		}
		return strings.Join(names, ", ")
	}
	e.lastChange, err = req.site.Service.LastChange(ctx, req.actor, "policy.change", manage.PolicyAuditTarget(p.Policy))
	return e, err
}
