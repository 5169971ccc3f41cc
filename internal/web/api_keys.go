package web

import (
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// keysPage lists the API keys of the project.
func (v *request) keysPage() (view.APIKeysPage, error) {
	keys, err := v.site.Service.APIKeys(v.ctx(), v.actor)
	if err != nil {
		return view.APIKeysPage{}, err
	}
	p := view.APIKeysPage{Shell: v.shell(""), BaseURL: v.site.BaseURL + "/api/v1"}
	for _, k := range keys {
		p.Keys = append(p.Keys, APIKey(k))
	}
	return p, nil
}

// APIKey is a key as pages list it.
func APIKey(k monitor.APIKey) view.APIKey {
	shown := view.APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix + "…", ReadOnly: k.ReadOnly, Created: k.Created, CreatedBy: k.CreatedBy, LastUsed: k.LastUsed,
	}
	if shown.CreatedBy == "" {
		shown.CreatedBy, shown.Prefix = "an earlier version", "ovd_…" // which noted neither
	}
	return shown
}

// showKeys shows them.
func showKeys(v *request) error {
	p, err := v.keysPage()
	if err != nil {
		return err
	}
	return v.render(view.Keys(p))
}

// createKey makes a key. It is shown in the answer itself, once: kept for a
// next page it would lie in the database in clear.
func createKey(v *request) error {
	name, readOnly := v.formValue("name"), v.formValue("read_only") != ""
	_, secret, err := v.site.Service.CreateKey(v.ctx(), v.actor, name, readOnly)
	wrong, form := fieldErrors(err)
	if err != nil && !form {
		return err
	}
	p, err := v.keysPage()
	if err != nil {
		return err
	}
	if form {
		p.Name, p.ReadOnly = view.Input{Value: name, Error: wrong["name"]}, readOnly
		return v.renderStatus(statusInvalid, view.Keys(p))
	}
	p.NewKey = secret
	return v.render(view.Keys(p))
}

// revokeKey ends a key.
func revokeKey(v *request) error {
	if err := v.site.Service.RevokeKey(v.ctx(), v.actor, v.r.PathValue("id")); err != nil {
		return err
	}
	v.toast("Key revoked. Programs that use it are refused from now on.", "")
	return v.redirect(view.KeysPath)
}
