package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/shape"
)

// channelSettings is what a request may say of a channel. What its settings may
// hold is said by the kinds, see describeKinds.
type channelSettings struct {
	_ struct{} `additionalProperties:"false"`

	Kind          *string        `json:"kind,omitempty" doc:"Required when creating; cannot be changed"`
	Name          *string        `json:"name,omitempty" minLength:"1" maxLength:"100" doc:"For people. Required when creating"`
	Settings      map[string]any `json:"settings,omitempty"`
	TellLate      *bool          `json:"notify_on_late,omitempty" doc:"Also tell when a heartbeat is late. false unless given"`
	TellRecovered *bool          `json:"notify_on_recovery,omitempty" doc:"Also tell when an incident is resolved. true unless given"`
	RemindEvery   *duration      `json:"remind_every,omitempty" nullable:"true" doc:"From one reminder to the next while an incident is open and not acknowledged: 1 s to 366 d. Null: never"`
}

// channelEdit reads the settings from a body.
func channelEdit(body []byte) (manage.ChannelEdit, error) {
	var s channelSettings
	found, err := read(body, &s)
	return manage.ChannelEdit{
		Kind: s.Kind, Name: s.Name, Settings: s.Settings, TellLate: s.TellLate, TellRecovered: s.TellRecovered,
		RemindEvery: s.RemindEvery.text(), Found: found,
	}, err
}

type (
	ChannelPath struct {
		ID string `path:"id" doc:"Its id" example:"01998f7c-5a0e-7c11-9d53-2f6f3a1b8c4d"`
	}
	channelPatch struct {
		ChannelPath
		IfMatch
		JSONBody
	}
)

// channelRoutes registers the endpoints of channels.
func (a *API) channelRoutes() {
	settings := reflect.TypeFor[channelSettings]()
	tag := []string{"Channels"}
	gone := []int{http.StatusNotFound}
	register(a, route{Operation: huma.Operation{
		OperationID: "list-channels", Method: http.MethodGet, Path: "/channels", Tags: tag, Summary: "List channels, oldest first",
	}}, a.listChannels)
	register(a, route{Operation: huma.Operation{
		OperationID: "create-channel", Method: http.MethodPost, Path: "/channels", Tags: tag, Summary: "Create a channel",
		Description:   "A secret that is made for you, such as that of a webhook, is in this answer and in no other.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, body: settings, example: exampleChannel}, a.createChannel)
	register(a, route{Operation: huma.Operation{
		OperationID: "get-channel", Method: http.MethodGet, Path: "/channels/{id}", Tags: tag, Summary: "Get one channel", Errors: gone,
	}}, a.getChannel)
	register(a, route{Operation: huma.Operation{
		OperationID: "change-channel", Method: http.MethodPatch, Path: "/channels/{id}", Tags: tag, Summary: "Change a channel",
		Description: "What is absent stays as it is, also within settings; a null there removes a setting, or makes a new secret. " +
			"A secret given as the dots of the answer stays as it is. If the scheme, host or port of the URL changes, send the secret again.",
		Errors: append(slices.Clone(gone), http.StatusPreconditionFailed),
	}, body: settings, example: map[string]any{"remind_every": "1h"}}, a.changeChannel)
	register(a, route{Operation: huma.Operation{
		OperationID: "delete-channel", Method: http.MethodDelete, Path: "/channels/{id}", Tags: tag, Summary: "Delete a channel",
		Description: "A heartbeat that told only this channel tells all channels of the project from then on.", Errors: gone,
	}}, a.deleteChannel)
	register(a, route{Operation: huma.Operation{
		OperationID: "test-channel", Method: http.MethodPost, Path: "/channels/{id}/test", Tags: tag, Summary: "Send a test alert now",
		Description: "Answers with what the provider said: its refusal is a result, not an error. A project may send 10 in a minute; beyond that the answer is 429 with Retry-After.",
		Errors:      append(slices.Clone(gone), http.StatusTooManyRequests),
	}}, a.testChannel)
}

// showChannel shows one. Its secrets are dots already.
func showChannel(c monitor.Channel) client.Channel { return shape.Channel(c, c.Settings) }

func (a *API) listChannels(ctx context.Context, who auth.Actor, in *PageQuery) (*ok[client.Page[client.Channel]], error) {
	listing, err := a.Desk.Channels(ctx, who, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(listing, showChannel), nil
}

func (a *API) createChannel(ctx context.Context, who auth.Actor, in *JSONBody) (*created[client.Channel], error) {
	e, err := channelEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	c, err := a.Desk.CreateChannel(ctx, who, e)
	if err != nil {
		return nil, err
	}
	return &created[client.Channel]{ETag: etag(manage.ChannelVersion(c)), Location: a.Base + Prefix + "/channels/" + c.ID, Body: showChannel(c)}, nil
}

// oneChannel shows the channel that a call to the desk returned.
func oneChannel(c monitor.Channel, err error) (*tagged[client.Channel], error) {
	if err != nil {
		return nil, err
	}
	return &tagged[client.Channel]{etag(manage.ChannelVersion(c)), showChannel(c)}, nil
}

func (a *API) getChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*tagged[client.Channel], error) {
	return oneChannel(a.Desk.Channel(ctx, who, in.ID))
}

func (a *API) changeChannel(ctx context.Context, who auth.Actor, in *channelPatch) (*tagged[client.Channel], error) {
	e, err := channelEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	e.MadeOn = in.versions()
	return oneChannel(a.Desk.ChangeChannel(ctx, who, in.ID, e))
}

func (a *API) deleteChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*nothing, error) {
	return &nothing{}, a.Desk.DeleteChannel(ctx, who, in.ID)
}

func (a *API) testChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*ok[client.TestResult], error) {
	result, err := a.Desk.TestChannel(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &ok[client.TestResult]{result}, nil
}
