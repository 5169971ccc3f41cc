package web

import (
	"net/http"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
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
		{pattern: "POST /channels/test", right: auth.ChangeChannels, handle: testChannelDraft, renderForm: rerenderNewChannel},
		{pattern: "GET /channels/{id}", right: auth.Read, handle: showChannel},
		{pattern: "POST /channels/{id}", right: auth.ChangeChannels, handle: changeChannel, renderForm: rerenderChannelForm},
		{pattern: "POST /channels/{id}/test", right: auth.ChangeChannels, handle: testChannel, renderForm: rerenderChannelForm},
		{pattern: "GET /channels/{id}/delete", right: auth.ChangeChannels, handle: confirmChannelDeletion},
		{pattern: "POST /channels/{id}/delete", right: auth.ChangeChannels, handle: deleteChannel},
	}
}

// listChannels shows the channels and the kinds to add.
func listChannels(req *request) error {
	list, _, err := req.site.Service.ChannelDetails(req.ctx(), req.actor)
	if err != nil {
		return err
	}
	page := channelview.ListPage{Shell: req.shell(""), Kinds: present.ChannelKinds()}
	for _, d := range list {
		page.Channels = append(page.Channels, present.Channel(d))
	}
	return req.render(channelview.List(page))
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
	_, err := req.site.Service.TestChannel(req.ctx(), req.actor, id)
	if isFault(err, monitor.RateLimited) {
		return req.renderChannel(req.setRetryAfter(testRetryAfter), id, "", &ui.Delivery{Message: "Test", State: "failed", Response: err.Error(), At: req.now})
	}
	if err != nil {
		return err
	}
	return req.renderChannel(http.StatusOK, id, "", nil) // its last deliveries include the test
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
		d.deliveries = []ui.Delivery{{Message: "Test", State: "failed", Response: err.Error(), At: req.now}}
	} else if !kept {
		d.deliveries = []ui.Delivery{present.TestDelivery(result, time.Since(started), req.now)}
	}
	return req.renderChannelForm(status, d, saved)
}
