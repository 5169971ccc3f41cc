package web

import (
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// keysPage lists the API keys of the project.
func (v *visit) keysPage() (view.KeysPage, error) {
	keys, err := v.site.Desk.APIKeys(v.ctx(), v.actor)
	if err != nil {
		return view.KeysPage{}, err
	}
	p := view.KeysPage{Shell: v.shell(""), BaseURL: v.site.Base + "/api/v1"}
	for _, k := range keys {
		p.Keys = append(p.Keys, shownKey(k))
	}
	return p, nil
}

// shownKey is a key as pages list it.
func shownKey(k monitor.APIKey) view.APIKey {
	shown := view.APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix + "…", ReadOnly: k.ReadOnly, Created: k.Created, By: k.By, LastUsed: k.Used,
	}
	if shown.By == "" {
		shown.By, shown.Prefix = "an earlier version", "ovd_…" // which noted neither
	}
	return shown
}

// showKeys shows them.
func showKeys(v *visit) error {
	p, err := v.keysPage()
	if err != nil {
		return err
	}
	return v.show(view.Keys(p))
}

// createKey makes a key. It is shown in the answer itself, once: kept for a
// next page it would lie in the database in clear.
func createKey(v *visit) error {
	name, readOnly := v.text("name"), v.text("read_only") != ""
	_, secret, err := v.site.Desk.CreateKey(v.ctx(), v.actor, name, readOnly)
	wrong, form := wrongs(err)
	if err != nil && !form {
		return err
	}
	p, err := v.keysPage()
	if err != nil {
		return err
	}
	if form {
		p.Name, p.ReadOnly = view.Input{Value: name, Error: wrong["name"]}, readOnly
		return v.showStatus(refused, view.Keys(p))
	}
	p.Fresh = secret
	return v.show(view.Keys(p))
}

// revokeKey ends a key.
func revokeKey(v *visit) error {
	if err := v.site.Desk.RevokeKey(v.ctx(), v.actor, v.r.PathValue("id")); err != nil {
		return err
	}
	v.toast("Key revoked. Programs that use it are refused from now on.", "")
	return v.redirect(view.KeysPath)
}
