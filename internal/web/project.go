package web

import (
	"net/url"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// projectRoutes are the pages about the project itself, and about others.
func (s *Site) projectRoutes() []route {
	return []route{
		{pattern: "GET /settings", right: auth.ChangeProject, handle: showSettings},
		{pattern: "POST /settings", right: auth.ChangeProject, handle: saveSettings},
		{pattern: "POST /projects", right: auth.ChangeProject, handle: createProject},
		{pattern: "POST /projects/{project}/choose", right: signedIn, handle: chooseProject},
		{pattern: "GET /projects/{project}/delete", right: signedIn, handle: confirmProjectDeletion},
		{pattern: "POST /projects/{project}/delete", right: signedIn, handle: deleteProject},
		{pattern: "GET /api-keys", right: auth.ManageKeys, handle: showKeys},
		{pattern: "POST /api-keys", right: auth.ManageKeys, handle: createKey},
		{pattern: "POST /api-keys/{id}/revoke", right: auth.ManageKeys, handle: revokeKey},
		{pattern: "GET /audit", right: auth.SeeAudit, handle: showAudit},
	}
}

// settingsPage is the page about the project as it is.
func (v *request) settingsPage() view.SettingsPage {
	zone := v.actor.Project.Zone
	return view.SettingsPage{
		Version: manage.ProjectVersion(v.actor.Project), OriginalValues: encodeShownValues(projectValues(v.actor.Project)),
		Shell: v.shell(""), Name: view.Input{Value: v.actor.Project.Name}, Zone: view.Input{Value: zone}, Zones: TimeZones,
		NewZone: view.Input{Value: zone}, PingURLPrefix: v.site.pingBase(),
		CanDelete: v.actor.May(auth.DeleteProject) && len(v.person.Memberships) > 1,
	}
}

// showSettings shows it.
func showSettings(v *request) error { return v.render(view.Settings(v.settingsPage())) }

// saveSettings changes the project.
func saveSettings(v *request) error {
	name, zone := v.formValue("name"), v.formValue("timezone")
	err := v.site.Service.ChangeProject(v.ctx(), v.actor, name, zone, v.formValue(view.VersionField))
	if isStale(err) {
		return v.staleSettings()
	}
	if wrong, form := fieldErrors(err); form {
		p := v.settingsPage()
		p.Name, p.Zone = view.Input{Value: name, Error: wrong["name"]}, view.Input{Value: zone, Error: wrong["timezone"]}
		p.Version, p.OriginalValues = v.formValue(view.VersionField), v.formValue(view.OriginalValuesField)
		return v.renderStatus(statusInvalid, view.Settings(p))
	}
	if err != nil {
		return err
	}
	v.toast("Settings saved.", "")
	return v.redirect(view.SettingsPath)
}

// projectValues are what a browser sends of the project's form that nobody
// touches.
func projectValues(p monitor.Project) url.Values {
	return url.Values{"name": {p.Name}, "timezone": {p.Zone}}
}

// staleSettings answers settings that were saved on an older version.
func (v *request) staleSettings() error {
	now := v.actor.Project // read with this request
	by, err := v.site.Service.LastChange(v.ctx(), v.actor, "project.change", now.Name)
	if err != nil {
		return err
	}
	return v.renderConflict(staleForm{
		title: now.Name, formPath: view.SettingsPath, backPath: view.SettingsPath, version: manage.ProjectVersion(now), lastChange: by,
		fields: []view.Option{{Value: "name", Label: "Name"}, {Value: "timezone", Label: "Time zone"}},
		saved:  projectValues(now), submitted: url.Values{"name": {v.formValue("name")}, "timezone": {v.formValue("timezone")}},
	})
}

// createProject makes another project and goes there.
func createProject(v *request) error {
	name, zone := v.formValue("name"), v.formValue("timezone")
	made, err := v.site.Service.CreateProject(v.ctx(), v.actor, name, zone)
	if wrong, form := fieldErrors(err); form {
		p := v.settingsPage()
		p.NewName, p.NewZone = view.Input{Value: name, Error: wrong["name"]}, view.Input{Value: zone, Error: wrong["timezone"]}
		return v.renderStatus(statusInvalid, view.Settings(p))
	}
	if err != nil {
		return err
	}
	v.site.People.Sessions.SelectProject(v.ctx(), made.Slug)
	v.toast("Project “"+made.Name+"” created.", "")
	return v.redirect(view.HeartbeatsPath)
}

// projectInPath is the visitor in the project that the path names. To who is not in
// it, it does not exist.
func (v *request) projectInPath() (auth.Actor, error) {
	for _, m := range v.person.Memberships {
		if m.Project.Slug == v.r.PathValue("project") {
			return v.person.Actor(m.Project.Key, v.clientAddress()), nil
		}
	}
	return auth.Actor{}, monitor.Faultf(monitor.NotFound, "", "There is no such project.")
}

// chooseProject looks at another project from now on.
func chooseProject(v *request) error {
	there, err := v.projectInPath()
	if err != nil {
		return err
	}
	v.site.People.Sessions.SelectProject(v.ctx(), there.Project.Slug)
	return v.redirect(view.HeartbeatsPath)
}

// projectDeletionPage asks before a project is deleted, for those without script.
func (v *request) projectDeletionPage(there auth.Actor, word view.Input) (view.ConfirmPage, error) {
	counts, err := v.site.Service.ProjectCounts(v.ctx(), there, v.now)
	path := view.ProjectPath(there.Project.Slug) + "/delete"
	return view.ConfirmPage{
		Shell: v.shell(""), Section: "Settings", Title: "Delete “" + there.Project.Name + "”?",
		Text:   view.ProjectDeletion(counts.UnresolvedIncidents),
		Action: path, Label: "Type the name to confirm", Typed: word, Button: "Delete project", CancelPath: view.SettingsPath,
	}, err
}

// confirmProjectDeletion asks.
func confirmProjectDeletion(v *request) error {
	there, err := v.projectInPath()
	if err != nil {
		return err
	}
	if !there.May(auth.DeleteProject) {
		return monitor.Faultf(monitor.Forbidden, "", "Only an owner can delete a project.")
	}
	page, err := v.projectDeletionPage(there, view.Input{})
	if err != nil {
		return err
	}
	return v.render(view.Confirm(page))
}

// deleteProject ends a project with all that is in it.
func deleteProject(v *request) error {
	there, err := v.projectInPath()
	if err != nil {
		return err
	}
	typed := v.formValue("confirm")
	err = v.site.Service.DeleteProject(v.ctx(), there, typed)
	if wrong, form := fieldErrors(err); form {
		page, err := v.projectDeletionPage(there, view.Input{Value: typed, Error: wrong["confirm"]})
		if err != nil {
			return err
		}
		return v.renderStatus(statusInvalid, view.Confirm(page))
	}
	if err != nil {
		return err
	}
	v.toast("Project “"+there.Project.Name+"” deleted.", "")
	return v.redirect(view.HeartbeatsPath)
}
