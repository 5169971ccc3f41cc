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
		{pattern: "GET /channels", needs: auth.Read, handle: listChannels},
		{pattern: "GET /channels/new", needs: auth.ChangeChannels, handle: newChannel},
		{pattern: "POST /channels", needs: auth.ChangeChannels, handle: createChannel, again: newChannelAgain},
		{pattern: "POST /channels/test", needs: auth.ChangeChannels, handle: testDraft, again: newChannelAgain},
		{pattern: "GET /channels/{id}", needs: auth.Read, handle: showChannel},
		{pattern: "POST /channels/{id}", needs: auth.ChangeChannels, handle: changeChannel, again: changeChannelAgain},
		{pattern: "POST /channels/{id}/test", needs: auth.ChangeChannels, handle: testChannel, again: changeChannelAgain},
		{pattern: "GET /channels/{id}/delete", needs: auth.ChangeChannels, handle: confirmChannelDeletion},
		{pattern: "POST /channels/{id}/delete", needs: auth.ChangeChannels, handle: deleteChannel},
	}
}

// listChannels is the list, and the gallery of kinds to add.
func listChannels(v *visit) error {
	list, _, err := v.site.Desk.ChannelDetails(v.ctx(), v.actor)
	if err != nil {
		return err
	}
	page := view.ChannelsPage{Shell: v.shell(""), Kinds: kinds()}
	for _, d := range list {
		page.Channels = append(page.Channels, listed(d))
	}
	return v.show(view.Channels(page))
}

// kinds are all kinds of channel, for the gallery.
func kinds() []view.ChannelKind {
	var all []view.ChannelKind
	for _, k := range notify.Kinds() {
		all = append(all, kindOf(k.Name))
	}
	return all
}

// kindOf is a kind as the pages show it; one that this version does not have is
// its own name.
func kindOf(name string) view.ChannelKind {
	k, known := notify.KindOf(name)
	if !known {
		return view.ChannelKind{Name: name, Label: name}
	}
	return view.ChannelKind{Name: k.Name, Label: k.Label, About: k.Help}
}

// listed is one line of the list.
func listed(d manage.ChannelDetail) view.Channel {
	c := view.Channel{
		ID: d.ID, Name: d.Name, Kind: kindOf(d.Kind), Target: target(d.Channel), Heartbeats: d.Heartbeats,
		State: string(d.Health.State), At: d.LastDelivery,
		Why: d.Health.Reason(), For: strings.Join(d.Health.FailingFor(), ", "), Pending: d.Health.Pending, Next: d.Health.Next,
	}
	if !d.LastDelivery.IsZero() {
		c.Outcome = "Delivered"
	}
	if d.Health.State == monitor.ChannelRetrying && d.Health.Pending == 0 {
		c.State = "unconfirmed" // a test failed, and no alert waits
	}
	if len(d.Last) > 0 {
		last := d.Last[0]
		c.At = last.At
		c.Outcome = "Delivered in " + view.Latency(last.Took)
		if last.Outcome != "sent" {
			c.Outcome = strings.TrimSpace("Not delivered. " + response(last.Status, last.Detail))
		}
	}
	return c
}

// target is where a channel leads, without what could be a secret: of an address
// only its host.
func target(c monitor.Channel) string {
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
func createChannel(v *visit) error {
	c, err := v.site.Desk.CreateChannel(v.ctx(), v.actor, v.channelEdit(v.text("kind"), ""))
	if about, wrong := wrongs(err); wrong {
		return v.channelForm(refused, v.typedChannel(v.text("kind"), "", about), nil)
	}
	if err != nil {
		return err
	}
	if secret := madeSecret(c); secret != "" {
		v.toast("Added "+c.Name, "")
		return v.channelPage(http.StatusCreated, c.ID, secret, nil)
	}
	v.toast("Added "+c.Name, "")
	return v.redirect(view.ChannelsPath)
}

// madeSecret is a secret in clear, which only those have that were just made.
func madeSecret(c monitor.Channel) string {
	secret, _ := c.Settings["secret"].(string)
	if strings.Contains(secret, "•") {
		return ""
	}
	return secret
}

// changeChannel saves the form of an existing channel.
func changeChannel(v *visit) error {
	id := v.r.PathValue("id")
	before, err := v.site.Desk.Channel(v.ctx(), v.actor, id)
	if err != nil {
		return err
	}
	edit := v.channelEdit(before.Kind, id)
	edit.MadeOn = []string{v.text(view.VersionField)}
	c, err := v.site.Desk.ChangeChannel(v.ctx(), v.actor, id, edit)
	if isStale(err) {
		now, err2 := v.staleChannel(v.ctx(), id)
		if err2 != nil {
			return err2
		}
		if v.touches(now) {
			return v.conflict(now)
		}
		edit.MadeOn = []string{now.version} // what changed is not in the form
		c, err = v.site.Desk.ChangeChannel(v.ctx(), v.actor, id, edit)
	}
	if about, wrong := wrongs(err); wrong {
		return v.channelForm(refused, v.typedChannel(before.Kind, id, about), &before)
	}
	if err != nil {
		return err
	}
	v.toast("Saved "+c.Name, "")
	if secret := madeSecret(c); secret != "" {
		return v.channelPage(http.StatusOK, c.ID, secret, nil)
	}
	return v.redirect(view.ChannelsPath)
}

// confirmChannelDeletion asks on a page of its own.
func confirmChannelDeletion(v *visit) error {
	c, err := v.site.Desk.Channel(v.ctx(), v.actor, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.askChannelDeletion(c, view.Input{})
}

// askChannelDeletion shows the page that asks for the name.
func (v *visit) askChannelDeletion(c monitor.Channel, word view.Input) error {
	list, _, err := v.site.Desk.ChannelDetails(v.ctx(), v.actor)
	if err != nil {
		return err
	}
	path, status := view.ChannelPath(c.ID), http.StatusOK
	if word.Error != "" {
		status = refused
	}
	return v.showStatus(status, view.Confirm(view.ConfirmPage{
		Shell: v.shell(""), Section: "Channels", Title: "Delete “" + c.Name + "”?",
		Text:   view.ChannelDeletion(len(list) == 1),
		Action: path + "/delete", Label: "Type the name to confirm", Word: word, Button: "Delete channel", Back: path,
	}))
}

// deleteChannel ends a channel whose name was typed.
func deleteChannel(v *visit) error {
	c, err := v.site.Desk.Channel(v.ctx(), v.actor, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if word := v.text("confirm"); !same(word, c.Name) {
		return v.askChannelDeletion(c, view.Input{Value: word, Error: "Type the name as it is written above."})
	}
	if err := v.site.Desk.DeleteChannel(v.ctx(), v.actor, c.ID); err != nil {
		return err
	}
	v.toast("Deleted "+c.Name, "")
	return v.redirect(view.ChannelsPath)
}

// failingNames returns the names of channels that do not deliver, with the recipients
// if only some of them get no alerts.
func failingNames(channels []monitor.Channel) []string {
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
