package web

import (
	"net/http"
	"net/url"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/web/view"
)

// channelRoutes are the pages of the channels.
func (s *Site) channelRoutes() []route {
	return []route{
		{pattern: "GET /channels", right: auth.Read, handle: listChannels},
		{pattern: "GET /channels/new", right: auth.ChangeChannels, handle: showNewChannel},
		{pattern: "POST /channels", right: auth.ChangeChannels, handle: createChannel, renderForm: rerenderNewChannel},
		{pattern: "POST /channels/test", right: auth.ChangeChannels, handle: testChannelDraft, renderForm: rerenderNewChannel},
		{pattern: "GET /channels/{id}", right: auth.Read, handle: showChannel},
		{pattern: "POST /channels/{id}", right: auth.ChangeChannels, handle: changeChannel, renderForm: rerenderChannelForm},
		{pattern: "POST /channels/{id}/test", right: auth.ChangeChannels, handle: testChannel, renderForm: rerenderChannelForm},
		{pattern: "GET /channels/{id}/delete", right: auth.ChangeChannels, handle: confirmChannelDeletion},
		{pattern: "POST /channels/{id}/delete", right: auth.ChangeChannels, handle: deleteChannel},
	}
}

// listChannels is the list, and the gallery of kinds to add.
func listChannels(v *request) error {
	list, _, err := v.site.Service.ChannelDetails(v.ctx(), v.actor)
	if err != nil {
		return err
	}
	page := view.ChannelsPage{Shell: v.shell(""), Kinds: ChannelKinds()}
	for _, d := range list {
		page.Channels = append(page.Channels, Channel(d))
	}
	return v.render(view.Channels(page))
}

// ChannelKinds are all kinds of channel, for the gallery.
func ChannelKinds() []view.ChannelKind {
	var all []view.ChannelKind
	for _, k := range notify.Kinds() {
		all = append(all, ChannelKind(k.Name))
	}
	return all
}

// ChannelKind is a kind as the pages show it; one that this version does not have is
// its own name.
func ChannelKind(name string) view.ChannelKind {
	k, known := notify.KindOf(name)
	if !known {
		return view.ChannelKind{Name: name, Label: name}
	}
	return view.ChannelKind{Name: k.Name, Label: k.Label, About: k.Help}
}

// Channel is one line of the list.
func Channel(d manage.ChannelDetail) view.Channel {
	c := view.Channel{
		ID: d.ID, Name: d.Name, Kind: ChannelKind(d.Kind), Target: ChannelTarget(d.Channel), Heartbeats: d.Heartbeats,
		State: string(d.Health.State), LastDelivery: d.LastDelivery,
		LastError: d.Health.Reason(), FailingRecipients: strings.Join(d.Health.FailingFor(), ", "), Pending: d.Health.Pending, NextAttempt: d.Health.NextAttempt,
	}
	if !d.LastDelivery.IsZero() {
		c.LastOutcome = "Delivered"
	}
	if d.Health.State == monitor.ChannelStateRetrying && d.Health.Pending == 0 {
		c.State = "unconfirmed" // a test failed, and no alert waits
	}
	if len(d.LastDeliveries) > 0 {
		last := d.LastDeliveries[0]
		c.LastDelivery = last.At
		c.LastOutcome = "Delivered in " + view.Latency(last.Took)
		if last.Outcome != "sent" {
			c.LastOutcome = strings.TrimSpace("Not delivered. " + Response(last.Status, last.Detail))
		}
	}
	return c
}

// ChannelTarget is where a channel leads, without what could be a secret: of an address
// only its host.
func ChannelTarget(c monitor.Channel) string {
	if text, ok := c.Settings["url"].(string); ok {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			return u.Host
		}
	}
	to, _ := c.Settings["to"].([]any)
	var names []string
	for _, item := range to {
		if text, ok := item.(string); ok {
			names = append(names, text)
		}
	}
	if len(names) > 2 {
		return strings.Join(names[:2], ", ") + " and " + view.Plural(len(names)-2, "other")
	}
	return strings.Join(names, ", ")
}

// createChannel saves a new channel. A secret that Overdue made is shown on the
// page that answers, and never again.
func createChannel(v *request) error {
	c, err := v.site.Service.CreateChannel(v.ctx(), v.actor, v.channelEdit(v.formValue("kind"), ""))
	if about, wrong := fieldErrors(err); wrong {
		return v.renderChannelForm(statusInvalid, v.submittedChannel(v.formValue("kind"), "", about), nil)
	}
	if err != nil {
		return err
	}
	if secret := generatedSecret(c); secret != "" {
		v.toast("Added "+c.Name, "")
		return v.renderChannel(http.StatusCreated, c.ID, secret, nil)
	}
	v.toast("Added "+c.Name, "")
	return v.redirect(view.ChannelsPath)
}

// generatedSecret is a secret in clear, which only those have that were just made.
func generatedSecret(c monitor.Channel) string {
	secret, _ := c.Settings["secret"].(string)
	if strings.Contains(secret, "•") {
		return ""
	}
	return secret
}

// changeChannel saves the form of an existing channel.
func changeChannel(v *request) error {
	id := v.r.PathValue("id")
	before, err := v.site.Service.Channel(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	edit := v.channelEdit(before.Kind, id)
	edit.IfVersion = []string{v.formValue(view.VersionField)}
	c, err := v.site.Service.ChangeChannel(v.ctx(), v.actor, id, edit)
	if isStale(err) {
		now, err2 := v.staleChannel(v.ctx(), id)
		if err2 != nil {
			return err2
		}
		if v.isConflict(now) {
			return v.renderConflict(now)
		}
		edit.IfVersion = []string{now.version} // what changed is not in the form
		c, err = v.site.Service.ChangeChannel(v.ctx(), v.actor, id, edit)
	}
	if about, wrong := fieldErrors(err); wrong {
		return v.renderChannelForm(statusInvalid, v.submittedChannel(before.Kind, id, about), &before)
	}
	if err != nil {
		return err
	}
	v.toast("Saved "+c.Name, "")
	if secret := generatedSecret(c); secret != "" {
		return v.renderChannel(http.StatusOK, c.ID, secret, nil)
	}
	return v.redirect(view.ChannelsPath)
}

// confirmChannelDeletion asks on a page of its own.
func confirmChannelDeletion(v *request) error {
	c, err := v.site.Service.Channel(v.ctx(), v.actor, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.renderChannelDeletion(c, view.Input{})
}

// renderChannelDeletion shows the page that asks for the name.
func (v *request) renderChannelDeletion(c monitor.Channel, word view.Input) error {
	list, _, err := v.site.Service.ChannelDetails(v.ctx(), v.actor)
	if err != nil {
		return err
	}
	path, status := view.ChannelPath(c.ID), http.StatusOK
	if word.Error != "" {
		status = statusInvalid
	}
	return v.renderStatus(status, view.Confirm(view.ConfirmPage{
		Shell: v.shell(""), Section: "Channels", Title: "Delete “" + c.Name + "”?",
		Text:   view.ChannelDeletion(len(list) == 1),
		Action: path + "/delete", Label: "Type the name to confirm", Typed: word, Button: "Delete channel", CancelPath: path,
	}))
}

// deleteChannel ends a channel whose name was typed.
func deleteChannel(v *request) error {
	c, err := v.site.Service.Channel(v.ctx(), v.actor, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if word := v.formValue("confirm"); !sameName(word, c.Name) {
		return v.renderChannelDeletion(c, view.Input{Value: word, Error: "Type the name as it is written above."})
	}
	if err := v.site.Service.DeleteChannel(v.ctx(), v.actor, c.ID); err != nil {
		return err
	}
	v.toast("Deleted "+c.Name, "")
	return v.redirect(view.ChannelsPath)
}

// FailingChannelNames returns the names of channels that do not deliver, with the recipients
// if only some of them get no alerts.
func FailingChannelNames(channels []monitor.Channel) []string {
	var names []string
	for _, c := range channels {
		name := c.Name
		if only := c.Health.FailingFor(); len(only) > 0 {
			name += " for " + strings.Join(only, ", ")
		}
		names = append(names, name)
	}
	return names
}
