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
		{pattern: "GET /settings", needs: auth.ChangeProject, handle: showSettings},
		{pattern: "POST /settings", needs: auth.ChangeProject, handle: saveSettings},
		{pattern: "POST /projects", needs: auth.ChangeProject, handle: createProject},
		{pattern: "POST /projects/{project}/choose", needs: signedIn, handle: chooseProject},
		{pattern: "GET /projects/{project}/delete", needs: signedIn, handle: askDeleteProject},
		{pattern: "POST /projects/{project}/delete", needs: signedIn, handle: deleteProject},
		{pattern: "GET /api-keys", needs: auth.ManageKeys, handle: showKeys},
		{pattern: "POST /api-keys", needs: auth.ManageKeys, handle: createKey},
		{pattern: "POST /api-keys/{id}/revoke", needs: auth.ManageKeys, handle: revokeKey},
		{pattern: "GET /audit", needs: auth.SeeAudit, handle: showAudit},
	}
}

// settingsPage is the page about the project as it is.
func (v *visit) settingsPage() view.SettingsPage {
	zone := v.actor.Project.Zone
	return view.SettingsPage{
		Version: manage.ProjectVersion(v.actor.Project), Shown: shownText(projectValues(v.actor.Project)),
		Shell: v.shell(""), Name: view.Input{Value: v.actor.Project.Name}, Zone: view.Input{Value: zone}, Zones: zones,
		NewZone: view.Input{Value: zone}, PingBase: v.site.pingBase(),
		CanDelete: v.actor.May(auth.DeleteProject) && len(v.who.Memberships) > 1,
	}
}

// showSettings shows it.
func showSettings(v *visit) error { return v.show(view.Settings(v.settingsPage())) }

// saveSettings changes the project.
func saveSettings(v *visit) error {
	name, zone := v.text("name"), v.text("timezone")
	err := v.site.Desk.ChangeProject(v.ctx(), v.actor, name, zone, v.text(view.VersionField))
	if isStale(err) {
		return v.staleSettings()
	}
	if wrong, form := wrongs(err); form {
		p := v.settingsPage()
		p.Name, p.Zone = view.Input{Value: name, Error: wrong["name"]}, view.Input{Value: zone, Error: wrong["timezone"]}
		p.Version, p.Shown = v.text(view.VersionField), v.text(view.ShownField)
		return v.showStatus(refused, view.Settings(p))
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
func (v *visit) staleSettings() error {
	now := v.actor.Project // read with this request
	by, err := v.site.Desk.LastChange(v.ctx(), v.actor, "project.change", now.Name)
	if err != nil {
		return err
	}
	return v.conflict(edited{
		title: now.Name, action: view.SettingsPath, back: view.SettingsPath, version: manage.ProjectVersion(now), by: by,
		fields: []view.Choice{{Value: "name", Label: "Name"}, {Value: "timezone", Label: "Time zone"}},
		theirs: projectValues(now), yours: url.Values{"name": {v.text("name")}, "timezone": {v.text("timezone")}},
	})
}

// createProject makes another project and goes there.
func createProject(v *visit) error {
	name, zone := v.text("name"), v.text("timezone")
	made, err := v.site.Desk.CreateProject(v.ctx(), v.actor, name, zone)
	if wrong, form := wrongs(err); form {
		p := v.settingsPage()
		p.NewName, p.NewZone = view.Input{Value: name, Error: wrong["name"]}, view.Input{Value: zone, Error: wrong["timezone"]}
		return v.showStatus(refused, view.Settings(p))
	}
	if err != nil {
		return err
	}
	v.site.People.Sessions.Choose(v.ctx(), made.Slug)
	v.toast("Project “"+made.Name+"” created.", "")
	return v.redirect(view.HeartbeatsPath)
}

// inNamed is the visitor in the project that the path names. To who is not in
// it, it does not exist.
func (v *visit) inNamed() (auth.Actor, error) {
	for _, m := range v.who.Memberships {
		if m.Project.Slug == v.r.PathValue("project") {
			return v.who.Actor(m.Project.Key, v.source()), nil
		}
	}
	return auth.Actor{}, monitor.Wrong(monitor.Missing, "", "There is no such project.")
}

// chooseProject looks at another project from now on.
func chooseProject(v *visit) error {
	there, err := v.inNamed()
	if err != nil {
		return err
	}
	v.site.People.Sessions.Choose(v.ctx(), there.Project.Slug)
	return v.redirect(view.HeartbeatsPath)
}

// deletePage asks before a project is deleted, for those without script.
func (v *visit) deletePage(there auth.Actor, word view.Input) (view.ConfirmPage, error) {
	counts, err := v.site.Desk.Counts(v.ctx(), there, v.now)
	path := view.ProjectPath(there.Project.Slug) + "/delete"
	return view.ConfirmPage{
		Shell: v.shell(""), Section: "Settings", Title: "Delete “" + there.Project.Name + "”?",
		Text:   view.ProjectDeletion(counts.Unresolved),
		Action: path, Label: "Type the name to confirm", Word: word, Button: "Delete project", Back: view.SettingsPath,
	}, err
}

// askDeleteProject asks.
func askDeleteProject(v *visit) error {
	there, err := v.inNamed()
	if err != nil {
		return err
	}
	if !there.May(auth.DeleteProject) {
		return monitor.Wrong(monitor.Forbidden, "", "Only an owner can delete a project.")
	}
	page, err := v.deletePage(there, view.Input{})
	if err != nil {
		return err
	}
	return v.show(view.Confirm(page))
}

// deleteProject ends a project with all that is in it.
func deleteProject(v *visit) error {
	there, err := v.inNamed()
	if err != nil {
		return err
	}
	typed := v.text("confirm")
	err = v.site.Desk.DeleteProject(v.ctx(), there, typed)
	if wrong, form := wrongs(err); form {
		page, err := v.deletePage(there, view.Input{Value: typed, Error: wrong["confirm"]})
		if err != nil {
			return err
		}
		return v.showStatus(refused, view.Confirm(page))
	}
	if err != nil {
		return err
	}
	v.toast("Project “"+there.Project.Name+"” deleted.", "")
	return v.redirect(view.HeartbeatsPath)
}
