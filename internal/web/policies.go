package web

import (
	"net/http"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/web/present"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/policyview"
	"overdue/internal/web/view/ui"
)

// policyRoutes returns the routes of escalation policies.
func (s *Site) policyRoutes() []route {
	return []route{
		{pattern: "GET /policies", right: auth.Read, handle: listPolicies},
		{pattern: "GET /policies/new", right: auth.ChangeChannels, handle: showNewPolicy},
		{pattern: "POST /policies", right: auth.ChangeChannels, handle: createPolicy, renderForm: rerenderNewPolicy},
		{pattern: "POST /policies/preview", right: auth.ChangeChannels, handle: previewPolicy, projectInQuery: true},
		{pattern: "GET /policies/{policy}", right: auth.Read, handle: showPolicy},
		{pattern: "POST /policies/{policy}", right: auth.ChangeChannels, handle: changePolicy, renderForm: rerenderPolicyForm},
		{pattern: "POST /policies/{policy}/default", right: auth.ChangeChannels, handle: setDefaultPolicy},
		{pattern: "GET /policies/{policy}/delete", right: auth.ChangeChannels, handle: confirmPolicyDeletion},
		{pattern: "POST /policies/{policy}/delete", right: auth.ChangeChannels, handle: deletePolicy},
	}
}

// listPolicies shows the policies of the project.
func listPolicies(req *request) error {
	list, err := req.site.Service.PolicyDetails(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	who, err := req.site.Service.Audience(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	page := policyview.ListPage{Shell: req.shell(""), ProjectChannels: len(who.Channels)}
	for _, p := range list {
		page.Policies = append(page.Policies, present.PolicyLine(p, who.Channels))
	}
	if page.AllChannels, err = req.site.Service.HeartbeatsWithoutRule(req.ctx(), req.actor); err != nil {
		return err
	}
	return req.render(policyview.List(page))
}

// createPolicy creates a policy, or changes its form.
func createPolicy(req *request) error {
	if req.isPolicyRerender() {
		return rerenderNewPolicy(req)
	}
	edit := req.policyEdit()
	p, err := req.site.Service.CreatePolicy(req.ctx(), req.actor, edit)
	if _, invalid := fieldErrors(err); invalid {
		return req.renderSubmittedPolicy(statusInvalid, manage.PolicyDetail{}, err)
	}
	if err != nil {
		return err
	}
	req.toast("Added "+p.Name, "")
	return req.redirect(paths.Policy(present.PolicyKey(p)))
}

// changePolicy saves the form of an existing policy.
func changePolicy(req *request) error {
	before, err := req.site.Service.PolicyDetail(req.ctx(), req.actor, req.r.PathValue("policy"))
	if err != nil {
		return err
	}
	if req.isPolicyRerender() {
		return req.renderSubmittedPolicy(http.StatusOK, before, nil)
	}
	edit := req.policyEdit()
	edit.IfVersion = []string{req.formValue(ui.VersionField)}
	p, err := req.site.Service.ChangePolicy(req.ctx(), req.actor, before.ID, edit)
	if isStale(err) {
		now, err2 := req.stalePolicy(req.ctx(), before)
		if err2 != nil {
			return err2
		}
		if req.isConflict(now) {
			return req.renderConflict(now)
		}
		edit.IfVersion = []string{now.version} // the form does not show what changed
		p, err = req.site.Service.ChangePolicy(req.ctx(), req.actor, before.ID, edit)
	}
	if _, invalid := fieldErrors(err); invalid {
		return req.renderSubmittedPolicy(statusInvalid, before, err)
	}
	if err != nil {
		return err
	}
	req.toast("Saved "+p.Name, "")
	return req.redirect(paths.Policy(present.PolicyKey(p)))
}

// setDefaultPolicy makes a policy the default, or ends that.
func setDefaultPolicy(req *request) error {
	on := req.formValue("default") != "off"
	p, err := req.site.Service.ChangePolicy(req.ctx(), req.actor, req.r.PathValue("policy"), manage.PolicyEdit{Default: &on})
	if err != nil {
		return err
	}
	req.toast(p.Name+ui.If(on, " is the default policy", " is no longer the default policy"), "")
	return req.redirect(paths.Policy(present.PolicyKey(p)))
}

// confirmPolicyDeletion asks for confirmation on a separate page.
func confirmPolicyDeletion(req *request) error { return req.renderPolicyDeletion(ui.Input{}) }

// renderPolicyDeletion shows the page that asks for the name, with what the deletion changes.
func (req *request) renderPolicyDeletion(word ui.Input) error {
	p, text, err := req.site.Service.PolicyDeletion(req.ctx(), req.actor, req.r.PathValue("policy"))
	if err != nil {
		return err
	}
	path, status := paths.Policy(present.PolicyKey(p.Policy)), http.StatusOK
	if word.Error != "" {
		status = statusInvalid
	}
	return req.renderStatus(status, layout.Confirm(layout.ConfirmPage{
		Shell: req.shell(""), Section: "Alert policy", Title: "Delete “" + p.Name + "”?", Text: text,
		Action: path + "/delete", Label: "Type the name to confirm", Typed: word, Button: "Delete policy", CancelPath: path,
	}))
}

// deletePolicy deletes a policy after its name was typed. The page named what changes.
func deletePolicy(req *request) error {
	p, err := req.site.Service.Policy(req.ctx(), req.actor, req.r.PathValue("policy"))
	if err != nil {
		return err
	}
	if word := req.formValue("confirm"); !sameName(word, p.Name) {
		return req.renderPolicyDeletion(ui.Input{Value: word, Error: "The name does not match. Type it as shown above."})
	}
	if err := req.site.Service.DeletePolicy(req.ctx(), req.actor, p.ID, true, nil); err != nil {
		return err
	}
	req.toast("Deleted "+p.Name, "")
	return req.redirect(paths.Policies)
}
