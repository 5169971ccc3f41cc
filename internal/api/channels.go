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
	"overdue/internal/wire"
)

// channelSettings is the body of a request that creates or changes a channel. See
// documentChannelKinds for its settings.
type channelSettings struct {
	_ struct{} `additionalProperties:"false"`

	Kind             *string        `json:"kind,omitempty" doc:"Required in a new channel; cannot be changed"`
	Name             *string        `json:"name,omitempty" minLength:"1" maxLength:"100" doc:"Name for people. Required in a new channel"`
	Settings         map[string]any `json:"settings,omitempty"`
	NotifyOnLate     *bool          `json:"notify_on_late,omitempty" doc:"Also notify when a heartbeat is late. Default: false"`
	NotifyOnRecovery *bool          `json:"notify_on_recovery,omitempty" doc:"Also notify when an incident is resolved. Default: true"`
	RemindEvery      *duration      `json:"remind_every,omitempty" nullable:"true" doc:"Time between reminders while an incident is open and not acknowledged: 1 s to 366 d. Null: no reminders"`
}

// channelEdit decodes a body into an edit.
func channelEdit(body []byte) (manage.ChannelEdit, error) {
	var s channelSettings
	found, err := decodeObject(body, membersOf(&s))
	return manage.ChannelEdit{
		Kind: s.Kind, Name: s.Name, Settings: s.Settings, NotifyOnLate: s.NotifyOnLate, NotifyOnRecovery: s.NotifyOnRecovery,
		RemindEvery: s.RemindEvery.text(), InputFaults: found,
	}, err
}

type (
	ChannelPath struct {
		ID string `path:"id" doc:"Id" example:"01998f7c-5a0e-7c11-9d53-2f6f3a1b8c4d"`
	}
	channelPatch struct {
		ChannelPath
		IfMatch
		JSONBody
	}
)

// channelRoutes registers the endpoints of channels.
func (a *API) channelRoutes() {
	settings := a.schemaOf(reflect.TypeFor[channelSettings]())
	tag := []string{"Channels"}
	gone := []int{http.StatusNotFound}
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "list-channels", Method: http.MethodGet, Path: "/channels", Tags: tag, Summary: "List channels, oldest first",
	}}, a.listChannels)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "create-channel", Method: http.MethodPost, Path: "/channels", Tags: tag, Summary: "Create a channel",
		Description:   "Only this response contains a generated secret, such as the one of a webhook.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
	}, body: settings, example: exampleChannel}, a.createChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "get-channel", Method: http.MethodGet, Path: "/channels/{id}", Tags: tag, Summary: "Get one channel", Errors: gone,
	}}, a.getChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "change-channel", Method: http.MethodPatch, Path: "/channels/{id}", Tags: tag, Summary: "Change a channel",
		Description: "Missing members stay unchanged, also within settings; null there removes a setting, or generates a new secret. " +
			"A masked secret stays unchanged. If the scheme, host or port of the URL changes, send the secret again.",
		Errors: append(slices.Clone(gone), http.StatusPreconditionFailed),
	}, body: settings, example: map[string]any{"remind_every": "1h"}}, a.changeChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "delete-channel", Method: http.MethodDelete, Path: "/channels/{id}", Tags: tag, Summary: "Delete a channel",
		Description: "A heartbeat that used only this channel then uses all channels of the project.", Errors: gone,
	}}, a.deleteChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "test-channel", Method: http.MethodPost, Path: "/channels/{id}/test", Tags: tag, Summary: "Send a test alert now",
		Description: "Returns the answer of the provider: its error is a result, not an error of the request. The maximum is 10 per project and minute; more are answered with 429 and Retry-After.",
		Errors:      append(slices.Clone(gone), http.StatusTooManyRequests),
	}}, a.testChannel)
	register(a, endpoint{Operation: huma.Operation{
		OperationID: "retry-channel", Method: http.MethodPost, Path: "/channels/{id}/retry", Tags: tag, Summary: "Send the pending alerts now",
		Description: "Makes all pending alerts of the channel due now, also if its receiver asked for a pause. Does not wait for the result: see `pending` and `failure`.",
		Errors:      gone,
	}}, a.retryChannel)
}

// channelJSON converts a channel, whose secrets are masked.
func channelJSON(c monitor.Channel) client.Channel { return wire.Channel(c, c.Settings) }

func (a *API) listChannels(ctx context.Context, who auth.Actor, in *PageQuery) (*bodyResponse[client.Page[client.Channel]], error) {
	list, err := a.Service.Channels(ctx, who, in.query())
	return pageResponse(list, err, channelJSON)
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

// channelResponse returns the response for the result of the service.
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

func (a *API) retryChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*etagResponse[client.Channel], error) {
	return channelResponse(a.Service.RetryChannel(ctx, who, in.ID))
}

func (a *API) testChannel(ctx context.Context, who auth.Actor, in *ChannelPath) (*bodyResponse[client.TestResult], error) {
	result, err := a.Service.TestChannel(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &bodyResponse[client.TestResult]{result}, nil
}
