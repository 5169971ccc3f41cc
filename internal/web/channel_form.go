package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/setting"
	"overdue/internal/web/forms"
	"overdue/internal/web/present"
	"overdue/internal/web/view/channelview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// channelDraft holds the values of a channel form.
type channelDraft struct {
	kind, name, remindEvery        string
	settings                       map[string]any // without secrets
	notifyOnRecovery, notifyOnLate bool
	secrets                        map[string]any    // typed secrets
	sealedSecrets                  string            // the typed secrets, encrypted
	regenerate                     map[string]bool   // secrets to generate again, by field
	errors                         map[string]string // by field
	deliveries                     []ui.Delivery
	answer                         *ui.Delivery // result of the test that was just sent
	version, shown                 string       // of the channel that is edited
}

// showNewChannel shows an empty form of a kind.
func showNewChannel(req *request) error {
	k, known := notify.KindOf(req.r.URL.Query().Get("kind"))
	if !known {
		k = notify.Kinds()[0]
	}
	return req.renderChannelForm(http.StatusOK, channelDraft{kind: k.Name, notifyOnRecovery: true}, nil)
}

// showChannel shows a saved channel: as a form, or without one to people who cannot
// change it.
func showChannel(req *request) error {
	return req.renderChannel(http.StatusOK, req.r.PathValue("id"), "", nil)
}

// renderChannel shows a saved channel. secret was just generated, test was just
// sent.
func (req *request) renderChannel(status int, id, secret string, test *ui.Delivery) error {
	c, err := req.site.Service.Channel(req.ctx(), req.actor, id)
	if err != nil {
		return err
	}
	d := savedChannel(c)
	if test != nil {
		d.deliveries = []ui.Delivery{*test}
	}
	page, err := req.channelFormPage(d, &c)
	if err != nil {
		return err
	}
	page.NewSecret = secret
	return req.renderStatus(status, channelview.Form(page))
}

// savedChannel returns the form with the saved values.
func savedChannel(c monitor.Channel) channelDraft {
	d := channelDraft{
		kind: c.Kind, name: c.Name, settings: c.Settings, notifyOnRecovery: c.NotifyOnRecovery, notifyOnLate: c.NotifyOnLate, remindEvery: reminderSeconds(c.RemindEvery),
		version: manage.ChannelVersion(c),
	}
	d.shown = encodeOriginalValues(d.formValues())
	return d
}

// reminderSeconds returns the value of the reminder field.
func reminderSeconds(every time.Duration) string {
	if every == 0 {
		return ""
	}
	return strconv.Itoa(int(every / time.Second))
}

// renderChannelForm shows a form. saved is the edited channel, or nil.
func (req *request) renderChannelForm(status int, d channelDraft, saved *monitor.Channel) error {
	page, err := req.channelFormPage(d, saved)
	if err != nil {
		return err
	}
	return req.renderStatus(status, channelview.Form(page))
}

// channelFormPage returns the page of a form.
func (req *request) channelFormPage(d channelDraft, saved *monitor.Channel) (channelview.FormPage, error) {
	list, all, err := req.site.Service.ChannelDetails(req.ctx(), req.actor)
	if err != nil {
		return channelview.FormPage{}, err
	}
	p := channelview.FormPage{
		NoMailServer: d.kind == "email" && req.site.SendMail == nil, OnlyChannel: len(list) == 1,
		Kind: present.ChannelKind(d.kind), Setup: present.KindSetup(d.kind), Notes: present.KindNotes(d.kind), Name: ui.Input{Value: d.name, Error: d.errors["name"]}, Fields: channelFormFields(d, saved),
		SealedSecrets: d.sealedSecrets, NotifyOnRecovery: d.notifyOnRecovery, NotifyOnLate: d.notifyOnLate, RemindEvery: ui.Input{Value: d.remindEvery, Error: d.errors["remind_every"]},
		Deliveries: d.deliveries, TestAnswer: d.answer, Previews: req.eventPreviews(d, saved), Version: d.version, OriginalValues: d.shown,
	}
	p.Kind.Off = req.site.Service.KindUnavailable(d.kind)
	if saved == nil {
		p.AlertingHeartbeats, p.TotalHeartbeats, p.Shell = all.AllChannels, all.Heartbeats, req.shell("")
		return p, nil
	}
	detail, reach, err := req.site.Service.ChannelDetail(req.ctx(), req.actor, saved.ID)
	p.Target, p.Channel = saved.Target, present.Channel(detail)
	for _, a := range detail.PendingAlerts {
		p.Pending = append(p.Pending, present.PendingAlert(a))
	}
	p.ID, p.Title, p.AlertingHeartbeats, p.TotalHeartbeats = saved.ID, saved.Name, detail.Heartbeats, reach.Heartbeats
	for _, last := range detail.LastDeliveries {
		p.Deliveries = append(p.Deliveries, present.LastDelivery(last))
	}
	p.Shell = req.shell("")
	return p, err
}

// channelFormFields returns the setting fields of the kind, with their values.
func channelFormFields(d channelDraft, saved *monitor.Channel) []channelview.SettingField {
	k, _ := notify.KindOf(d.kind)
	var all []channelview.SettingField
	for _, f := range k.Fields {
		shown := channelview.SettingField{
			Name: f.Name, Label: f.Label, Type: "text", Required: f.Required && f.Generate == nil, Secret: f.Secret,
			Help: f.Help, Placeholder: f.Placeholder, Advanced: f.Name == "base_url",
			In: ui.Input{Value: forms.SettingText(f, d.settings[f.Name]), Error: d.errors["settings."+f.Name]},
		}
		switch f.Type {
		case setting.FieldURL:
			shown.Type = "url"
		case setting.FieldList:
			shown.Type = "textarea"
			shown.Help = strings.TrimSpace("One per line. " + f.Help)
		case setting.FieldHeaders:
			// Names of headers are not secret. Their values are masked.
			shown.Type, shown.Secret = "textarea", false
			shown.Help = strings.TrimSpace("One per line, for example X-Team: ops. " + f.Help)
		case setting.FieldTemplate:
			shown.Type = "textarea"
		case setting.FieldLabels:
			shown.Type = "textarea"
			shown.Help = strings.TrimSpace("One per line, for example team: ops. " + f.Help)
		case setting.FieldText, setting.FieldSecret:
		}
		_, shown.Typed = d.secrets[f.Name]
		if saved != nil {
			_, shown.Saved = saved.Settings[f.Name]
		}
		shown.Renewable, shown.Renew = shown.Saved && f.Generate != nil, d.regenerate[f.Name]
		all = append(all, shown)
	}
	return all
}

// channelEdit parses the form of a channel.
func (req *request) channelEdit(kind, id string) manage.ChannelEdit {
	e := manage.ChannelEdit{
		Name: new(req.formValue("name")), Settings: map[string]any{}, RemindEvery: new(req.formValue("remind_every")),
		NotifyOnLate: new(req.formValue("notify_on_late") != ""), NotifyOnRecovery: new(req.formValue("notify_on_recovery") != ""),
	}
	if id == "" {
		e.Kind = &kind
	}
	k, _ := notify.KindOf(kind)
	for _, f := range k.Fields {
		if value, given := forms.ParseSetting(f, req.formValue("settings."+f.Name)); given {
			e.Settings[f.Name] = value
		}
	}
	forms.RestoreSecrets(e.Settings, req.submittedSecrets(kind, id))
	for name := range req.regeneratedSecrets(k) {
		e.Settings[name] = nil
	}
	return e
}

// regeneratedSecrets returns the secrets that the form asks to generate again, by
// field.
func (req *request) regeneratedSecrets(k notify.Kind) map[string]bool {
	all := map[string]bool{}
	for _, f := range k.Fields {
		if f.Generate != nil && req.formValue(channelview.RenewFieldName(f.Name)) != "" {
			all[f.Name] = true
		}
	}
	return all
}

// rerenderNewChannel shows the submitted form of a new channel.
func rerenderNewChannel(req *request) error {
	kind := req.formValue("kind")
	return req.renderChannelForm(http.StatusOK, req.submittedChannel(kind, "", nil), nil)
}

// rerenderChannelForm shows the submitted form of an existing channel.
func rerenderChannelForm(req *request) error {
	saved, err := req.site.Service.Channel(req.ctx(), req.actor, req.r.PathValue("id"))
	if err != nil {
		return err
	}
	if req.formValue("kind") == "" { // a test from the list, which has no form
		return req.renderChannel(http.StatusOK, saved.ID, "", nil)
	}
	return req.renderChannelForm(http.StatusOK, req.submittedChannel(saved.Kind, saved.ID, nil), &saved)
}

// submittedChannel returns the submitted form. Its secrets are masked, and
// encrypted in a hidden field. An invalid secret is dropped: no one could see it to
// correct it, and the empty field would keep it. Headers are kept, because their
// names are visible and can be removed.
func (req *request) submittedChannel(kind, id string, fieldErrs map[string]string) channelDraft {
	d := channelDraft{
		kind: kind, name: req.formValue("name"), remindEvery: req.formValue("remind_every"), settings: map[string]any{},
		notifyOnRecovery: req.formValue("notify_on_recovery") != "", notifyOnLate: req.formValue("notify_on_late") != "", errors: fieldErrs,
		version: req.formValue(ui.VersionField), shown: req.formValue(ui.OriginalValuesField),
	}
	d.secrets = req.submittedSecrets(kind, id)
	k, _ := notify.KindOf(d.kind)
	d.regenerate = req.regeneratedSecrets(k)
	for _, f := range k.Fields {
		if _, wrong := fieldErrs["settings."+f.Name]; wrong && f.Type == setting.FieldSecret {
			delete(d.secrets, f.Name)
		}
	}
	d.sealedSecrets = req.site.sealer.SealSecrets(d.secrets, req.secretsContext(kind, id), req.now)
	for _, f := range k.Fields {
		value, _ := forms.ParseSetting(f, req.formValue("settings."+f.Name))
		if pairs, ok := value.(map[string]any); ok {
			for name := range pairs {
				pairs[name] = setting.Masked
			}
		}
		d.settings[f.Name] = value
	}
	return d
}

// channelFormLabels returns the fields of the channel form, with the texts for
// people.
func channelFormLabels(kind string) []ui.Option {
	all := []ui.Option{{Value: "name", Label: "Name"}}
	k, _ := notify.KindOf(kind)
	for _, f := range k.Fields {
		all = append(all, ui.Option{Value: "settings." + f.Name, Label: f.Label})
	}
	return append(all, ui.Option{Value: "notify_on_recovery", Label: "Message when it recovers"},
		ui.Option{Value: "notify_on_late", Label: "Message when it is Late"}, ui.Option{Value: "remind_every", Label: "Remind while Down, seconds"})
}

// formValues returns the values that a browser sends for an unchanged form.
func (d channelDraft) formValues() url.Values {
	values := url.Values{"name": {d.name}, "remind_every": {d.remindEvery}}
	k, _ := notify.KindOf(d.kind)
	for _, f := range k.Fields {
		values["settings."+f.Name] = []string{forms.SettingText(f, d.settings[f.Name])}
	}
	for name, on := range map[string]bool{"notify_on_recovery": d.notifyOnRecovery, "notify_on_late": d.notifyOnLate} {
		if on {
			values[name] = []string{"on"}
		}
	}
	return values
}

// staleChannel returns the conflict of a form that is based on an old version.
func (req *request) staleChannel(ctx context.Context, id string) (editConflict, error) {
	c, err := req.site.Service.Channel(ctx, req.actor, id)
	if err != nil {
		return editConflict{}, err
	}
	typed := req.submittedChannel(c.Kind, c.ID, nil)
	e := editConflict{
		title: c.Name, formPath: paths.Channel(c.ID), backPath: paths.Channel(c.ID), version: manage.ChannelVersion(c),
		fields: channelFormLabels(c.Kind), saved: savedChannel(c).formValues(), submitted: typed.formValues(),
		hidden: []ui.Option{{Value: typed.sealedSecrets, Label: "kept"}, {Value: c.Kind, Label: "kind"}},
	}
	for name := range typed.secrets {
		e.secrets = append(e.secrets, "settings."+name)
	}
	e.lastChange, err = req.site.Service.LastChange(ctx, req.actor, "channel.change", manage.ChannelAuditTarget(c))
	return e, err
}

// secretsContext identifies the form that encrypted secrets belong to. Another
// person, channel or destination cannot use them.
func (req *request) secretsContext(kind, id string) string {
	k, _ := notify.KindOf(kind)
	typed := setting.Values{}
	for _, f := range k.Fields {
		if f.Destination {
			typed[f.Name] = req.formValue("settings." + f.Name)
		}
	}
	return fmt.Sprintf("%q", []string{req.person.ID, req.actor.Project.Slug, kind, id, k.Destination(typed)})
}

// submittedSecrets returns the secrets of a channel form: those typed now, and
// those typed before that the form brought back.
func (req *request) submittedSecrets(kind, id string) map[string]any {
	k, _ := notify.KindOf(kind)
	before := req.site.sealer.OpenSecrets(req.formValue("kept"), req.secretsContext(kind, id), req.now)
	all := map[string]any{}
	for _, f := range k.Fields {
		if req.formValue(TakePrefix+"settings."+f.Name) == "theirs" {
			continue
		}
		value, given := forms.ParseSetting(f, req.formValue("settings."+f.Name))
		if secret := forms.SubmittedSecret(f, value, given, before[f.Name]); secret != nil {
			all[f.Name] = secret
		}
	}
	return all
}
