package web

import (
	"net/url"
	"strconv"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/present"
	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// projectRoutes returns the routes of project settings, API keys and audit log.
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

// settingsPage returns the settings form as saved.
func (req *request) settingsPage() accountview.ProjectSettingsPage {
	zone := req.actor.Project.Zone
	return accountview.ProjectSettingsPage{
		Version: manage.ProjectVersion(req.actor.Project), OriginalValues: encodeOriginalValues(projectValues(req.actor.Project)),
		Shell: req.shell(""), Name: ui.Input{Value: req.actor.Project.Name}, Zone: ui.Input{Value: zone}, Zones: present.TimeZones,
		NewZone: ui.Input{Value: zone}, PingURLPrefix: req.site.pingBase(),
		CanDelete: req.actor.May(auth.DeleteProject) && len(req.person.Memberships) > 1,
	}
}

// showSettings shows the settings of the project.
func showSettings(req *request) error {
	return req.render(accountview.ProjectSettings(req.settingsPage()))
}

// saveSettings saves the settings of the project.
func saveSettings(req *request) error {
	name, zone := req.formValue("name"), req.formValue("timezone")
	err := req.site.Service.ChangeProject(req.ctx(), req.actor, name, zone, req.formValue(ui.VersionField))
	if isStale(err) {
		return req.staleSettings()
	}
	if fieldErrs, invalid := fieldErrors(err); invalid {
		p := req.settingsPage()
		p.Name, p.Zone = ui.Input{Value: name, Error: fieldErrs["name"]}, ui.Input{Value: zone, Error: fieldErrs["timezone"]}
		p.Version, p.OriginalValues = req.formValue(ui.VersionField), req.formValue(ui.OriginalValuesField)
		return req.renderStatus(statusInvalid, accountview.ProjectSettings(p))
	}
	if err != nil {
		return err
	}
	req.toast("Settings saved.", "")
	return req.redirect(paths.Settings)
}

// projectValues returns the values that a browser sends for an unchanged form.
func projectValues(p monitor.Project) url.Values {
	return url.Values{"name": {p.Name}, "timezone": {p.Zone}}
}

// staleSettings answers settings that were based on an old version.
func (req *request) staleSettings() error {
	now := req.actor.Project // read with this request
	by, err := req.site.Service.LastChange(req.ctx(), req.actor, "project.change", now.Name)
	if err != nil {
		return err
	}
	return req.renderConflict(editConflict{
		title: now.Name, formPath: paths.Settings, backPath: paths.Settings, version: manage.ProjectVersion(now), lastChange: by,
		fields: []ui.Option{{Value: "name", Label: "Name"}, {Value: "timezone", Label: "Time zone"}},
		saved:  projectValues(now), submitted: url.Values{"name": {req.formValue("name")}, "timezone": {req.formValue("timezone")}},
	})
}

// createProject creates a project and selects it.
func createProject(req *request) error {
	name, zone := req.formValue("name"), req.formValue("timezone")
	made, err := req.site.Service.CreateProject(req.ctx(), req.actor, name, zone)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		p := req.settingsPage()
		p.NewName, p.NewZone = ui.Input{Value: name, Error: fieldErrs["name"]}, ui.Input{Value: zone, Error: fieldErrs["timezone"]}
		return req.renderStatus(statusInvalid, accountview.ProjectSettings(p))
	}
	if err != nil {
		return err
	}
	req.site.People.Sessions.SelectProject(req.ctx(), made.Slug)
	req.toast("Project “"+made.Name+"” created.", "")
	return req.redirect(paths.Heartbeats)
}

// projectInPath returns the person in the project that the path names. For people
// who do not belong to the project, it does not exist.
func (req *request) projectInPath() (auth.Actor, error) {
	for _, m := range req.person.Memberships {
		if m.Project.Slug == req.r.PathValue("project") {
			return req.person.Actor(m.Project.Key, req.clientAddress()), nil
		}
	}
	return auth.Actor{}, monitor.Faultf(monitor.NotFound, "", "No such project.")
}

// chooseProject selects another project.
func chooseProject(req *request) error {
	there, err := req.projectInPath()
	if err != nil {
		return err
	}
	req.site.People.Sessions.SelectProject(req.ctx(), there.Project.Slug)
	return req.redirect(paths.Heartbeats)
}

// projectDeletionPage returns the page that asks for confirmation, for browsers
// without script.
func (req *request) projectDeletionPage(there auth.Actor, word ui.Input) (layout.ConfirmPage, error) {
	counts, err := req.site.Service.ProjectCounts(req.ctx(), there, req.now)
	path := paths.Project(there.Project.Slug) + "/delete"
	return layout.ConfirmPage{
		Shell: req.shell(""), Section: "Settings", Title: "Delete “" + there.Project.Name + "”?",
		Text:   accountview.ProjectDeletionText(counts.UnresolvedIncidents),
		Action: path, Label: "Type the name to confirm", Typed: word, Button: "Delete project", CancelPath: paths.Settings,
	}, err
}

// confirmProjectDeletion asks for confirmation before a project is deleted.
func confirmProjectDeletion(req *request) error {
	there, err := req.projectInPath()
	if err != nil {
		return err
	}
	if !there.May(auth.DeleteProject) {
		return monitor.Faultf(monitor.Forbidden, "", "Only an owner can delete a project.")
	}
	page, err := req.projectDeletionPage(there, ui.Input{})
	if err != nil {
		return err
	}
	return req.render(layout.Confirm(page))
}

// deleteProject deletes a project and everything in it.
func deleteProject(req *request) error {
	there, err := req.projectInPath()
	if err != nil {
		return err
	}
	typed := req.formValue("confirm")
	err = req.site.Service.DeleteProject(req.ctx(), there, typed)
	if fieldErrs, invalid := fieldErrors(err); invalid {
		page, err := req.projectDeletionPage(there, ui.Input{Value: typed, Error: fieldErrs["confirm"]})
		if err != nil {
			return err
		}
		return req.renderStatus(statusInvalid, layout.Confirm(page))
	}
	if err != nil {
		return err
	}
	req.toast("Project “"+there.Project.Name+"” deleted.", "")
	return req.redirect(paths.Heartbeats)
}

// keysPage returns the page with the API keys of the project.
func (req *request) keysPage() (accountview.APIKeysPage, error) {
	keys, err := req.site.Service.APIKeys(req.ctx(), req.actor)
	if err != nil {
		return accountview.APIKeysPage{}, err
	}
	p := accountview.APIKeysPage{Shell: req.shell(""), BaseURL: req.site.BaseURL + "/api/v1"}
	for _, k := range keys {
		p.Keys = append(p.Keys, present.APIKey(k))
	}
	return p, nil
}

// showKeys shows the API keys.
func showKeys(req *request) error {
	p, err := req.keysPage()
	if err != nil {
		return err
	}
	return req.render(accountview.APIKeys(p))
}

// createKey creates an API key. Only this response contains the key: a redirect
// would need to store it in the database.
func createKey(req *request) error {
	name, readOnly := req.formValue("name"), req.formValue("read_only") != ""
	_, secret, err := req.site.Service.CreateKey(req.ctx(), req.actor, name, readOnly)
	fieldErrs, invalid := fieldErrors(err)
	if err != nil && !invalid {
		return err
	}
	p, err := req.keysPage()
	if err != nil {
		return err
	}
	if invalid {
		p.Name, p.ReadOnly = ui.Input{Value: name, Error: fieldErrs["name"]}, readOnly
		return req.renderStatus(statusInvalid, accountview.APIKeys(p))
	}
	p.NewKey = secret
	return req.render(accountview.APIKeys(p))
}

// revokeKey revokes an API key.
func revokeKey(req *request) error {
	if err := req.site.Service.RevokeKey(req.ctx(), req.actor, req.r.PathValue("id")); err != nil {
		return err
	}
	req.toast("Key revoked. Requests with it now fail.", "")
	return req.redirect(paths.APIKeys)
}

// showAudit shows the audit log.
func showAudit(req *request) error {
	q := req.r.URL.Query()
	cursor, back := q.Get("after"), false
	if newer := q.Get("newer"); newer != "" {
		cursor, back = newer, true
	}
	page, err := req.site.Service.AuditLog(req.ctx(), req.actor, manage.AuditQuery{
		Text: strings.TrimSpace(q.Get("q")), ActorID: q.Get("actor"), PageQuery: manage.PageQuery{Cursor: cursor}, Backwards: back,
	})
	if err != nil {
		return err
	}
	n := len(page.Items)
	first := 1
	if row, err := strconv.Atoi(q.Get("row")); err == nil && row > 1 && page.Prev != "" {
		first = row
	}
	p := accountview.AuditLogPage{Shell: req.shell(""), Query: q.Get("q"), Pager: ui.Pager{First: first, Last: first + n - 1, Total: -1}, Kept: req.site.Service.Retention().AuditText()}
	if page.Next != "" {
		p.Pager.Next = auditPageURL(q, "after", page.Next, first+n)
	}
	if page.Prev != "" {
		p.Pager.Prev = auditPageURL(q, "newer", page.Prev, first-manage.DefaultLimit)
	}
	for _, e := range page.Items {
		p.Entries = append(p.Entries, present.AuditEntry(e))
	}
	if by := q.Get("actor"); by != "" {
		p.AllPath = paths.AuditLog
		p.Actor = by
		if n > 0 {
			p.Actor = page.Items[0].Actor
		}
	}
	return req.render(accountview.AuditLog(p))
}

// auditPageURL returns the address of another page of the audit log: "after" or
// "newer" than a cursor. row is the number of its first row.
func auditPageURL(q url.Values, side, cursor string, row int) string {
	other := selectValues(q, "q", "actor")
	other.Set(side, cursor)
	other.Set("row", strconv.Itoa(max(row, 1)))
	return paths.AuditLog + "?" + other.Encode()
}
