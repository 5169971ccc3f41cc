package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/web/present"
	"overdue/internal/web/view/channelview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// channelRoutes returns the routes of channels.
func (s *Site) channelRoutes() []route {
	return []route{
		{pattern: "GET /channels", right: auth.Read, handle: listChannels},
		{pattern: "GET /channels/new", right: auth.ChangeChannels, handle: showNewChannel},
		{pattern: "POST /channels", right: auth.ChangeChannels, handle: createChannel, renderForm: rerenderNewChannel},
		{pattern: "POST /channels/preview", right: auth.ChangeChannels, handle: previewChannel, projectInQuery: true},
		{pattern: "POST /channels/{id}/retry", right: auth.RetryAlerts, handle: retryChannel},
		{pattern: "POST /channels/test", right: auth.ChangeChannels, handle: testChannelDraft, renderForm: rerenderNewChannel},
		{pattern: "GET /channels/{id}", right: auth.Read, handle: showChannel},
		{pattern: "POST /channels/{id}", right: auth.ChangeChannels, handle: changeChannel, renderForm: rerenderChannelForm},
		{pattern: "POST /channels/{id}/test", right: auth.ChangeChannels, handle: testChannel, renderForm: rerenderChannelForm},
		{pattern: "GET /channels/{id}/delete", right: auth.ChangeChannels, handle: confirmChannelDeletion},
		{pattern: "POST /channels/{id}/delete", right: auth.ChangeChannels, handle: deleteChannel},
	}
}

// listChannels shows the channels and the kinds to add.
func listChannels(req *request) error { return req.renderChannels(http.StatusOK, nil) }

// renderChannels shows the list. tested is the channel that was just tested, or nil.
func (req *request) renderChannels(status int, tested *channelview.TestedChannel) error {
	list, _, err := req.site.Service.ChannelDetails(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	search := strings.TrimSpace(req.r.URL.Query().Get("kind"))
	kinds := channelview.FindKinds(present.ChannelKindGroups(req.site.Service.KindUnavailable), search)
	page := channelview.ListPage{Shell: req.shell(""), Groups: kinds, Search: search, Fallback: present.FallbackKinds(), Tested: tested}
	for _, d := range list {
		page.Channels = append(page.Channels, present.Channel(d))
	}
	channelview.SortByTrouble(page.Channels)
	return req.renderStatus(status, channelview.List(page))
}

// createChannel creates a channel. Only this response shows a generated secret.
func createChannel(req *request) error {
	c, err := req.site.Service.CreateChannel(req.ctx(), req.actor, req.channelEdit(req.formValue("kind"), ""))
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderChannelForm(statusInvalid, req.submittedChannel(req.formValue("kind"), "", fieldErrs), nil)
	}
	if err != nil {
		return err
	}
	if secret := generatedSecret(c); secret != "" {
		req.toast("Added "+c.Name, "")
		return req.renderChannel(http.StatusCreated, c.ID, secret, nil)
	}
	req.toast("Added "+c.Name, "")
	return req.redirect(paths.Channels)
}

// generatedSecret returns a secret that was just generated, or "". Saved secrets
// are masked.
func generatedSecret(c monitor.Channel) string {
	secret, _ := c.Settings["secret"].(string)
	if strings.Contains(secret, "•") {
		return ""
	}
	return secret
}

// changeChannel saves the form of an existing channel.
func changeChannel(req *request) error {
	id := req.r.PathValue("id")
	before, err := req.site.Service.Channel(req.ctx(), req.actor, id)
	if err != nil {
		return err
	}
	edit := req.channelEdit(before.Kind, id)
	edit.IfVersion = []string{req.formValue(ui.VersionField)}
	c, err := req.site.Service.ChangeChannel(req.ctx(), req.actor, id, edit)
	if isStale(err) {
		now, err2 := req.staleChannel(req.ctx(), id)
		if err2 != nil {
			return err2
		}
		if req.isConflict(now) {
			return req.renderConflict(now)
		}
		edit.IfVersion = []string{now.version} // the form does not show what changed
		c, err = req.site.Service.ChangeChannel(req.ctx(), req.actor, id, edit)
	}
	if fieldErrs, invalid := fieldErrors(err); invalid {
		return req.renderChannelForm(statusInvalid, req.submittedChannel(before.Kind, id, fieldErrs), &before)
	}
	if err != nil {
		return err
	}
	req.toast("Saved "+c.Name, "")
	if secret := generatedSecret(c); secret != "" {
		return req.renderChannel(http.StatusOK, c.ID, secret, nil)
	}
	return req.redirect(paths.Channels)
}

// retryChannel makes the pending alerts of a channel due now.
func retryChannel(req *request) error {
	c, err := req.site.Service.RetryChannel(req.ctx(), req.actor, req.r.PathValue("id"))
	if err != nil {
		return err
	}
	req.toast("Retrying "+ui.Plural(c.Health.Pending, "pending alert"), "")
	return req.redirect(paths.Channel(c.ID))
}

// confirmChannelDeletion asks for confirmation on a separate page.
func confirmChannelDeletion(req *request) error {
	c, err := req.site.Service.Channel(req.ctx(), req.actor, req.r.PathValue("id"))
	if err != nil {
		return err
	}
	return req.renderChannelDeletion(c, ui.Input{})
}

// renderChannelDeletion shows the page that asks for the name.
func (req *request) renderChannelDeletion(c monitor.Channel, word ui.Input) error {
	list, _, err := req.site.Service.ChannelDetails(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	path, status := paths.Channel(c.ID), http.StatusOK
	if word.Error != "" {
		status = statusInvalid
	}
	return req.renderStatus(status, layout.Confirm(layout.ConfirmPage{
		Shell: req.shell(""), Section: "Channels", Title: "Delete “" + c.Name + "”?",
		Text:   channelview.DeletionText(len(list) == 1),
		Action: path + "/delete", Label: "Type the name to confirm", Typed: word, Button: "Delete channel", CancelPath: path,
	}))
}

// deleteChannel deletes a channel after its name was typed.
func deleteChannel(req *request) error {
	c, err := req.site.Service.Channel(req.ctx(), req.actor, req.r.PathValue("id"))
	if err != nil {
		return err
	}
	if word := req.formValue("confirm"); !sameName(word, c.Name) {
		return req.renderChannelDeletion(c, ui.Input{Value: word, Error: "The name does not match. Type it as shown above."})
	}
	if err := req.site.Service.DeleteChannel(req.ctx(), req.actor, c.ID); err != nil {
		return err
	}
	req.toast("Deleted "+c.Name, "")
	return req.redirect(paths.Channels)
}

// testRetryAfter is the time after which the next test alert is allowed.
const testRetryAfter = 6 * time.Second

// testChannelDraft sends a test alert with the values of an unsaved form.
func testChannelDraft(req *request) error { return req.renderTest("", nil) }

// testChannel sends a test alert with the values of the form, or with the saved
// values if the request comes from the list, which has no form.
func testChannel(req *request) error {
	id := req.r.PathValue("id")
	if req.formValue("kind") != "" {
		before, err := req.site.Service.Channel(req.ctx(), req.actor, id)
		if err != nil {
			return err
		}
		return req.renderTest(id, &before)
	}
	started := time.Now()
	result, err := req.site.Service.TestChannel(req.ctx(), req.actor, id)
	if isFault(err, monitor.RateLimited) {
		return req.renderChannels(req.setRetryAfter(testRetryAfter), &channelview.TestedChannel{ID: id, Answer: req.testNotSent(err)})
	}
	if err != nil {
		return err
	}
	return req.renderChannels(http.StatusOK, &channelview.TestedChannel{ID: id, Answer: present.TestDelivery(result, time.Since(started), req.now)})
}

// testNotSent returns the row of a test that the rate limit rejected.
func (req *request) testNotSent(err error) ui.Delivery {
	return ui.Delivery{Message: "Test", State: "failed", Response: err.Error(), At: req.now}
}

// renderTest sends a test alert with the values of the form, and shows the form
// again with the response.
func (req *request) renderTest(id string, saved *monitor.Channel) error {
	kind := req.formValue("kind")
	if saved != nil {
		kind = saved.Kind
	}
	started := time.Now()
	result, kept, err := req.site.Service.TestChannelDraft(req.ctx(), req.actor, id, req.channelEdit(kind, id))
	fieldErrs, invalid := fieldErrors(err)
	limited := isFault(err, monitor.RateLimited)
	if err != nil && !invalid && !limited {
		return err
	}
	d := req.submittedChannel(kind, id, fieldErrs)
	if invalid {
		return req.renderChannelForm(statusInvalid, d, saved)
	}
	status := http.StatusOK
	if limited {
		status = req.setRetryAfter(testRetryAfter)
		d.answer = new(req.testNotSent(err))
	} else {
		d.answer = new(present.TestDelivery(result, time.Since(started), req.now))
	}
	if limited || !kept {
		d.deliveries = []ui.Delivery{*d.answer}
	}
	return req.renderChannelForm(status, d, saved)
}

// previewChannel returns what a channel form that is being filled in would send.
func previewChannel(req *request) error {
	kind, id := req.formValue("kind"), req.formValue("channel")
	var saved *monitor.Channel
	if id != "" {
		c, err := req.site.Service.Channel(req.ctx(), req.actor, id)
		if err != nil {
			return err
		}
		kind, saved = c.Kind, &c
	}
	d := req.submittedChannel(kind, id, nil)
	return req.renderStatus(http.StatusOK, channelview.PreviewBox(req.eventPreviews(d, saved), true))
}

// eventPreviews returns what the channel sends for each event.
func (req *request) eventPreviews(d channelDraft, saved *monitor.Channel) []channelview.EventPreview {
	k, _ := notify.KindOf(d.kind)
	set := previewSettings(k, d, saved)
	selected := req.formValue(channelview.PreviewField)
	var all []channelview.EventPreview
	for _, e := range present.ExampleAlerts(req.actor.Project, d.name, req.projectZone(), req.site.BaseURL, req.now) {
		p := channelview.EventPreview{Name: e.Name, Label: e.Label, Selected: e.Name == selected, Message: req.messagePreview(e.Notification)}
		if k.Preview != nil {
			r := k.Preview("Overdue/"+req.site.Version, set, e.Notification)
			p.Request = channelview.RequestPreview{Host: r.Host, Text: r.Text}
		}
		all = append(all, p)
	}
	if !slices.ContainsFunc(all, func(p channelview.EventPreview) bool { return p.Selected }) {
		all[0].Selected = true
	}
	return all
}

// previewSettings returns the settings of the form, with saved secrets that it keeps as dots. Of a saved secret URL,
// only the host is known here. Missing values are those of the placeholders.
func previewSettings(k notify.Kind, d channelDraft, saved *monitor.Channel) setting.Values {
	set := setting.Values{}
	for _, f := range k.Fields {
		switch value := d.settings[f.Name]; {
		case f.Secret && !setting.IsEmpty(d.secrets[f.Name]):
			set[f.Name] = d.secrets[f.Name]
		case !setting.IsEmpty(value) && value != setting.Masked:
			set[f.Name] = value
		case f.Secret && saved != nil && !setting.IsEmpty(saved.Settings[f.Name]):
			set[f.Name] = saved.Settings[f.Name]
			if f.Type == setting.FieldURL {
				set[f.Name] = "https://" + saved.Target + "/"
			}
		case f.Required && !f.Secret && f.Type == setting.FieldList: // without recipients, there would be no request
			set[f.Name] = []any{cmp.Or(f.Placeholder, f.Label)}
		case f.Required && !f.Secret && f.Type == setting.FieldText:
			set[f.Name] = cmp.Or(f.Placeholder, f.Label)
		}
	}
	return set
}

// messagePreview returns one example of an alert.
func (req *request) messagePreview(n message.Notification) channelview.MessagePreview {
	m := n.Message()
	p := channelview.MessagePreview{Status: m.Tone, At: ui.Clock{Now: req.now, Zone: req.projectZone()}.Minute(n.At), Title: m.Subject, Text: m.Lead}
	for _, f := range m.Facts {
		p.Facts = append(p.Facts, ui.Option{Label: f.Label, Value: f.Value})
	}
	for _, l := range m.Links {
		p.Actions = append(p.Actions, l.Label)
	}
	return p
}
