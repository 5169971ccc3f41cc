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
// hold is said by the kinds, see documentChannelKinds.
type channelSettings struct {
	_ struct{} `additionalProperties:"false"`

	Kind             *string        `json:"kind,omitempty" doc:"Required when creating; cannot be changed"`
	Name             *string        `json:"name,omitempty" minLength:"1" maxLength:"100" doc:"For people. Required when creating"`
	Settings         map[string]any `json:"settings,omitempty"`
	NotifyOnLate     *bool          `json:"notify_on_late,omitempty" doc:"Also tell when a heartbeat is late. false unless given"`
	NotifyOnRecovery *bool          `json:"notify_on_recovery,omitempty" doc:"Also tell when an incident is resolved. true unless given"`
	RemindEvery      *duration      `json:"remind_every,omitempty" nullable:"true" doc:"From one reminder to the next while an incident is open and not acknowledged: 1 s to 366 d. Null: never"`
}

// channelEdit reads the settings from a body.
func channelEdit(body []byte) (manage.ChannelEdit, error) {
	var s channelSettings
	found, err := decodeObject(body, &s)
	return manage.ChannelEdit{
		Kind: s.Kind, Name: s.Name, Settings: s.Settings, NotifyOnLate: s.NotifyOnLate, NotifyOnRecovery: s.NotifyOnRecovery,
		RemindEvery: s.RemindEvery.text(), InputFaults: found,
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
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-channels", Method: http.MethodGet, Path: "/channels", Tags: tag, Summary: "List channels, oldest first",
	}}, a.listChannels)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "create-channel", Method: http.MethodPost, Path: "/channels", Tags: tag, Summary: "Create a channel",
		Description:   "A secret that is made for you, such as that of a webhook, is in this answer and in no other.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, body: settings, example: exampleChannel}, a.createChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-channel", Method: http.MethodGet, Path: "/channels/{id}", Tags: tag, Summary: "Get one channel", Errors: gone,
	}}, a.getChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "change-channel", Method: http.MethodPatch, Path: "/channels/{id}", Tags: tag, Summary: "Change a channel",
		Description: "What is absent stays as it is, also within settings; a null there removes a setting, or makes a new secret. " +
			"A secret given as the dots of the answer stays as it is. If the scheme, host or port of the URL changes, send the secret again.",
		Errors: append(slices.Clone(gone), http.StatusPreconditionFailed),
	}, body: settings, example: map[string]any{"remind_every": "1h"}}, a.changeChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "delete-channel", Method: http.MethodDelete, Path: "/channels/{id}", Tags: tag, Summary: "Delete a channel",
		Description: "A heartbeat that told only this channel tells all channels of the project from then on.", Errors: gone,
	}}, a.deleteChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "test-channel", Method: http.MethodPost, Path: "/channels/{id}/test", Tags: tag, Summary: "Send a test alert now",
		Description: "Answers with what the provider said: its refusal is a result, not an error. A project may send 10 in a minute; beyond that the answer is 429 with Retry-After.",
		Errors:      append(slices.Clone(gone), http.StatusTooManyRequests),
	}}, a.testChannel)
}

// channelJSON shows one. Its secrets are dots already.
func channelJSON(c monitor.Channel) client.Channel { return shape.Channel(c, c.Settings) }

func (a *API) listChannels(ctx context.Context, who auth.Actor, in *PageQuery) (*bodyResponse[client.Page[client.Channel]], error) {
	listing, err := a.Service.Channels(ctx, who, in.query())
	if err != nil {
		return nil, err
	}
	return pageResponse(listing, channelJSON), nil
}

func (a *API) createChannel(ctx context.Context, who auth.Actor, in *JSONBody) (*createdResponse[client.Channel], error) {
	e, err := channelEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	c, err := a.Service.CreateChannel(ctx, who, e)
	if err != nil {
		return nil, err
	}
	return &createdResponse[client.Channel]{ETag: etag(manage.ChannelVersion(c)), Location: a.BaseURL + Prefix + "/channels/" + c.ID, Body: channelJSON(c)}, nil
}

// channelResponse shows the channel that a call to the desk returned.
func channelResponse(c monitor.Channel, err error) (*etagResponse[client.Channel], error) {
	if err != nil {
		return nil, err
	}
	return &etagResponse[client.Channel]{etag(manage.ChannelVersion(c)), channelJSON(c)}, nil
}

func (a *API) getChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*etagResponse[client.Channel], error) {
	return channelResponse(a.Service.Channel(ctx, who, in.ID))
}

func (a *API) changeChannel(ctx context.Context, who auth.Actor, in *channelPatch) (*etagResponse[client.Channel], error) {
	e, err := channelEdit(in.RawBody)
	if err != nil {
		return nil, err
	}
	e.IfVersion = in.versions()
	return channelResponse(a.Service.ChangeChannel(ctx, who, in.ID, e))
}

func (a *API) deleteChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*emptyResponse, error) {
	return &emptyResponse{}, a.Service.DeleteChannel(ctx, who, in.ID)
}

func (a *API) testChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*bodyResponse[client.TestResult], error) {
	result, err := a.Service.TestChannel(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.TestResult]{result}, nil
}
